// What does an item cost that goes to another task through a queue of one place, and back?
#include "bench/workloads/common.hpp"

namespace {
using bench::Register;
using bench::Watch;
using LongQueue = asyncio::Queue<long>;

asyncio::Coro<> ping(LongQueue& there, LongQueue& back, long times) {
  for (long i = 0; i < times; ++i) {
    co_await there.put(i);
    if (co_await back.get() != i) bench::fail("another answer came back");
  }
}
asyncio::Coro<> pong(LongQueue& there, LongQueue& back, long times) {
  for (long i = 0; i < times; ++i) co_await back.put(co_await there.get());
}
asyncio::Coro<> play(Watch& watch, long operations) {
  LongQueue there(1), back(1);
  auto first = asyncio::create_task(ping(there, back, operations));
  auto second = asyncio::create_task(pong(there, back, operations));
  watch.start();
  co_await first;
  co_await second;
  watch.stop();
}
void queue_ping_pong(Watch& watch, long operations) { asyncio::run(play(watch, operations)); }
const Register queue_ping_pong_row("queue_ping_pong", 200'000, queue_ping_pong);

}  // namespace
