// What do a lock and a queue cost with Asio? It has neither; its experimental channel serves as
// both, a channel with one place being the lock.
#include <asio/experimental/channel.hpp>

#include "bench/peers/asio/common.hpp"

namespace {
using asio::use_awaitable;
using bench::Register;
using bench::Watch;
using peer::Work;
using Channel = asio::experimental::channel<void(asio::error_code, long)>;
using Lock = Channel;

Work<void> ping(Watch& watch, Channel& there, Channel& back, long times) {
  watch.start();
  for (long i = 0; i < times; ++i) {
    co_await there.async_send({}, i, use_awaitable);
    if (co_await back.async_receive(use_awaitable) != i) bench::fail("another answer came back");
  }
  watch.stop();
}
Work<void> pong(Channel& there, Channel& back, long times) {
  for (long i = 0; i < times; ++i) {
    const long value = co_await there.async_receive(use_awaitable);
    co_await back.async_send({}, value, use_awaitable);
  }
}
void queue_ping_pong(Watch& watch, long operations) {
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  Channel there(context, 1), back(context, 1);
  asio::co_spawn(context, ping(watch, there, back, operations), peer::rethrow);
  asio::co_spawn(context, pong(there, back, operations), peer::rethrow);
  context.run();
}
const Register queue_ping_pong_row("queue_ping_pong", 100'000, queue_ping_pong);

// The quickest form that a careful user would write: without a switch where the lock is free.
Work<void> acquire(Lock& lock) {
  if (!lock.try_send(asio::error_code(), 0)) co_await lock.async_send({}, 0, use_awaitable);
}
void release(Lock& lock) {
  lock.try_receive([](auto&&...) {});
}

Work<void> lock_alone(Watch& watch, long operations) {
  Lock lock(co_await asio::this_coro::executor, 1);
  watch.start();
  for (long i = 0; i < operations; ++i) {
    co_await acquire(lock);
    bench::clobber();
    release(lock);
  }
  watch.stop();
}
void lock_free(Watch& watch, long operations) {
  peer::run([&] { return lock_alone(watch, operations); });
}
const Register lock_free_row("lock_free", 1'000'000, lock_free);

Work<void> lock_and_switch(Watch& watch, Lock& lock, long times, long& running) {
  const auto executor = co_await asio::this_coro::executor;
  for (long i = 0; i < times; ++i) {
    co_await acquire(lock);
    co_await asio::post(executor, use_awaitable);
    release(lock);
  }
  if (--running == 0) watch.stop();
}
void lock_100(Watch& watch, long operations) {
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  Lock lock(context, 1);
  long running = 100;
  for (int i = 0; i < 100; ++i) {
    asio::co_spawn(context, lock_and_switch(watch, lock, operations / 100, running), peer::rethrow);
  }
  watch.start();
  context.run();
}
const Register lock_100_row("lock_100", 100'000, lock_100);

}  // namespace
