// What do timers cost with Asio?
#include <asio/experimental/awaitable_operators.hpp>
#include <chrono>
#include <deque>
#include <random>

#include "bench/peers/asio/common.hpp"

namespace {
using namespace std::chrono_literals;
using asio::steady_timer;
using asio::use_awaitable;
using bench::Register;
using bench::Watch;
using peer::Work;
using Clock = steady_timer::clock_type;

// As in a server: ten thousand other deadlines stand in the queue, most timeouts never fire.
std::deque<steady_timer> background(asio::io_context& context, Clock::time_point now) {
  std::mt19937_64 random(1);
  std::deque<steady_timer> timers;
  for (int i = 0; i < 10'000; ++i) {
    timers.emplace_back(context, now + 5s + std::chrono::nanoseconds(random() % 50'000'000'000));
    timers.back().async_wait([](asio::error_code) {});
  }
  return timers;
}

// The cancelled handlers run in batches, as they do in a server.
void timer_insert_cancel(Watch& watch, long operations) {
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  const auto now = Clock::now();
  auto others = background(context, now);
  steady_timer timer(context);
  long cancelled = 0;
  watch.start();
  for (long i = 0; i < operations; ++i) {
    timer.expires_at(now + 10s + std::chrono::nanoseconds(i));
    timer.async_wait([&](asio::error_code error) { cancelled += error ? 1 : 0; });
    timer.cancel();
    if (i % 128 == 127) context.poll();
  }
  context.poll();
  watch.stop();
  if (cancelled != operations) bench::fail("a timer was not cancelled");
}
const Register timer_insert_cancel_row("timer_insert_cancel", 200'000, timer_insert_cancel);

void timer_insert_fire(Watch& watch, long operations) {
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  std::mt19937_64 random(1);
  const auto now = Clock::now();
  std::deque<steady_timer> timers;
  for (long i = 0; i < operations; ++i) {
    timers.emplace_back(context, now + std::chrono::nanoseconds(random() % 10'000'000));
  }
  long fired = 0;
  watch.start();
  for (steady_timer& timer : timers) timer.async_wait([&](asio::error_code) { ++fired; });
  context.run();
  watch.stop();
  if (fired != operations) bench::fail("a timer never fired");
}
const Register timer_insert_fire_row("timer_insert_fire_1m", 1'000'000, timer_insert_fire,
                                     Register::fresh);

// `wait || work`, Asio's way to put a deadline around something.
Work<void> time_out_around_yields(Watch& watch, long operations) {
  using namespace asio::experimental::awaitable_operators;
  const auto executor = co_await asio::this_coro::executor;
  steady_timer timer(executor);
  const auto now = Clock::now();
  watch.start();
  for (long i = 0; i < operations; ++i) {
    timer.expires_at(now + 10s + std::chrono::nanoseconds(i));
    const auto first =
        co_await (timer.async_wait(use_awaitable) || asio::post(executor, use_awaitable));
    if (first.index() != 1) bench::fail("a deadline passed that is seconds away");
  }
  watch.stop();
}
void timeout_yield(Watch& watch, long operations) {
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  const auto others = background(context, Clock::now());
  asio::co_spawn(context, time_out_around_yields(watch, operations), [&](std::exception_ptr error) {
    peer::rethrow(error);
    context.stop();
  });
  context.run();
}
const Register timeout_yield_row("timeout_yield", 100'000, timeout_yield);

// A deadline that passes: the waiting coroutine goes on, nothing is thrown.
Work<void> sleep_until_due(Watch& watch, long operations) {
  steady_timer timer(co_await asio::this_coro::executor);
  watch.start();
  for (long i = 0; i < operations; ++i) {
    timer.expires_after(1ns);
    co_await timer.async_wait(use_awaitable);
  }
  watch.stop();
}
void deadline_passes(Watch& watch, long operations) {
  peer::run([&] { return sleep_until_due(watch, operations); });
}
const Register deadline_passes_row("deadline_passes", 100'000, deadline_passes);

}  // namespace
