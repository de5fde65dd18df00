#include "asyncio/testing/run.hpp"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

Coro<> forever() { co_await Future<>(); }

TEST(TestingRun, tells_what_left_the_body) {
  auto body = []() -> Coro<> {
    throw ValueError("v");
    co_return;
  };
  const testing::RunResult result = testing::run(body());
  EXPECT_EQ(describe(result.error), "ValueError: v");
  EXPECT_EQ(testing::run([]() -> Coro<> { co_return; }()).error, nullptr);
}

TEST(TestingRun, names_the_tasks_that_were_left_behind_and_ends_them) {
  bool ended = false;
  auto body = [&]() -> Coro<> {
    create_task([&]() -> Coro<> {
      try {
        co_await forever();
      } catch (const CancelledError&) {
        ended = true;
        throw;
      }
    });
    create_task(forever(), {.name = "left"});
    co_await sleep(0s);
  };
  const testing::RunResult result = testing::run(body());
  ASSERT_EQ(result.leftover.size(), 2U);
  EXPECT_NE(result.leftover[1].find("name='left'"), std::string::npos);
  EXPECT_TRUE(ended);
}

TEST(TestingRun, a_day_of_timers_takes_no_time) {
  const TimePoint before = Clock::now();
  const testing::RunResult result = testing::run([]() -> Coro<> {
    const TimePoint start = get_running_loop().time();
    for (int hour = 0; hour < 24; ++hour) co_await sleep(1h);
    EXPECT_EQ(get_running_loop().time() - start, 24h);
  }());
  EXPECT_EQ(result.error, nullptr);
  EXPECT_LT(Clock::now() - before, 10s);
}

TEST(TestingRunTest, reports_an_error_and_a_leftover_to_the_framework) {
  int failures = 0;
  EXPECT_NONFATAL_FAILURE(failures += testing::run_test([]() -> Coro<> {
                            throw ValueError("broken");
                            co_return;
                          }()),
                          "the test threw ValueError: broken");
  EXPECT_NONFATAL_FAILURE(failures += testing::run_test([]() -> Coro<> {
                            create_task(forever(), {.name = "left"});
                            co_return;
                          }()),
                          "the test left a task behind: <Task pending name='left'");
  EXPECT_EQ(failures, 2);
  EXPECT_EQ(testing::run_test([]() -> Coro<> { co_return; }()), 0);
}

// The order in which five tasks, woken at once, go on; and that of five callbacks.
Coro<> goes_on(Event& event, std::string& order, char name) {
  co_await event.wait();
  order += name;
}
std::pair<std::string, std::string> orders(std::uint64_t seed, bool shuffles) {
  std::string tasks, callbacks;
  const testing::RunResult result = testing::run(
      [](std::string& of_tasks, std::string& of_callbacks) -> Coro<> {
        Event event;
        std::vector<Task<>> all;
        for (const char name : {'a', 'b', 'c', 'd', 'e'})
          all.push_back(create_task(goes_on(event, of_tasks, name)));
        co_await testing::all_tasks_blocked();
        of_tasks.clear();
        event.set();
        for (const char name : {'1', '2', '3', '4', '5'})
          get_running_loop().call_soon([&of_callbacks, name] { of_callbacks += name; });
        co_await wait(all);
      }(tasks, callbacks),
      {.seed = seed, .shuffles_tasks = shuffles});
  EXPECT_TRUE(result.ok()) << result.message();
  return {tasks, callbacks};
}

TEST(ShuffledTasks, go_on_in_an_order_that_the_seed_decides) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto [tasks, callbacks] = orders(seed, true);
    EXPECT_EQ(orders(seed, true).first, tasks);
    EXPECT_EQ(callbacks, "12345");
    seen.insert(tasks);
  }
  EXPECT_GT(seen.size(), 5U);
}

TEST(ShuffledTasks, stay_in_order_without_a_seed_and_where_nobody_wants_it) {
  EXPECT_EQ(orders(0, true).first, "abcde");
  EXPECT_EQ(orders(7, false).first, "abcde");
}

