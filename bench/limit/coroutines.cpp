// What do calling, spawning, switching, gathering and cancelling coroutines cost when a scheduler
// does nothing else?
#include <vector>

#include "bench/limit/scheduler.hpp"
#include "bench/support/rows.hpp"

namespace {
using bench::Register;
using bench::Watch;
using limit::Work;

[[gnu::noinline]] Work<long> child(long value) { co_return value; }

Work<int> await_children(Watch& watch, long operations) {
  long sum = 0;
  watch.start();
  for (long i = 0; i < operations; ++i) sum += co_await child(i);
  watch.stop();
  if (sum != operations * (operations - 1) / 2) bench::fail("the children's values do not add up");
  co_return 0;
}
void await_child(Watch& watch, long operations) { run(await_children(watch, operations)); }
const Register await_child_row("await_child", 1'000'000, await_child);
const Register ready_awaits_row("ready_awaits_10m", 10'000'000, await_child, Register::fresh);

Work<int> spawn_and_join(Watch& watch, long operations) {
  long sum = 0;
  watch.start();
  for (long i = 0; i < operations; ++i) {
    Work<long> work = child(i);
    work.spawn();
    sum += co_await work.join();
  }
  watch.stop();
  bench::keep(sum);
  co_return 0;
}
void spawn_join(Watch& watch, long operations) { run(spawn_and_join(watch, operations)); }
const Register spawn_join_row("spawn_join", 1'000'000, spawn_join);

Work<int> yield_times(long times) {
  for (long i = 0; i < times; ++i) co_await limit::yield();
  co_return 0;
}
Work<int> yield_side_by_side(Watch& watch, long operations, long tasks) {
  std::vector<Work<int>> yielders;
  for (long i = 0; i < tasks; ++i) yielders.push_back(yield_times(operations / tasks));
  watch.start();
  for (auto& yielder : yielders) yielder.spawn();
  for (auto& yielder : yielders) co_await yielder.join();
  watch.stop();
  co_return 0;
}
template <long kTasks>
void yield_with(Watch& watch, long operations) {
  run(yield_side_by_side(watch, operations, kTasks));
}
const Register yield_1_row("yield_1", 1'000'000, yield_with<1>);
const Register yield_100_row("yield_100", 1'000'000, yield_with<100>);
const Register yield_10k_row("yield_10k", 1'000'000, yield_with<10'000>);

Work<int> gather_thousands(Watch& watch, long operations) {
  long sum = 0;
  watch.start();
  for (long done = 0; done < operations; done += 1'000) {
    std::vector<Work<long>> children;
    children.reserve(1'000);
    for (long i = 0; i < 1'000; ++i) {
      children.push_back(child(i));
      children.back().spawn();
    }
    for (auto& one : children) sum += co_await one.join();
  }
  watch.stop();
  bench::keep(sum);
  co_return 0;
}
void gather_1000(Watch& watch, long operations) { run(gather_thousands(watch, operations)); }
const Register gather_1000_row("gather_1000", 1'000'000, gather_1000);

// ---- cancel three coroutines deep: the innermost await throws, each level passes it on ----------
struct Cancelled {};

struct Interruptible : limit::Suspending {
  bool cancelled = false;
  void await_suspend(std::coroutine_handle<> self) noexcept { handle = self; }
  void await_resume() const {
    if (cancelled) throw Cancelled();
  }
};

[[gnu::noinline]] Work<int> innermost(Interruptible*& leaf) {
  Interruptible wait;
  leaf = &wait;
  co_await wait;
  co_return 1;
}
[[gnu::noinline]] Work<int> middle(Interruptible*& leaf) { co_return 1 + co_await innermost(leaf); }
[[gnu::noinline]] Work<int> outermost(Interruptible*& leaf) { co_return 1 + co_await middle(leaf); }

Work<int> cancel_three_levels(Watch& watch, long operations) {
  long cancelled = 0;
  watch.start();
  for (long i = 0; i < operations; ++i) {
    Interruptible* leaf = nullptr;
    Work<int> work = outermost(leaf);
    work.spawn();
    co_await limit::yield();
    leaf->cancelled = true;
    limit::ready.push(leaf);
    try {
      co_await work.join();
    } catch (const Cancelled&) {
      ++cancelled;
    }
  }
  watch.stop();
  if (cancelled != operations) bench::fail("a cancellation was lost");
  co_return 0;
}
void cancel_3_deep(Watch& watch, long operations) { run(cancel_three_levels(watch, operations)); }
const Register cancel_3_deep_row("cancel_3_deep", 20'000, cancel_3_deep);

}  // namespace
