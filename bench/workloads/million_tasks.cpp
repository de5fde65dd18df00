// How many bytes does a waiting task need when there are a million, and what does waking them cost?
#include "bench/workloads/common.hpp"

namespace {
using bench::Register;
using bench::Watch;

long arrived, woken;  // not parameters: a frame would keep them

asyncio::Coro<> wait_and_count(asyncio::Event& event) {
  ++arrived;
  co_await event.wait();
  ++woken;
}

asyncio::Coro<> wake_all(Watch& watch, long operations) {
  asyncio::Event event;
  arrived = woken = 0;
  const auto before = bench::resident_bytes();
  for (long i = 0; i < operations; ++i) {
    static_cast<void>(asyncio::create_task(wait_and_count(event)));
  }
  while (arrived < operations) co_await asyncio::sleep(0s);
  const auto after = bench::resident_bytes();
  watch.start();
  event.set();
  while (woken < operations) co_await asyncio::sleep(0s);
  watch.stop();
  watch.note("bytes", static_cast<double>(after - before) / static_cast<double>(operations));
}
void wake_1m(Watch& watch, long operations) { asyncio::run(wake_all(watch, operations)); }
const Register wake_row("wake_1m", 1'000'000, wake_1m, Register::fresh);

asyncio::Coro<> sleep_and_count(asyncio::Duration delay) {
  ++arrived;
  co_await asyncio::sleep(delay);
  ++woken;
}

// All asleep at once; the row is CPU time, since waiting is what they do.
asyncio::Coro<> all_asleep(Watch& watch, long operations) {
  arrived = woken = 0;
  const auto before = bench::resident_bytes();
  watch.start();
  for (long i = 0; i < operations; ++i) {
    const auto spread = std::chrono::nanoseconds(i * 7'919 % operations);
    static_cast<void>(asyncio::create_task(sleep_and_count(1'500ms + spread)));
  }
  while (arrived < operations) co_await asyncio::sleep(0s);
  const auto after = bench::resident_bytes();
  if (woken != 0) bench::fail("some woke before all slept");
  while (woken < operations) co_await asyncio::sleep(100ms);
  watch.stop();
  watch.note("bytes", static_cast<double>(after - before) / static_cast<double>(operations));
}
void sleep_1m(Watch& watch, long operations) { asyncio::run(all_asleep(watch, operations)); }
const Register sleep_row("sleep_1m", 1'000'000, sleep_1m, Register::fresh);

}  // namespace
