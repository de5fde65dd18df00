// What does it cost to cancel a task that waits three coroutines deep?
#include "bench/workloads/common.hpp"

namespace {
using bench::Register;
using bench::Watch;

[[gnu::noinline]] asyncio::Coro<int> innermost(asyncio::Event& never) {
  co_await never.wait();
  co_return 1;
}
[[gnu::noinline]] asyncio::Coro<int> middle(asyncio::Event& never) {
  co_return 1 + co_await innermost(never);
}
[[gnu::noinline]] asyncio::Coro<int> outermost(asyncio::Event& never) {
  co_return 1 + co_await middle(never);
}

asyncio::Coro<> cancel_three_levels(Watch& watch, long operations) {
  asyncio::Event never;
  long cancelled = 0;
  watch.start();
  for (long i = 0; i < operations; ++i) {
    auto task = asyncio::create_task(outermost(never));
    co_await asyncio::sleep(0s);
    task.cancel();
    try {
      co_await task;
    } catch (const asyncio::CancelledError&) {
      ++cancelled;
    }
  }
  watch.stop();
  if (cancelled != operations) bench::fail("a cancellation was lost");
}
void cancel_3_deep(Watch& watch, long operations) {
  asyncio::run(cancel_three_levels(watch, operations));
}
const Register cancel_3_deep_row("cancel_3_deep", 20'000, cancel_3_deep);

}  // namespace
