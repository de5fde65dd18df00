// How many bytes does a suspended coroutine need with Asio, and what does waking a million of them
// cost? A timer that never expires is its event: cancelling it wakes whoever waits for it.
#include <thread>

#include "bench/peers/asio/common.hpp"

namespace {
using asio::steady_timer;
using asio::use_awaitable;
using bench::Register;
using bench::Watch;
using peer::Work;

long woken;  // not a parameter: a frame would keep it

Work<void> wait_for(steady_timer& event) {
  asio::error_code cancelled;
  co_await event.async_wait(asio::redirect_error(use_awaitable, cancelled));
  ++woken;
}

void wake_1m(Watch& watch, long operations) {
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  steady_timer event(context, steady_timer::time_point::max());
  woken = 0;
  const auto before = bench::resident_bytes();
  for (long i = 0; i < operations; ++i) {
    asio::co_spawn(context, wait_for(event), peer::rethrow);
  }
  context.poll();
  const auto after = bench::resident_bytes();
  watch.start();
  event.cancel();
  context.run();
  watch.stop();
  if (woken != operations) bench::fail("some never woke");
  watch.note("bytes", static_cast<double>(after - before) / static_cast<double>(operations));
}
const Register wake_row("wake_1m", 1'000'000, wake_1m, Register::fresh);

Work<void> sleep_until(steady_timer::time_point deadline) {
  steady_timer timer(co_await asio::this_coro::executor, deadline);
  co_await timer.async_wait(use_awaitable);
  ++woken;
}

// All asleep at once; the row is CPU time, since waiting is what they do.
void sleep_1m(Watch& watch, long operations) {
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  woken = 0;
  const auto before = bench::resident_bytes();
  const auto wake_at = steady_timer::clock_type::now() + std::chrono::seconds(6);
  watch.start();
  for (long i = 0; i < operations; ++i) {
    const auto spread = std::chrono::nanoseconds(i * 7'919 % operations);
    asio::co_spawn(context, sleep_until(wake_at + spread), peer::rethrow);
  }
  context.poll();
  watch.stop();
  if (steady_timer::clock_type::now() > wake_at) bench::fail("some woke before all slept");
  const auto after = bench::resident_bytes();
  std::this_thread::sleep_until(wake_at);
  watch.start();
  context.run();
  watch.stop();
  if (woken != operations) bench::fail("some never woke");
  watch.note("bytes", static_cast<double>(after - before) / static_cast<double>(operations));
}
const Register sleep_row("sleep_1m", 1'000'000, sleep_1m, Register::fresh);

}  // namespace
