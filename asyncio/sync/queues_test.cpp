#include "asyncio/sync/queues.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "asyncio/core/runners.hpp"
#include "asyncio/core/sleep.hpp"
#include "tests/support.hpp"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using Order = std::vector<std::string>;
using tests::pass;

Coro<std::string> error_of(Task<int> task) {
  try {
    co_await std::move(task);
  } catch (const RuntimeError& error) {
    co_return error.what();
  }
  co_return "nothing";
}

Coro<> fetch(std::string name, Queue<int>& queue, Order& order) {
  try {
    order.push_back(name + std::to_string(co_await queue.get()));
  } catch (const QueueShutDown&) {
    order.push_back(name + " shut down");
  }
}

Coro<> offer(int item, Queue<int>& queue, Order& order) {
  try {
    co_await queue.put(item);
    order.push_back("put" + std::to_string(item));
  } catch (const QueueShutDown&) {
    order.push_back(std::to_string(item) + " shut down");
  }
}

TEST(Queue, items_leave_in_the_order_in_which_they_came) {
  run([]() -> Coro<> {
    Queue<int> queue;
    for (int i = 0; i < 100; ++i) co_await queue.put(i);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(co_await queue.get(), i);
    EXPECT_TRUE(queue.empty());
  }());
}

TEST(Queue, order_survives_growth_while_the_ring_is_wrapped) {
  Queue<std::string> queue;
  int put = 0, got = 0;
  for (int round = 1; round < 40; ++round) {
    for (int i = 0; i < round; ++i) queue.put_nowait("item " + std::to_string(put++));
    for (int i = 0; i < round - 1; ++i)
      EXPECT_EQ(queue.get_nowait(), "item " + std::to_string(got++));
  }
  EXPECT_EQ(queue.qsize(), static_cast<std::size_t>(put - got));
}

TEST(Queue, getter_waits_for_the_item_and_putter_for_the_room) {
  run([]() -> Coro<> {
    Queue<int> queue(1);
    Order order;
    auto getter = create_task(fetch("got", queue, order));
    co_await pass();
    EXPECT_FALSE(getter.done());
    co_await queue.put(1);
    co_await getter;
    co_await queue.put(2);
    EXPECT_TRUE(queue.full());
    auto putter = create_task(offer(3, queue, order));
    co_await pass(3);
    EXPECT_FALSE(putter.done());
    EXPECT_EQ(queue.get_nowait(), 2);
    EXPECT_TRUE(queue.empty());  // the item comes in when the putter runs
    co_await putter;
    EXPECT_EQ(queue.get_nowait(), 3);
    EXPECT_EQ(order, (Order{"got1", "put3"}));
  }());
}

TEST(Queue, cancelled_getter_loses_nothing_and_wakes_the_next) {
  run([]() -> Coro<> {
    Queue<int> queue;
    Order order;
    auto a = create_task(fetch("a", queue, order));
    auto b = create_task(fetch("b", queue, order));
    co_await pass();
    queue.put_nowait(1);
    a.cancel();  // woken, but has not run
    co_await b;
    EXPECT_TRUE(a.cancelled());
    EXPECT_EQ(order, Order{"b1"});
    auto c = create_task(fetch("c", queue, order));
    co_await pass();
    c.cancel();
    queue.put_nowait(2);
    co_await pass(2);
    EXPECT_TRUE(c.cancelled());
    EXPECT_EQ(queue.get_nowait(), 2);
  }());
}

TEST(Queue, cancelled_putter_that_was_woken_wakes_the_next) {
  run([]() -> Coro<> {
    Queue<int> queue(1);
    Order order;
    queue.put_nowait(0);
    auto a = create_task(offer(1, queue, order));
    auto b = create_task(offer(2, queue, order));
    co_await pass();
    EXPECT_EQ(queue.get_nowait(), 0);
    a.cancel();
    co_await b;
    EXPECT_TRUE(a.cancelled());
    EXPECT_EQ(queue.get_nowait(), 2);
  }());
}

