// What does a timer cost that is cancelled, and one that fires among a million?
#include <random>

#include "bench/workloads/common.hpp"

namespace {
using bench::Register;
using bench::Watch;

// As in a server: ten thousand other deadlines stand in the heap, most timeouts never fire.
std::vector<asyncio::TimerHandle> background(asyncio::Loop& loop) {
  std::mt19937_64 random(1);
  std::vector<asyncio::TimerHandle> timers;
  for (int i = 0; i < 10'000; ++i) {
    timers.push_back(
        loop.call_later(5s + std::chrono::nanoseconds(random() % 50'000'000'000), [] {}));
  }
  return timers;
}

asyncio::Coro<> insert_and_cancel(Watch& watch, long operations) {
  asyncio::Loop& loop = asyncio::get_running_loop();
  auto others = background(loop);
  long fired = 0;
  const auto later = loop.time() + 10s;
  watch.start();
  for (long i = 0; i < operations; ++i) {
    auto timer = loop.call_at(later + std::chrono::nanoseconds(i), [&fired] { ++fired; });
    bench::clobber();
    timer.cancel();
  }
  watch.stop();
  if (fired != 0) bench::fail("a cancelled timer fired");
  for (auto& timer : others) timer.cancel();
  co_return;
}
void timer_insert_cancel(Watch& watch, long operations) {
  asyncio::run(insert_and_cancel(watch, operations));
}
const Register timer_insert_cancel_row("timer_insert_cancel", 1'000'000, timer_insert_cancel);

// Deadlines within the next 10 ms, less than the inserting takes: nobody waits for time to pass.
asyncio::Coro<> insert_and_fire(Watch& watch, long operations) {
  asyncio::Loop& loop = asyncio::get_running_loop();
  std::mt19937_64 random(1);
  std::vector<asyncio::TimePoint> deadlines;
  const auto now = loop.time();
  for (long i = 0; i < operations; ++i) {
    deadlines.push_back(now + std::chrono::nanoseconds(random() % 10'000'000));
  }
  asyncio::Event all_fired;
  long left = operations;
  watch.start();
  for (const auto deadline : deadlines) {
    loop.call_at(deadline, [&] {
      if (--left == 0) all_fired.set();
    });
  }
  co_await all_fired.wait();
  watch.stop();
}
void timer_insert_fire(Watch& watch, long operations) {
  asyncio::run(insert_and_fire(watch, operations));
}
const Register timer_insert_fire_row("timer_insert_fire_1m", 1'000'000, timer_insert_fire,
                                     Register::fresh);

}  // namespace