ASYNCIO_TEST(AllTasksBlocked, returns_when_the_others_wait_and_moves_no_time) {
  int steps = 0;
  const TimePoint start = get_running_loop().time();
  auto busy = create_task([&]() -> Coro<> {
    for (int i = 0; i < 50; ++i) {
      ++steps;
      co_await sleep(0s);
    }
    co_await sleep(1h);
  });

  co_await testing::all_tasks_blocked();

  EXPECT_EQ(steps, 50);
  EXPECT_FALSE(busy.done());
  EXPECT_EQ(get_running_loop().time(), start);
  busy.cancel();
  co_await wait(std::vector{busy});
}

ASYNCIO_TEST(AllTasksBlocked, several_may_wait_and_each_gets_a_turn) {
  std::vector<int> order;
  auto waiter = [&order](int number) -> Coro<> {
    co_await testing::all_tasks_blocked();
    order.push_back(number);
    co_await sleep(0s);
    order.push_back(number);
  };
  auto first = create_task(waiter(1));
  auto second = create_task(waiter(2));
  co_await wait(std::vector{first, second});
  EXPECT_EQ(order, (std::vector<int>{1, 1, 2, 2}));
}

ASYNCIO_TEST(AllTasksBlocked, can_be_cancelled) {
  auto task = create_task(testing::all_tasks_blocked());
  get_running_loop().call_soon([] {});
  co_await sleep(0s);
  task.cancel();
  co_await wait(std::vector{task});
  EXPECT_TRUE(task.cancelled());
}

ASYNCIO_TEST(CancelEverywhere, reaches_every_suspension_once_and_then_a_whole_run) {
  int runs = 0;
  std::vector<int> cancelled_at;
  co_await testing::cancel_everywhere([&]() -> Coro<> {
    ++runs;
    int step = 0;
    try {
      for (; step < 3; ++step) co_await sleep(1s);
    } catch (const CancelledError&) {
      cancelled_at.push_back(step);
      throw;
    }
  });
  EXPECT_EQ(cancelled_at, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(runs, 4);
}

ASYNCIO_TEST(CancelEverywhere, reaches_the_suspension_that_follows_one_in_a_queue) {
  int reached = 0;
  co_await testing::cancel_everywhere([&reached]() -> Coro<> {
    const auto queue = std::make_shared<Queue<int>>();
    get_running_loop().call_later(1s, [queue] { queue->put_nowait(1); });
    co_await queue->get();
    try {
      co_await sleep(1s);
    } catch (const CancelledError&) {
      ++reached;
      throw;
    }
  });
  EXPECT_EQ(reached, 1);
}

ASYNCIO_TEST(CancelEverywhere, throws_on_what_a_run_threw) {
  std::string error;
  try {
    co_await testing::cancel_everywhere([]() -> Coro<> {
      try {
        co_await sleep(1s);
      } catch (const CancelledError&) {
        throw ValueError("not prepared");
      }
    });
  } catch (const ValueError& caught) {
    error = caught.what();
  }
  EXPECT_EQ(error, "not prepared");
}

ASYNCIO_TEST(CancelEverywhere, ends_the_tasks_that_a_run_left) {
  co_await testing::cancel_everywhere([]() -> Coro<> {
    create_task(forever());
    co_await sleep(1s);
  });
  EXPECT_EQ(all_tasks().size(), 1U);
}

ASYNCIO_TEST(AsyncMock, answers_as_it_was_told_and_remembers_its_calls) {
  testing::AsyncMock<int(std::string, int)> mock;
  mock.returns(5);
  EXPECT_EQ(co_await mock("a", 1), 5);
  mock.raises(std::make_exception_ptr(ValueError("told")));
  std::string error;
  try {
    co_await mock("b", 2);
  } catch (const ValueError& caught) {
    error = caught.what();
  }
  EXPECT_EQ(error, "told");
  EXPECT_EQ(mock.call_count(), 2);
  EXPECT_EQ(mock.calls()[1], (std::tuple<std::string, int>("b", 2)));

  mock.hangs();
  bool timed_out = false;
  try {
    co_await wait_for(mock("c", 3), 1s);
  } catch (const TimeoutError&) {
    timed_out = true;
  }
  EXPECT_TRUE(timed_out);
}

}  // namespace
}  // namespace asyncio