TEST(Queue, overtaken_getter_keeps_its_place) {
  run([]() -> Coro<> {
    Queue<int> queue;
    Order order;
    auto a = create_task(fetch("a", queue, order));
    auto b = create_task(fetch("b", queue, order));
    co_await pass();
    queue.put_nowait(1);
    EXPECT_EQ(queue.get_nowait(), 1);  // before a runs
    co_await pass();
    queue.put_nowait(2);
    queue.put_nowait(3);
    co_await a;
    co_await b;
    EXPECT_EQ(order, (Order{"a2", "b3"}));
  }());
}

TEST(Queue, overtaken_getter_can_still_be_cancelled) {
  run([]() -> Coro<> {
    Queue<int> queue;
    Order order;
    auto a = create_task(fetch("a", queue, order));
    co_await pass();
    queue.put_nowait(1);
    EXPECT_EQ(queue.get_nowait(), 1);
    co_await pass(2);
    a.cancel();
    co_await pass(2);
    EXPECT_TRUE(a.cancelled());
    queue.put_nowait(2);
    EXPECT_EQ(queue.get_nowait(), 2);
  }());
}

TEST(Queue, nothing_is_lost_when_puts_gets_and_cancellations_mix) {
  run([]() -> Coro<> {
    Queue<int> queue(3);
    Order order;
    std::vector<Task<>> tasks;
    unsigned random = 99;
    for (int i = 0; i < 500; ++i) {
      random = random * 1103515245U + 12345U;
      const unsigned choice = random >> 16;
      if (choice % 2 == 0)
        tasks.push_back(create_task(offer(i, queue, order)));
      else
        tasks.push_back(create_task(fetch("got", queue, order)));
      if (choice % 5 == 0) tasks[choice % tasks.size()].cancel();
      if (choice % 3 == 0) co_await pass();
    }
    co_await pass(20);
    queue.shutdown();
    for (auto& task : tasks)
      while (!task.done()) co_await pass();

    std::size_t put = 0, got = 0;
    for (const std::string& line : order) {
      if (line.find("shut") != std::string::npos) continue;
      if (line.starts_with("put")) ++put;
      if (line.starts_with("got")) ++got;
    }
    EXPECT_GT(got, 50u);
    EXPECT_EQ(put, got + queue.qsize());
  }());
}

TEST(Queue, a_task_that_never_waits_yields_once_its_budget_is_used_up) {
  run([]() -> Coro<> {
    Queue<int> queue;
    int passes = 0;
    bool over = false;
    auto counter = create_task([](int& count, bool& stop) -> Coro<> {
      while (!stop) {
        co_await sleep(0s);
        ++count;
      }
    }(passes, over));
    for (int i = 0; i < 500; ++i) {
      co_await queue.put(i);
      EXPECT_EQ(co_await queue.get(), i);
    }
    over = true;
    EXPECT_GE(passes, 6);
    EXPECT_LE(passes, 9);
    co_await counter;
  }());
}

TEST(Queue, nowait_forms_throw_and_value_forms_do_not) {
  Queue<std::unique_ptr<int>> queue(1);
  EXPECT_THROW(queue.get_nowait(), QueueEmpty);
  EXPECT_FALSE(queue.try_get().has_value());
  auto item = std::make_unique<int>(1);
  EXPECT_TRUE(queue.try_put(item));
  EXPECT_EQ(item, nullptr);
  item = std::make_unique<int>(2);
  EXPECT_FALSE(queue.try_put(item));
  EXPECT_NE(item, nullptr);  // refused: the caller still has it
  EXPECT_THROW(queue.put_nowait(std::move(item)), QueueFull);
  EXPECT_EQ(**queue.try_get(), 1);
}

TEST(Queue, items_may_be_move_only) {
  run([]() -> Coro<> {
    Queue<std::unique_ptr<int>> queue(1);
    auto getter = create_task(queue.get());
    auto first = create_task(queue.put(std::make_unique<int>(1)));
    auto second = create_task(queue.put(std::make_unique<int>(2)));
    co_await first;
    co_await second;
    auto item = co_await std::move(getter);
    EXPECT_EQ(*item, 1);
    EXPECT_EQ(*co_await queue.get(), 2);
  }());
}

