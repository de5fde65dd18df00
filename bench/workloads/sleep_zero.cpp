// What does a trip through the loop cost, with one task, a hundred and ten thousand taking turns?
#include "bench/workloads/common.hpp"

namespace {
using bench::Register;
using bench::Watch;

asyncio::Coro<> yield_times(long times) {
  for (long i = 0; i < times; ++i) co_await asyncio::sleep(0s);
}

asyncio::Coro<> yield_side_by_side(Watch& watch, long operations, long tasks) {
  std::vector<asyncio::Task<>> yielders;
  for (long i = 0; i < tasks; ++i) {
    yielders.push_back(asyncio::create_task(yield_times(operations / tasks)));
  }
  watch.start();
  for (const auto& yielder : yielders) co_await yielder;
  watch.stop();
}
template <long kTasks>
void yield_with(Watch& watch, long operations) {
  asyncio::run(yield_side_by_side(watch, operations, kTasks));
}
const Register yield_1_row("yield_1", 1'000'000, yield_with<1>);
const Register yield_100_row("yield_100", 1'000'000, yield_with<100>);
const Register yield_10k_row("yield_10k", 1'000'000, yield_with<10'000>);

}  // namespace
