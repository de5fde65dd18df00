#include "tests/awaitables/everywhere.hpp"

namespace asyncio {
namespace {

using tests::everywhere;

TEST(Everywhere, locks) {
  run([]() -> Coro<> {
    Event event;
    event.set();
    Semaphore seats(100);
    Barrier barrier(1);
    Condition condition;
    co_await everywhere([&] { return event.wait(); });
    co_await everywhere([&] { return seats.acquire(); });
    Semaphore places(2);
    co_await everywhere([&] { return places.scoped(); });
    co_await everywhere([&] { return barrier.wait(); });
    co_await everywhere([&] { return barrier.reset(); });
    co_await condition.acquire();
    co_await everywhere([&] { return condition.wait_for([] { return true; }); });
  }());
}

TEST(Everywhere, a_lock_that_is_given_back_each_time) {
  run([]() -> Coro<> {
    Lock lock;
    co_await everywhere([&]() -> Coro<> {
      auto held = co_await lock.scoped();
      EXPECT_TRUE(lock.locked());
    });
    EXPECT_FALSE(lock.locked());
  }());
}

TEST(Everywhere, queues) {
  run([]() -> Coro<> {
    Queue<int> plain;
    PriorityQueue<std::string> smallest;
    LifoQueue<std::unique_ptr<int>> last;
    co_await everywhere([&] { return plain.put(1); });
    co_await everywhere([&] { return plain.get(); });
    EXPECT_TRUE(plain.empty());
    co_await everywhere([&] { return smallest.put("x"); });
    co_await everywhere([&] { return smallest.get(); });
    co_await everywhere([&] { return last.put(nullptr); });
    co_await everywhere([&] { return last.get(); });
    Queue<int> joined;
    co_await everywhere([&] { return joined.join(); });
  }());
}

}  // namespace
}  // namespace asyncio