TEST(Queue, join_waits_until_every_item_is_done) {
  run([]() -> Coro<> {
    Queue<int> queue;
    co_await queue.join();
    queue.put_nowait(1);
    queue.put_nowait(2);
    auto join = create_task(queue.join());
    co_await queue.get();
    co_await queue.get();
    queue.task_done();
    co_await pass(3);
    EXPECT_FALSE(join.done());
    queue.task_done();
    co_await join;
    EXPECT_THROW(queue.task_done(), ValueError);
    try {
      queue.task_done();
    } catch (const ValueError& error) {
      EXPECT_STREQ(error.what(), "task_done() called too many times");
    }
  }());
}

TEST(Queue, shutdown_wakes_everybody_and_leaves_the_items) {
  run([]() -> Coro<> {
    Queue<int> queue(1);
    Order order;
    queue.put_nowait(1);
    auto putter = create_task(offer(2, queue, order));
    co_await pass();
    queue.shutdown();
    co_await putter;
    EXPECT_THROW(queue.put_nowait(3), QueueShutDown);
    int item = 4;
    EXPECT_FALSE(queue.try_put(item));
    EXPECT_EQ(co_await queue.get(), 1);
    EXPECT_THROW(queue.get_nowait(), QueueShutDown);
    EXPECT_THROW(co_await queue.get(), QueueShutDown);
    EXPECT_EQ(order, Order{"2 shut down"});
  }());
}

TEST(Queue, shutdown_wakes_getters_of_an_empty_queue) {
  run([]() -> Coro<> {
    Queue<int> queue;
    Order order;
    auto a = create_task(fetch("a", queue, order));
    auto b = create_task(fetch("b", queue, order));
    co_await pass();
    queue.shutdown();
    queue.shutdown();
    co_await a;
    co_await b;
    EXPECT_EQ(order, (Order{"a shut down", "b shut down"}));
  }());
}

TEST(Queue, immediate_shutdown_counts_only_the_discarded_items_as_done) {
  run([]() -> Coro<> {
    Queue<int> queue;
    for (int i = 0; i < 3; ++i) queue.put_nowait(i);
    co_await queue.get();
    auto join = create_task(queue.join());
    co_await pass();
    queue.shutdown(true);
    co_await pass(2);
    EXPECT_FALSE(join.done());  // the one that was got is not done
    EXPECT_EQ(queue.qsize(), 0u);
    queue.task_done();
    co_await join;
    EXPECT_THROW(queue.task_done(), ValueError);
  }());
}

TEST(Queue, destroyed_under_a_woken_getter_ends_its_wait_with_an_error) {
  run([]() -> Coro<> {
    auto queue = std::make_unique<Queue<int>>();
    auto getter = create_task([&]() -> Coro<int> { co_return co_await queue->get(); });
    auto other = create_task([&]() -> Coro<int> { co_return co_await queue->get(); });
    co_await pass();
    queue->put_nowait(1);  // wakes the getter, which runs in the next pass
    other.cancel();

    queue.reset();

    EXPECT_EQ(co_await error_of(std::move(getter)),
              "the queue that this task waited for was destroyed meanwhile");
    EXPECT_TRUE(other.cancelled());
  }());
}

TEST(Queue, destroyed_under_a_woken_and_cancelled_putter_leaves_it_cancelled) {
  run([]() -> Coro<> {
    auto queue = std::make_unique<Queue<int>>(1);
    queue->put_nowait(1);
    auto putter = create_task([&]() -> Coro<> { co_await queue->put(2); });
    co_await pass();
    static_cast<void>(queue->get_nowait());
    putter.cancel();

    queue.reset();

    co_await pass(2);
    EXPECT_TRUE(putter.cancelled());
  }());
}

