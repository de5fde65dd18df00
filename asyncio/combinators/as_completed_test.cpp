#include "asyncio/combinators/as_completed.hpp"

#include <gtest/gtest.h>

#include "asyncio/combinators/internal/test_loop.hpp"

namespace asyncio {
namespace {

using detail::fails_after;
using detail::failure_of;
using detail::passes_so_far;
using detail::TestLoop;
using detail::value_after;
using namespace std::chrono_literals;

using Tasks = std::vector<Task<int>>;

Coro<int> after(Duration delay, int value) {
  co_await sleep(delay);
  co_return value;
}

TEST(AsCompleted, gives_results_in_the_order_they_become_ready) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    std::vector<Coro<int>> jobs;
    for (int i = 3; i >= 1; --i) jobs.push_back(after(i * 1s, i));
    std::vector<int> results;

    for (auto& next : as_completed(std::move(jobs))) {
      const int value = co_await next;
      results.push_back(value);
    }

    EXPECT_EQ(results, (std::vector{1, 2, 3}));
  });
}

TEST(AsCompleted, throws_a_failure_where_it_comes_and_goes_on) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    std::vector<Coro<int>> jobs;
    jobs.push_back(value_after(5, 1));
    jobs.push_back(fails_after(2, "bad"));
    std::string text;

    auto completed = as_completed(std::move(jobs));
    for (auto& next : completed) {
      const std::string failure = co_await failure_of(next);
      text += "[" + failure + "]";
    }

    EXPECT_EQ(text, "[ValueError: bad][]");
  });
  EXPECT_TRUE(loop.reports.empty());
}

TEST(AsCompleted, starts_its_coroutines_at_once) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    std::vector<Coro<int>> jobs;
    jobs.push_back(value_after(0, 1));
    auto completed = as_completed(std::move(jobs));
    EXPECT_EQ(all_tasks().size(), 2u);

    co_await TestLoop::sleep_passes(1);

    EXPECT_EQ(all_tasks().size(), 1u);
  });
}

TEST(AsCompleted, in_the_async_style_gives_the_original_tasks) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Tasks tasks{create_task(after(3s, 3)), create_task(after(1s, 1))};
    auto completed = as_completed(tasks);

    auto first = co_await completed.next();
    auto second = co_await completed.next();
    auto third = co_await completed.next();

    EXPECT_EQ(*first, tasks[1]);
    EXPECT_EQ(second->result(), 3);
    EXPECT_FALSE(third.has_value());
  });
}

TEST(AsCompleted, takes_futures_and_gives_them_back) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Future<> a, b;
    auto completed = as_completed(std::vector{a, b});
    b.cancel("b");
    a.set_result();

    auto first = co_await completed.next();
    auto second = co_await completed.next();

    EXPECT_EQ(*first, b);
    EXPECT_EQ(*second, a);
  });
}

TEST(AsCompleted, of_duplicates_gives_one_and_of_nothing_ends_at_once) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto task = create_task(value_after(0, 1));
    int count = 0;
    for (auto& next : as_completed(Tasks{task, task, task})) {
      co_await next;
      ++count;
    }
    EXPECT_EQ(count, 1);
    auto nothing = as_completed(Tasks{});
    EXPECT_TRUE(nothing.begin() == nothing.end());
    auto none = co_await nothing.next();
    EXPECT_FALSE(none.has_value());
  });
}

TEST(AsCompleted, wakes_two_passes_after_a_completion_and_at_once_where_there_was_one) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Future<int> a, b;
    auto completed = as_completed(std::vector{a, b});
    a.set_result(1);
    b.set_result(2);
    const std::uint64_t start = passes_so_far();

    co_await completed.next();
    EXPECT_EQ(passes_so_far() - start, 2u);
    co_await completed.next();
    EXPECT_EQ(passes_so_far() - start, 2u);
  });
}

TEST(AsCompleted, counts_a_step_of_the_loop_whether_it_is_awaited_or_not) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Tasks tasks{create_task(value_after(0, 1)), create_task(value_after(1, 2)),
                create_task(value_after(2, 3))};
    auto completed = as_completed(tasks);
    for (auto& next : completed) {
      const int value = co_await next;
      EXPECT_EQ(value, 1);
      break;
    }

    std::vector<int> rest;
    while (auto task = co_await completed.next()) rest.push_back(task->result());

    EXPECT_EQ(rest, (std::vector{2, 3}));
  });
}

