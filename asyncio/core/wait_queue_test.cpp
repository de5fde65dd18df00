#include "asyncio/core/wait_queue.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using detail::WaitNode;
using detail::WaitQueue;

// The least that a primitive does with a queue.
class Turn {
 public:
  enum class Way { back, front, woken };
  explicit Turn(WaitQueue& queue, Way way = Way::back) noexcept : queue_(&queue), way_(way) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    if (way_ == Way::back) node_.suspend(*queue_, handle.promise());
    if (way_ == Way::front) node_.suspend_in_front(*queue_, handle.promise());
    if (way_ == Way::woken) node_.suspend_woken(*queue_, handle.promise());
  }
  void await_resume() {
    if (!node_.resume()) return;
    if (node_.was_woken()) queue_->wake_one();  // the wake-up goes to another
    node_.throw_cancelled();
  }

 private:
  WaitQueue* queue_;
  Way way_;
  WaitNode node_;
};

struct Waiters {
  Task<> add(std::string name, Turn::Way way = Turn::Way::back) {
    return create_task(
        [this, way](std::string who) -> Coro<> {
          co_await Turn(queue, way);
          order.push_back(who);
        },
        std::move(name));
  }
  WaitQueue queue;
  std::vector<std::string> order;
};

ASYNCIO_TEST(WaitQueue, wakes_first_come_first_served) {
  Waiters waiters;
  std::vector tasks{waiters.add("a"), waiters.add("b"), waiters.add("c")};
  co_await testing::all_tasks_blocked();
  EXPECT_EQ(waiters.queue.waiting_count(), 3U);

  EXPECT_TRUE(waiters.queue.wake_one());
  EXPECT_TRUE(waiters.queue.wake_one());
  EXPECT_EQ(waiters.queue.waiting_count(), 1U);
  EXPECT_EQ(waiters.queue.live_count(), 3U);  // woken ones stand there until they run
  co_await testing::all_tasks_blocked();
  EXPECT_EQ(waiters.order, (std::vector<std::string>{"a", "b"}));

  waiters.queue.wake_all();
  co_await wait(tasks);
  EXPECT_EQ(waiters.order.back(), "c");
  EXPECT_TRUE(waiters.queue.empty());
  EXPECT_FALSE(waiters.queue.has_live());
  EXPECT_FALSE(waiters.queue.wake_one());
}

ASYNCIO_TEST(WaitQueue, a_cancelled_waiter_is_skipped) {
  Waiters waiters;
  auto a = waiters.add("a");
  auto b = waiters.add("b");
  co_await testing::all_tasks_blocked();

  a.cancel();
  EXPECT_EQ(waiters.queue.live_count(), 1U);
  EXPECT_TRUE(waiters.queue.wake_one());
  co_await wait(std::vector{a, b});

  EXPECT_TRUE(a.cancelled());
  EXPECT_EQ(waiters.order, std::vector<std::string>{"b"});
}

ASYNCIO_TEST(WaitQueue, a_waiter_woken_and_then_cancelled_can_pass_the_wake_up_on) {
  Waiters waiters;
  auto a = waiters.add("a");
  auto b = waiters.add("b");
  co_await testing::all_tasks_blocked();

  waiters.queue.wake_one();
  a.cancel();
  co_await wait(std::vector{a, b});

  EXPECT_TRUE(a.cancelled());
  EXPECT_EQ(waiters.order, std::vector<std::string>{"b"});
}

ASYNCIO_TEST(WaitQueue, wake_front_wakes_nobody_behind_a_woken_or_cancelled_first) {
  Waiters waiters;
  auto a = waiters.add("a");
  auto b = waiters.add("b");
  co_await testing::all_tasks_blocked();

  EXPECT_TRUE(waiters.queue.wake_front());
  EXPECT_FALSE(waiters.queue.wake_front());
  co_await a;
  EXPECT_TRUE(waiters.queue.wake_front());
  co_await b;
  EXPECT_FALSE(waiters.queue.wake_front());
}