TEST(Queue, outlives_a_woken_getter_whose_frame_the_loop_destroys) {
  Queue<int> queue;
  {
    Loop loop;
    auto getter = loop.create_task(
        [](Queue<int>& source) -> Coro<> { static_cast<void>(co_await source.get()); }(queue));
    loop.call_soon([&] {
      loop.call_soon([&] {
        queue.put_nowait(1);
        loop.stop();
      });
    });
    loop.run_forever();
  }
  EXPECT_EQ(queue.get_nowait(), 1);
}

TEST(Queue, waiting_in_two_loops_is_refused) {
  Queue<int> queue;
  auto wait_in_vain = [](Queue<int>& q) -> Coro<> {
    auto getter = create_task(q.get());
    co_await sleep(0s);
    getter.cancel();
    co_await sleep(0s);
    if (!getter.cancelled()) co_await getter;
  };
  Runner first;
  first.run(wait_in_vain(queue));
  Runner second;
  try {
    second.run(wait_in_vain(queue));
    FAIL() << "the second loop was let in";
  } catch (const RuntimeError& error) {
    EXPECT_NE(std::string(error.what()).find("is bound to a different event loop"),
              std::string::npos);
  }
}

TEST(Queue, repr_names_what_python_names) {
  run([]() -> Coro<> {
    Queue<int> queue(2);
    auto getter = create_task(queue.get());
    co_await pass();
    EXPECT_NE(queue.repr().find("maxsize=2 _getters[1]>"), std::string::npos) << queue.repr();
    getter.cancel();
    co_await pass();
    queue.put_nowait(1);
    queue.shutdown();
    EXPECT_NE(queue.repr().find("maxsize=2 qsize=1 tasks=1 shutdown>"), std::string::npos);
    EXPECT_TRUE(queue.repr().starts_with("<Queue at 0x"));
  }());
}

TEST(PriorityQueue, smallest_leaves_first) {
  PriorityQueue<int> queue;
  unsigned random = 7;
  for (int i = 0; i < 200; ++i) {
    random = random * 1103515245U + 12345U;
    queue.put_nowait(static_cast<int>(random >> 20));
    if (i % 3 == 0) queue.get_nowait();
  }
  int last = queue.get_nowait();
  while (auto next = queue.try_get()) {
    EXPECT_LE(last, *next);
    last = *next;
  }
}

TEST(PriorityQueue, woken_getter_takes_what_is_best_when_it_runs) {
  run([]() -> Coro<> {
    PriorityQueue<int> queue;
    auto getter = create_task(queue.get());
    co_await pass();
    queue.put_nowait(9);
    queue.put_nowait(5);
    EXPECT_EQ(co_await getter, 5);
    EXPECT_EQ(queue.get_nowait(), 9);
  }());
}

// The order that CPython 3.13's heapq gives for these pushes and pops.
TEST(PriorityQueue, equal_items_leave_in_the_order_of_pythons_heap) {
  using Item = std::pair<int, char>;
  struct ByNumber {
    bool operator()(const Item& a, const Item& b) const { return a.first < b.first; }
  };
  PriorityQueue<Item, ByNumber> queue;
  const std::vector<Item> items{{1, 'a'}, {0, 'b'}, {1, 'c'}, {0, 'd'},
                                {1, 'e'}, {0, 'f'}, {2, 'g'}};
  for (const Item& item : items) queue.put_nowait(item);
  std::string order;
  while (auto item = queue.try_get()) order += item->second;
  EXPECT_EQ(order, "bfdceag");
}

TEST(LifoQueue, newest_leaves_first) {
  LifoQueue<std::string> queue(3);
  for (const char* item : {"a", "b", "c"}) queue.put_nowait(item);
  EXPECT_THROW(queue.put_nowait("d"), QueueFull);
  std::string order;
  while (auto item = queue.try_get()) order += *item;
  EXPECT_EQ(order, "cba");
}

TEST(Queue, subclasses_serve_as_queues) {
  PriorityQueue<int> smallest;
  Queue<int>& queue = smallest;
  queue.put_nowait(2);
  queue.put_nowait(1);
  EXPECT_EQ(queue.get_nowait(), 1);
}

}  // namespace
}  // namespace asyncio
