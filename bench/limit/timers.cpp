// What do timers cost when they are entries of a heap and nobody reads a clock needlessly?
#include <random>
#include <vector>

#include "bench/limit/timers.hpp"
#include "bench/support/rows.hpp"

namespace {
using bench::Register;
using bench::Watch;
using limit::Timer;
using limit::TimerHeap;
using limit::Work;

constexpr std::uint64_t kSecond = 1'000'000'000;

// As in a server: ten thousand other deadlines stand in the heap, most timeouts never fire.
std::vector<Timer> background(TimerHeap& heap, std::uint64_t now) {
  std::mt19937_64 random(1);
  std::vector<Timer> timers(10'000);
  for (Timer& timer : timers) {
    timer.deadline_ns = now + 5 * kSecond + random() % (50 * kSecond);
    heap.add(&timer);
  }
  return timers;  // not copied: the heap points into the vector's memory
}

void timer_insert_cancel(Watch& watch, long operations) {
  TimerHeap heap;
  const std::uint64_t now = limit::now_ns();
  const auto others = background(heap, now);
  watch.start();
  for (long i = 0; i < operations; ++i) {
    Timer timer{now + 10 * kSecond + static_cast<std::uint64_t>(i)};
    heap.add(&timer);
    bench::clobber();
    heap.remove(&timer);
  }
  watch.stop();
}
const Register timer_insert_cancel_row("timer_insert_cancel", 1'000'000, timer_insert_cancel);

// Deadlines within the next 10 ms, less than the inserting takes: nobody waits for time to pass.
void timer_insert_fire(Watch& watch, long operations) {
  TimerHeap heap;
  std::mt19937_64 random(1);
  std::vector<Timer> timers(static_cast<std::size_t>(operations));
  const std::uint64_t now = limit::now_ns();
  for (Timer& timer : timers) timer.deadline_ns = now + random() % 10'000'000;
  long fired = 0;
  watch.start();
  for (Timer& timer : timers) heap.add(&timer);
  while (fired < operations) heap.expire(limit::now_ns(), [&](Timer*) { ++fired; });
  watch.stop();
}
const Register timer_insert_fire_row("timer_insert_fire_1m", 1'000'000, timer_insert_fire,
                                     Register::fresh);

// A deadline around a switch: insert, switch, take out.
Work<int> time_out_around_yields(Watch& watch, long operations) {
  TimerHeap heap;
  const std::uint64_t now = limit::now_ns();
  const auto others = background(heap, now);
  watch.start();
  for (long i = 0; i < operations; ++i) {
    Timer timer{now + 10 * kSecond + static_cast<std::uint64_t>(i)};
    heap.add(&timer);
    co_await limit::yield();
    heap.remove(&timer);
  }
  watch.stop();
  co_return 0;
}
void timeout_yield(Watch& watch, long operations) {
  run(time_out_around_yields(watch, operations));
}
const Register timeout_yield_row("timeout_yield", 1'000'000, timeout_yield);

// A deadline that passes: the waiting coroutine goes on, nothing is thrown.
Work<int> sleep_until_due(Watch& watch, TimerHeap& heap, long operations, bool& done) {
  watch.start();
  for (long i = 0; i < operations; ++i) co_await limit::Sleep(heap, limit::now_ns() + 1);
  watch.stop();
  done = true;
  co_return 0;
}
void deadline_passes(Watch& watch, long operations) {
  TimerHeap heap;
  bool done = false;
  Work<int> sleeper = sleep_until_due(watch, heap, operations, done);
  sleeper.spawn();
  limit::run_ready();
  while (!done) {
    heap.expire(limit::now_ns(),
                [](Timer* timer) { limit::ready.push(static_cast<limit::Sleep*>(timer)); });
    limit::run_ready();
  }
}
const Register deadline_passes_row("deadline_passes", 500'000, deadline_passes);

}  // namespace
