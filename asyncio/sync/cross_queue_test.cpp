// tsan
#include "asyncio/sync/cross_queue.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "asyncio/core/runners.hpp"
#include "asyncio/core/sleep.hpp"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

TEST(CrossQueue, items_cross_from_a_thread_to_a_loop_in_order) {
  CrossQueue<std::unique_ptr<int>> queue(4);
  std::thread producer([&queue] {
    for (int i = 0; i < 1000; ++i) queue.put_blocking(std::make_unique<int>(i));
    queue.shutdown();
  });
  run([](auto& q) -> Coro<> {
    for (int i = 0; i < 1000; ++i) {
      auto item = co_await q.get();
      EXPECT_EQ(*item, i);
    }
    EXPECT_THROW(co_await q.get(), QueueShutDown);
  }(queue));
  producer.join();
}

TEST(CrossQueue, items_cross_from_a_loop_to_a_thread) {
  CrossQueue<int> queue(2);
  long sum = 0;
  std::thread consumer([&queue, &sum] {
    try {
      for (;;) sum += queue.get_blocking();
    } catch (const QueueShutDown&) {}
  });
  run([](CrossQueue<int>& q) -> Coro<> {
    for (int i = 1; i <= 500; ++i) co_await q.put(i);
    q.shutdown();
    EXPECT_THROW(co_await q.put(0), QueueShutDown);
  }(queue));
  consumer.join();
  EXPECT_EQ(sum, 500 * 501 / 2);
}

TEST(CrossQueue, nothing_is_lost_between_several_loops) {
  CrossQueue<int> queue(3);
  std::atomic<long> sum{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&queue, &sum] {
      run([](CrossQueue<int>& q, std::atomic<long>& total) -> Coro<> {
        try {
          for (;;) total += co_await q.get();
        } catch (const QueueShutDown&) {}
      }(queue, sum));
    });
  std::vector<std::thread> producers;
  for (int t = 0; t < 2; ++t)
    producers.emplace_back([&queue] {
      run([](CrossQueue<int>& q) -> Coro<> {
        for (int i = 1; i <= 300; ++i) co_await q.put(i);
      }(queue));
    });
  for (auto& thread : producers) thread.join();
  queue.shutdown();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(sum, 2 * 300 * 301 / 2);
  EXPECT_TRUE(queue.empty());
}

TEST(CrossQueue, cancelled_getter_loses_nothing_and_wakes_the_next) {
  run([]() -> Coro<> {
    CrossQueue<int> queue;
    auto first = create_task(queue.get());
    auto second = create_task(queue.get());
    auto third = create_task(queue.get());
    co_await sleep(0s);
    third.cancel();
    queue.put_nowait(1);  // wakes the first
    first.cancel();
    EXPECT_EQ(co_await second, 1);
    EXPECT_TRUE(first.cancelled());
    co_await sleep(0s);
    EXPECT_TRUE(third.cancelled());
    queue.put_nowait(2);
    EXPECT_EQ(queue.get_nowait(), 2);
  }());
}

// Otherwise the wake-up would die with the loop, and the other thread would sleep on.
TEST(CrossQueue, loop_that_ends_passes_its_wake_up_on) {
  CrossQueue<int> queue;
  auto loop = std::make_unique<Loop>();
  auto getter = loop->create_task(queue.get());
  loop->call_soon([&loop] { loop->stop(); });
  loop->run_forever();
  std::thread other([&queue] { EXPECT_EQ(queue.get_blocking(), 1); });
  std::thread([&queue] { queue.put_nowait(1); }).join();
  loop.reset();
  other.join();
}

TEST(CrossQueue, blocking_forms_time_out) {
  CrossQueue<int> queue(1);
  EXPECT_THROW(queue.get_blocking(1ms), TimeoutError);
  queue.put_nowait(1);
  EXPECT_THROW(queue.put_blocking(2, 1ms), TimeoutError);
  EXPECT_EQ(queue.get_blocking(1ms), 1);
}

TEST(CrossQueue, forms_without_waiting_say_why_not) {
  CrossQueue<int> queue(1);
  EXPECT_THROW(queue.get_nowait(), QueueEmpty);
  EXPECT_FALSE(queue.try_get());
  EXPECT_TRUE(queue.try_put(1));
  EXPECT_FALSE(queue.try_put(2));
  EXPECT_THROW(queue.put_nowait(2), QueueFull);
  EXPECT_EQ(queue.qsize(), 1u);
  queue.shutdown();
  EXPECT_THROW(queue.put_nowait(2), QueueShutDown);
  EXPECT_EQ(queue.try_get(), 1);
  EXPECT_THROW(queue.get_nowait(), QueueShutDown);
}

}  // namespace
}  // namespace asyncio
