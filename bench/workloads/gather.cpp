// What does each of a thousand gathered children cost?
#include "bench/workloads/common.hpp"

namespace {
using bench::Register;
using bench::Watch;

[[gnu::noinline]] asyncio::Coro<long> child(long value) { co_return value; }

asyncio::Coro<> gather_thousands(Watch& watch, long operations) {
  long sum = 0;
  watch.start();
  for (long done = 0; done < operations; done += 1'000) {
    std::vector<asyncio::Coro<long>> children;
    children.reserve(1'000);
    for (long i = 0; i < 1'000; ++i) children.push_back(child(i));
    for (const long value : co_await asyncio::gather(std::move(children))) sum += value;
  }
  watch.stop();
  if (sum != operations / 1'000 * 499'500) bench::fail("the children's values do not add up");
}
void gather_1000(Watch& watch, long operations) {
  asyncio::run(gather_thousands(watch, operations));
}
const Register gather_1000_row("gather_1000", 1'000'000, gather_1000);

}  // namespace