TEST(AsCompleted, out_of_time_throws_for_each_that_is_left_and_cancels_nothing) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Tasks tasks{create_task(after(9s, 9)), create_task(after(1s, 1)), create_task(after(8s, 8))};
    std::string text;
    for (auto& next : as_completed(tasks, {.timeout = 5s})) {
      const std::string failure = co_await failure_of(next);
      text += "[" + failure + "]";
    }
    EXPECT_EQ(text, "[][TimeoutError][TimeoutError]");
    EXPECT_EQ(tasks[0].cancelling(), 0);

    auto completed = as_completed(tasks, {.timeout = 1s});
    auto first = co_await completed.next();
    EXPECT_EQ(*first, tasks[1]);
    const std::string second = co_await failure_of(completed.next());
    const std::string third = co_await failure_of(completed.next());
    auto end = co_await completed.next();
    EXPECT_EQ(second + third, "TimeoutErrorTimeoutError");
    EXPECT_FALSE(end.has_value());
    co_await tasks[0];
    co_await tasks[2];
  });
}

TEST(AsCompleted, forgets_its_timeout_once_all_are_done) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    for (auto& next : as_completed(Tasks{create_task(value_after(1, 1))}, {.timeout = 5s}))
      co_await next;

    EXPECT_TRUE(get_running_loop().scheduler().timers.empty());
  });
}

TEST(AsCompleted, loses_nothing_when_a_waiter_is_cancelled) {
  TestLoop loop;
  for (const bool after_wake_up : {false, true}) {
    loop.run([after_wake_up]() -> Coro<> {
      Future<int> a, b;
      auto completed = as_completed(std::vector{a, b});
      auto first = create_task(completed.next());
      auto second = create_task(completed.next());
      co_await TestLoop::sleep_passes(1);
      if (after_wake_up) {  // behind the watch, ahead of the task it has woken
        a.set_result(1);
        get_running_loop().call_soon([first] { first.cancel(); });
      } else {
        first.cancel();
      }
      co_await TestLoop::sleep_passes(2);
      if (!after_wake_up) a.set_result(1);

      auto given = co_await second;

      EXPECT_TRUE(first.cancelled());
      EXPECT_EQ(*given, a);
      b.set_result(2);
      auto last = co_await completed.next();
      EXPECT_EQ(*last, b);
      auto end = co_await completed.next();
      EXPECT_FALSE(end.has_value());
    });
  }
}

TEST(AsCompleted, serves_several_waiters_in_the_order_they_came) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Future<int> a, b, c;
    auto completed = as_completed(std::vector{a, b, c});
    auto first = create_task(completed.next());
    auto second = create_task(completed.next());
    co_await TestLoop::sleep_passes(1);
    c.set_result(3);
    a.set_result(1);
    co_await TestLoop::sleep_passes(1);
    // Both are woken but have not run: what is there is promised to them.
    b.set_result(2);
    auto mine = co_await completed.next();

    EXPECT_EQ(*mine, b);
    auto one = co_await first;
    auto two = co_await second;
    EXPECT_EQ(*one, c);
    EXPECT_EQ(*two, a);
  });
}

TEST(AsCompleted, gives_awaitables_that_outlive_it_and_can_be_gathered) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    std::vector<Task<int>> waiting;
    for (auto& next : as_completed(Tasks{create_task(after(2s, 2)), create_task(after(1s, 1))}))
      waiting.push_back(create_task(std::remove_reference_t<decltype(next)>(next)));

    const int first = co_await waiting[0];
    const int second = co_await waiting[1];

    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 2);
  });
}

TEST(AsCompleted, moves_results_that_cannot_be_copied) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto make = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(4); };
    std::vector<Coro<std::unique_ptr<int>>> jobs;
    jobs.push_back(make());
    for (auto& next : as_completed(std::move(jobs))) {
      auto value = co_await next;
      EXPECT_EQ(*value, 4);
    }
  });
}

TEST(AsCompleted, dropped_lets_its_tasks_go_on) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto task = create_task(value_after(3, 1));
    static_cast<void>(as_completed(Tasks{task}, {.timeout = 1s}));
    EXPECT_TRUE(get_running_loop().scheduler().timers.empty());

    const int value = co_await task;

    EXPECT_EQ(value, 1);
  });
}

TEST(AsCompleted, leaves_nothing_behind_where_its_loop_ends_before_it) {
  auto sign = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = sign;
  TestLoop loop;
  Future<int> outside(*loop);
  loop.run_for(3, [&outside, sign]() -> Coro<> {
    auto child = [](std::shared_ptr<int> kept) -> Coro<int> {
      co_await sleep(1000s);
      co_return *kept;
    };
    auto tasks = as_completed(Tasks{create_task(child(sign))}, {.timeout = 5s});
    auto waiter = create_task(tasks.next());
    for (auto& next : as_completed(std::vector{outside}, {.timeout = 5s})) co_await next;
  });
  sign.reset();
  outside.set_result(1);

  loop.destroy();

  EXPECT_TRUE(alive.expired());
}

}  // namespace
}  // namespace asyncio
