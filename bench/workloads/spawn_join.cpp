// What does a task cost from create_task to its awaited result?
#include "bench/workloads/common.hpp"

namespace {
using bench::Register;
using bench::Watch;

[[gnu::noinline]] asyncio::Coro<long> child(long value) { co_return value; }

asyncio::Coro<> spawn_and_join(Watch& watch, long operations) {
  long sum = 0;
  watch.start();
  for (long i = 0; i < operations; ++i) sum += co_await asyncio::create_task(child(i));
  watch.stop();
  bench::keep(sum);
}
void spawn_join(Watch& watch, long operations) { asyncio::run(spawn_and_join(watch, operations)); }
const Register spawn_join_row("spawn_join", 1'000'000, spawn_join);

}  // namespace