ASYNCIO_TEST(WaitQueue, one_put_in_front_is_woken_first) {
  Waiters waiters;
  auto a = waiters.add("a");
  co_await testing::all_tasks_blocked();
  auto b = waiters.add("b", Turn::Way::front);
  co_await testing::all_tasks_blocked();

  waiters.queue.wake_one();
  co_await b;
  EXPECT_FALSE(a.done());
  waiters.queue.wake_one();
  co_await a;

  EXPECT_EQ(waiters.order, (std::vector<std::string>{"b", "a"}));
}

ASYNCIO_TEST(WaitQueue, one_that_enters_woken_resumes_in_the_next_pass) {
  Waiters waiters;
  auto a = waiters.add("a", Turn::Way::woken);
  co_await sleep(0s);
  EXPECT_TRUE(waiters.queue.has_live());
  EXPECT_FALSE(waiters.queue.has_waiting());
  co_await a;
  EXPECT_TRUE(waiters.queue.empty());
}

ASYNCIO_TEST(WaitQueue, destroyed_leaves_waiters_that_can_still_be_cancelled) {
  auto waiters = std::make_unique<Waiters>();
  auto waiting = waiters->add("waiting");
  auto woken = waiters->add("woken", Turn::Way::woken);
  co_await sleep(0s);  // both stand in the queue

  waiters->queue.wake_one();
  struct Queue {
    WaitQueue queue;
  };
  auto gone = std::make_unique<Queue>();
  auto orphan =
      create_task([](WaitQueue& queue) -> Coro<> { co_await Turn(queue); }, std::ref(gone->queue));
  co_await wait(std::vector{waiting, woken});
  co_await testing::all_tasks_blocked();
  gone.reset();
  EXPECT_FALSE(orphan.done());

  orphan.cancel("still reachable");
  std::string message;
  try {
    co_await orphan;
  } catch (const CancelledError& error) {
    message = error.message();
  }
  EXPECT_EQ(message, "still reachable");
}

ASYNCIO_TEST(WaitQueue, destroyed_after_a_wake_up_tells_the_woken_waiter) {
  auto queue = std::make_unique<WaitQueue>();
  auto task =
      create_task([](WaitQueue& waited) -> Coro<> { co_await Turn(waited); }, std::ref(*queue));
  co_await testing::all_tasks_blocked();
  queue->wake_one();
  queue.reset();
  co_await wait(std::vector{task});
  EXPECT_EQ(describe(task.exception()),
            "RuntimeError: what this task waited for was destroyed while it waited");
}

TEST(WaitQueue, outlives_a_loop_whose_tasks_wait_in_it) {
  WaitQueue queue;
  logging::set_sink([](LogLevel, std::string_view) {});
  {
    Loop loop;
    loop.create_task([](WaitQueue& waited) -> Coro<> { co_await Turn(waited); }, std::ref(queue));
    loop.call_soon([&loop] { loop.stop(); });
    loop.run_forever();
    EXPECT_EQ(queue.waiting_count(), 1U);
  }
  logging::set_sink({});
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.waiting_count(), 0U);
}

TEST(WaitQueue, belongs_to_the_first_loop_that_waits_in_it) {
  WaitQueue queue;
  Loop first;
  Loop second;
  queue.bind(first.scheduler(), "Lock");
  queue.bind(first.scheduler(), "Lock");
  try {
    queue.bind(second.scheduler(), "Lock");
    FAIL() << "bound to two loops";
  } catch (const RuntimeError& error) {
    EXPECT_STREQ(error.what(), "Lock is bound to a different event loop");
  }
}

ASYNCIO_TEST(WaitQueue, survives_a_cancellation_at_every_suspension) {
  WaitQueue queue;
  co_await testing::cancel_everywhere([&queue]() -> Coro<> {
    auto other =
        create_task([](WaitQueue& waited) -> Coro<> { co_await Turn(waited); }, std::ref(queue));
    co_await sleep(0s);
    co_await Turn(queue, Turn::Way::woken);
    queue.wake_all();
    co_await other;
  });
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.has_live());
}

}  // namespace
}  // namespace asyncio
