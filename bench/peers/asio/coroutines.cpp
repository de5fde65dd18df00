// What do calling, spawning, switching, gathering and cancelling coroutines cost with Asio?
#include <asio/experimental/awaitable_operators.hpp>

#include "bench/peers/asio/common.hpp"

namespace {
using asio::use_awaitable;
using bench::Register;
using bench::Watch;
using peer::Work;

[[gnu::noinline]] Work<long> child(long value) { co_return value; }

Work<void> await_children(Watch& watch, long operations) {
  long sum = 0;
  watch.start();
  for (long i = 0; i < operations; ++i) sum += co_await child(i);
  watch.stop();
  if (sum != operations * (operations - 1) / 2) bench::fail("the children's values do not add up");
}
void await_child(Watch& watch, long operations) {
  peer::run([&] { return await_children(watch, operations); });
}
const Register await_child_row("await_child", 1'000'000, await_child);
const Register ready_awaits_row("ready_awaits_10m", 10'000'000, await_child, Register::fresh);

Work<void> spawn_and_join(Watch& watch, long operations) {
  const auto executor = co_await asio::this_coro::executor;
  long sum = 0;
  watch.start();
  for (long i = 0; i < operations; ++i) {
    sum += co_await asio::co_spawn(executor, child(i), use_awaitable);
  }
  watch.stop();
  bench::keep(sum);
}
void spawn_join(Watch& watch, long operations) {
  peer::run([&] { return spawn_and_join(watch, operations); });
}
const Register spawn_join_row("spawn_join", 200'000, spawn_join);

Work<void> yield_times(Watch& watch, long times, long& running) {
  const auto executor = co_await asio::this_coro::executor;
  for (long i = 0; i < times; ++i) co_await asio::post(executor, use_awaitable);
  if (--running == 0) watch.stop();
}
template <long kTasks>
void yield_with(Watch& watch, long operations) {
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  long running = kTasks;
  for (long i = 0; i < kTasks; ++i) {
    asio::co_spawn(context, yield_times(watch, operations / kTasks, running), peer::rethrow);
  }
  watch.start();
  context.run();
}
const Register yield_1_row("yield_1", 200'000, yield_with<1>);
const Register yield_100_row("yield_100", 200'000, yield_with<100>);
const Register yield_10k_row("yield_10k", 200'000, yield_with<10'000>);

// Asio 1.22's parallel groups take a fixed number of operations, so a counter and a timer do it.
Work<void> gather_thousands(Watch& watch, long operations) {
  const auto executor = co_await asio::this_coro::executor;
  std::vector<long> values(1'000);
  long sum = 0;
  watch.start();
  for (long done = 0; done < operations; done += 1'000) {
    asio::steady_timer all_done(executor, asio::steady_timer::time_point::max());
    long running = 1'000;
    for (std::size_t i = 0; i < values.size(); ++i) {
      asio::co_spawn(executor, child(static_cast<long>(i)),
                     [&, i](std::exception_ptr error, long value) {
                       peer::rethrow(error);
                       values[i] = value;
                       if (--running == 0) all_done.cancel();
                     });
    }
    asio::error_code cancelled;
    co_await all_done.async_wait(asio::redirect_error(use_awaitable, cancelled));
    sum += values.back();
  }
  watch.stop();
  bench::keep(sum);
}
void gather_1000(Watch& watch, long operations) {
  peer::run([&] { return gather_thousands(watch, operations); });
}
const Register gather_1000_row("gather_1000", 200'000, gather_1000);

// ---- cancel three coroutines deep ---------------------------------------------------------------
[[gnu::noinline]] Work<int> innermost() {
  asio::steady_timer timer(co_await asio::this_coro::executor,
                           asio::steady_timer::time_point::max());
  co_await timer.async_wait(use_awaitable);
  co_return 1;
}
[[gnu::noinline]] Work<int> middle() { co_return 1 + co_await innermost(); }
[[gnu::noinline]] Work<int> outermost() { co_return 1 + co_await middle(); }

Work<void> cancel_three_levels(Watch& watch, long operations) {
  const auto executor = co_await asio::this_coro::executor;
  long cancelled = 0;
  watch.start();
  for (long i = 0; i < operations; ++i) {
    asio::cancellation_signal signal;
    asio::co_spawn(executor, outermost(),
                   asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr error, int) {
                     try {
                       peer::rethrow(error);
                     } catch (const asio::system_error&) {
                       ++cancelled;
                     }
                   }));
    co_await asio::post(executor, use_awaitable);
    signal.emit(asio::cancellation_type::all);
    while (cancelled == i) co_await asio::post(executor, use_awaitable);
  }
  watch.stop();
  if (cancelled != operations) bench::fail("a cancellation was lost");
}
void cancel_3_deep(Watch& watch, long operations) {
  peer::run([&] { return cancel_three_levels(watch, operations); });
}
const Register cancel_3_deep_row("cancel_3_deep", 20'000, cancel_3_deep);

}  // namespace
