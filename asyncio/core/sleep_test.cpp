#include "asyncio/core/sleep.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

ASYNCIO_TEST(Sleep, lasts_as_long_as_asked_and_not_less) {
  Loop& loop = get_running_loop();
  for (Duration delay : {Duration(1ns), Duration(1us), Duration(3s), Duration(24h)}) {
    const TimePoint start = loop.time();
    co_await sleep(delay);
    EXPECT_EQ(loop.time() - start, delay);
  }
  const TimePoint start = loop.time();
  co_await sleep(std::chrono::duration<double>(0.25));
  EXPECT_EQ(loop.time() - start, 250ms);
}

ASYNCIO_TEST(Sleep, of_nothing_or_less_lets_the_others_have_one_turn) {
  for (Duration delay : {Duration(0), Duration(-5s)}) {
    int turns = 0;
    Loop& loop = get_running_loop();
    loop.call_soon([&turns, &loop] {
      ++turns;
      loop.call_soon([&turns] { ++turns; });
    });
    const TimePoint start = loop.time();

    co_await sleep(delay);

    EXPECT_EQ(turns, 1);
    EXPECT_EQ(loop.time(), start);
    co_await sleep(0s);
    EXPECT_EQ(turns, 2);
  }
}

ASYNCIO_TEST(Sleep, refuses_nan) {
  std::string error;
  try {
    co_await sleep(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN()));
  } catch (const ValueError& caught) {
    error = caught.what();
  }
  EXPECT_EQ(error, "Invalid delay: NaN (not a number)");
}

ASYNCIO_TEST(Sleep, of_the_longest_duration_does_not_overflow) {
  auto endless = create_task([]() -> Coro<> { co_await sleep(std::chrono::hours::max()); });
  auto infinite = create_task([]() -> Coro<> {
    co_await sleep(std::chrono::duration<double>(std::numeric_limits<double>::infinity()));
  });
  co_await sleep(24h * 365);
  EXPECT_FALSE(endless.done());
  EXPECT_FALSE(infinite.done());
  const TimePoint start = get_running_loop().time();
  co_await sleep(std::chrono::hours::min());
  EXPECT_EQ(get_running_loop().time(), start);

  endless.cancel();
  infinite.cancel();
  co_await wait(std::vector{endless, infinite});
}

ASYNCIO_TEST(Sleep, yields_the_result_that_it_was_given) {
  EXPECT_EQ(co_await sleep(1s, std::string("text")), "text");
  auto pointer = co_await sleep(0s, std::make_unique<int>(5));
  EXPECT_EQ(*pointer, 5);
}

ASYNCIO_TEST(Sleep, sleepers_wake_by_deadline_and_equal_ones_in_the_order_they_came) {
  std::vector<std::string> order;
  std::vector<Task<>> tasks;
  auto sleeper = [&order](std::string name, Duration delay) -> Coro<> {
    co_await sleep(delay);
    order.push_back(name);
  };
  tasks.push_back(create_task(sleeper("late", 2s)));
  tasks.push_back(create_task(sleeper("first", 1s)));
  tasks.push_back(create_task(sleeper("second", 1s)));
  co_await wait(tasks);
  EXPECT_EQ(order, (std::vector<std::string>{"first", "second", "late"}));
}

ASYNCIO_TEST(Sleep, cancelled_ends_at_once_and_leaves_no_timer) {
  const TimePoint start = get_running_loop().time();
  auto task = create_task([]() -> Coro<> { co_await sleep(1h); });
  co_await testing::all_tasks_blocked();

  task.cancel();
  co_await wait(std::vector{task});

  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(get_running_loop().time(), start);
  EXPECT_TRUE(get_running_loop().scheduler().timers.empty());
}

ASYNCIO_TEST(Sleep, cancelled_in_the_pass_in_which_it_is_due_is_cancelled) {
  auto task = create_task([]() -> Coro<> { co_await sleep(1s); });
  co_await sleep(0s);  // it sleeps now
  get_running_loop().call_at(get_running_loop().time() + 1s - 1ns, [&task] {
    // Due when this pass ends: the timer's turn and this cancel meet.
    get_running_loop().call_soon([&task] { task.cancel(); });
  });
  co_await wait(std::vector{task});
  EXPECT_TRUE(task.cancelled());
}

}  // namespace
}  // namespace asyncio
