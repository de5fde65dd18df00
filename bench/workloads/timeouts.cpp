// What does a deadline around a switch cost, and one that passes?
#include "bench/workloads/common.hpp"

namespace {
using bench::Register;
using bench::Watch;

// `async with timeout(10): await sleep(0)`.
asyncio::Coro<> time_out_around_yields(Watch& watch, long operations) {
  watch.start();
  for (long i = 0; i < operations; ++i) {
    co_await asyncio::with(asyncio::timeout(10s),
                           []() -> asyncio::Coro<> { co_await asyncio::sleep(0s); });
  }
  watch.stop();
}
void timeout_yield(Watch& watch, long operations) {
  asyncio::run(time_out_around_yields(watch, operations));
}
const Register timeout_yield_row("timeout_yield", 500'000, timeout_yield);

// The same deadline as wait_for.
asyncio::Coro<> wait_for_yields(Watch& watch, long operations) {
  watch.start();
  for (long i = 0; i < operations; ++i) co_await asyncio::wait_for(asyncio::sleep(0s), 10s);
  watch.stop();
}
void wait_for_yield(Watch& watch, long operations) {
  asyncio::run(wait_for_yields(watch, operations));
}
const Register wait_for_yield_row("wait_for_yield", 500'000, wait_for_yield);

// The value form: a leaf that is cancelled by its deadline throws and allocates nothing.
asyncio::Coro<> move_on(Watch& watch, long operations) {
  asyncio::Event never;
  watch.start();
  for (long i = 0; i < operations; ++i) {
    if (co_await asyncio::move_on_after(1ns, never.wait())) bench::fail("never came");
  }
  watch.stop();
}
void deadline_passes(Watch& watch, long operations) { asyncio::run(move_on(watch, operations)); }
const Register deadline_passes_row("deadline_passes", 100'000, deadline_passes);

}  // namespace
