// How late is a timer, and what another thread posts: on an idle loop, beside busy tasks, and
// beside a task that never suspends, since whatever it awaits is ready?
#include "bench/support/latency.hpp"

#include <optional>

#include "bench/workloads/common.hpp"

namespace {
using bench::Latencies;
using bench::Register;
using bench::Watch;

asyncio::Coro<> be_busy(const bool& done) {
  while (!done) {
    bench::compute();
    co_await asyncio::sleep(0s);
  }
}

// The queue always has room for one more, and then an item.
asyncio::Coro<> never_suspend(const bool& done) {
  asyncio::Queue<int> queue(1);
  while (!done) {
    co_await queue.put(1);
    bench::keep(co_await queue.get());
  }
}

asyncio::Coro<> sleep_again_and_again(Latencies& late, long times) {
  for (long i = 0; i < times; ++i) {
    const auto due = bench::now() + bench::kInterval;
    co_await asyncio::sleep(bench::kInterval);
    late.add(bench::now() - due);
  }
}

using Beside = asyncio::Coro<> (*)(const bool& done);
asyncio::Coro<> timers_beside(Watch& watch, long operations, Beside beside, int tasks) {
  Latencies late;
  bool done = false;
  co_await asyncio::with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) -> asyncio::Coro<> {
    for (int i = 0; i < tasks; ++i) static_cast<void>(group.create_task(beside(done)));
    watch.start();
    co_await sleep_again_and_again(late, operations);
    watch.stop();
    done = true;
  });
  late.note(watch);
}
void timer_idle(Watch& watch, long operations) {
  asyncio::run(timers_beside(watch, operations, be_busy, 0));
}
void timer_busy(Watch& watch, long operations) {
  asyncio::run(timers_beside(watch, operations, be_busy, bench::kBusyTasks));
}
void timer_greedy(Watch& watch, long operations) {
  asyncio::run(timers_beside(watch, operations, never_suspend, 1));
}
const Register timer_idle_row("latency_timer", 2'000, timer_idle, Register::fresh);
const Register timer_busy_row("latency_timer_busy", 2'000, timer_busy, Register::fresh);
const Register timer_greedy_row("latency_timer_greedy", 2'000, timer_greedy, Register::fresh);

asyncio::Coro<> posts_beside(Watch& watch, long operations, int tasks) {
  bool done = false;
  std::optional<Latencies> late;
  asyncio::Loop& loop = asyncio::get_running_loop();
  co_await asyncio::with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) -> asyncio::Coro<> {
    for (int i = 0; i < tasks; ++i) static_cast<void>(group.create_task(be_busy(done)));
    watch.start();
    late = co_await asyncio::to_thread([&loop, operations] {
      return bench::post_from_another_thread(
          operations, [&loop](auto work) { loop.call_soon_threadsafe(std::move(work)); });
    });
    watch.stop();
    done = true;
  });
  late->note(watch);
}
void post_idle(Watch& watch, long operations) { asyncio::run(posts_beside(watch, operations, 0)); }
void post_busy(Watch& watch, long operations) {
  asyncio::run(posts_beside(watch, operations, bench::kBusyTasks));
}
const Register post_idle_row("latency_post", 2'000, post_idle, Register::fresh);
const Register post_busy_row("latency_post_busy", 2'000, post_busy, Register::fresh);

}  // namespace
