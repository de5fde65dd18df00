// How late are timers and posts with Asio, on an idle loop, beside busy coroutines, and beside one
// whose operations are always ready?
#include "bench/support/latency.hpp"

#include <asio/experimental/channel.hpp>

#include "bench/peers/asio/common.hpp"

namespace {
using asio::use_awaitable;
using bench::Latencies;
using bench::Register;
using bench::Watch;
using peer::Work;
using Channel = asio::experimental::channel<void(asio::error_code, int)>;

Work<void> be_busy(const bool& done) {
  const auto executor = co_await asio::this_coro::executor;
  while (!done) {
    bench::compute();
    co_await asio::post(executor, use_awaitable);
  }
}

Work<void> never_suspend(const bool& done) {
  Channel channel(co_await asio::this_coro::executor, 1);
  while (!done) {
    co_await channel.async_send({}, 1, use_awaitable);
    bench::keep(co_await channel.async_receive(use_awaitable));
  }
}

Work<void> sleep_again_and_again(Latencies& late, long times, bool& done) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (long i = 0; i < times; ++i) {
    const auto due = bench::now() + bench::kInterval;
    timer.expires_at(due);
    co_await timer.async_wait(use_awaitable);
    late.add(bench::now() - due);
  }
  done = true;
}

using Beside = Work<void> (*)(const bool& done);
template <Beside beside, int kTasks>
void timers_beside(Watch& watch, long operations) {
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  Latencies late;
  bool done = false;
  for (int i = 0; i < kTasks; ++i) asio::co_spawn(context, beside(done), peer::rethrow);
  asio::co_spawn(context, sleep_again_and_again(late, operations, done), peer::rethrow);
  watch.start();
  context.run();
  watch.stop();
  late.note(watch);
}
const Register timer_idle_row("latency_timer", 2'000, timers_beside<be_busy, 0>, Register::fresh);
const Register timer_busy_row("latency_timer_busy", 2'000,
                              timers_beside<be_busy, bench::kBusyTasks>, Register::fresh);
const Register timer_greedy_row("latency_timer_greedy", 2'000, timers_beside<never_suspend, 1>,
                                Register::fresh);

template <int kTasks>
void posts_beside(Watch& watch, long operations) {
  asio::io_context context(1);
  const auto open = asio::make_work_guard(context);
  bool done = false;
  for (int i = 0; i < kTasks; ++i) asio::co_spawn(context, be_busy(done), peer::rethrow);
  std::thread loop([&] { context.run(); });
  watch.start();
  Latencies late = bench::post_from_another_thread(
      operations, [&](auto work) { asio::post(context, std::move(work)); });
  watch.stop();
  asio::post(context, [&] {
    done = true;
    context.stop();
  });
  loop.join();
  late.note(watch);
}
const Register post_idle_row("latency_post", 2'000, posts_beside<0>, Register::fresh);
const Register post_busy_row("latency_post_busy", 2'000, posts_beside<bench::kBusyTasks>,
                             Register::fresh);

}  // namespace
