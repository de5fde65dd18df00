// How many bytes does a suspended coroutine need, and what does waking a million of them cost, when
// a frame holds nothing but what the scheduler needs?
#include <vector>

#include "bench/limit/timers.hpp"
#include "bench/support/rows.hpp"

namespace {
using bench::Register;
using bench::Watch;
using limit::Detached;

long woken;  // not a parameter: a frame would keep it

Detached wait_for(limit::Event& event) {
  co_await event;
  ++woken;
}

void wake_1m(Watch& watch, long operations) {
  limit::Event event;
  woken = 0;
  const auto before = bench::resident_bytes();
  for (long i = 0; i < operations; ++i) wait_for(event);
  limit::run_ready();
  const auto after = bench::resident_bytes();
  watch.start();
  event.set();
  limit::run_ready();
  watch.stop();
  if (woken != operations) bench::fail("some never woke");
  watch.note("bytes", static_cast<double>(after - before) / static_cast<double>(operations));
}
const Register wake_row("wake_1m", 1'000'000, wake_1m, Register::fresh);

Detached sleep_until(limit::TimerHeap& heap, std::uint64_t deadline) {
  co_await limit::Sleep(heap, deadline);
  ++woken;
}

// All asleep at once; the row is CPU time, since waiting is what they do.
void sleep_1m(Watch& watch, long operations) {
  limit::TimerHeap heap;
  woken = 0;
  const auto before = bench::resident_bytes();
  const std::uint64_t wake_at = limit::now_ns() + 1'500'000'000;
  watch.start();
  for (long i = 0; i < operations; ++i) {
    sleep_until(heap, wake_at + static_cast<std::uint64_t>(i * 7'919 % operations));
  }
  limit::run_ready();
  watch.stop();
  if (limit::now_ns() > wake_at) bench::fail("some woke before all slept");
  const auto after = bench::resident_bytes();
  while (limit::now_ns() < wake_at) {
    timespec rest{0, 1'000'000};
    nanosleep(&rest, nullptr);
  }
  watch.start();
  while (woken < operations) {
    heap.expire(limit::now_ns(),
                [](limit::Timer* timer) { limit::ready.push(static_cast<limit::Sleep*>(timer)); });
    limit::run_ready();
  }
  watch.stop();
  watch.note("bytes", static_cast<double>(after - before) / static_cast<double>(operations));
}
const Register sleep_row("sleep_1m", 1'000'000, sleep_1m, Register::fresh);

}  // namespace
