#include "asyncio/combinators/wait.hpp"

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

Task<int> finishes(int passes, int value = 0) { return create_task(value_after(passes, value)); }

TEST(Wait, gives_done_and_pending_in_the_order_they_were_given) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Tasks tasks{finishes(3), finishes(9), finishes(0), finishes(8)};
    co_await tasks[0];

    auto result = co_await wait(tasks, {.return_when = FIRST_COMPLETED});

    EXPECT_EQ(result.done, (Tasks{tasks[0], tasks[2]}));
    EXPECT_EQ(result.pending, (Tasks{tasks[1], tasks[3]}));
    auto rest = co_await wait(result.pending);
    EXPECT_EQ(rest.done, result.pending);
    EXPECT_TRUE(rest.pending.empty());
  });
}

TEST(Wait, counts_a_task_that_is_given_twice_once) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Tasks two{finishes(0), finishes(2)};
    Tasks many;
    for (int i = 0; i < 50; ++i) many.push_back(two[static_cast<std::size_t>(i % 2)]);

    auto result = co_await wait(many);

    EXPECT_EQ(result.done, two);
  });
}

TEST(Wait, for_what_is_done_costs_two_passes) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto task = finishes(0);
    co_await task;
    const std::uint64_t start = passes_so_far();

    co_await wait({task});

    EXPECT_EQ(passes_so_far() - start, 2u);
  });
}

TEST(Wait, refuses_to_wait_for_nothing_and_in_no_known_way) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    const std::string empty = co_await failure_of(wait(Tasks{}));
    const std::string unknown =
        co_await failure_of(wait(Tasks{finishes(0)}, {.return_when = static_cast<ReturnWhen>(3)}));

    EXPECT_EQ(empty, "ValueError: Set of Tasks/Futures is empty.");
    EXPECT_EQ(unknown, "ValueError: Invalid return_when value: 3");
  });
}

TEST(Wait, returns_when_its_time_is_over_and_cancels_nothing) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto slow = []() -> Coro<int> {
      co_await sleep(10s);
      co_return 1;
    };
    auto task = create_task(slow());
    const TimePoint start = get_running_loop().time();

    auto result = co_await wait({task}, {.timeout = 3s});

    EXPECT_EQ(result.pending, Tasks{task});
    EXPECT_EQ(get_running_loop().time() - start, 3s);
    EXPECT_EQ(task.cancelling(), 0);
    for (const Duration over : {Duration(0s), Duration(-1s)}) {
      auto at_once = co_await wait({task}, {.timeout = over});
      EXPECT_EQ(at_once.pending.size(), 1u);
    }
    const auto longest = std::chrono::duration_cast<Duration>(Duration::max());
    auto last = co_await wait({task}, {.timeout = longest});
    EXPECT_EQ(last.done.size(), 1u);
    EXPECT_EQ(get_running_loop().time() - start, 10s);
  });
}

TEST(Wait, forgets_its_timeout_once_it_has_enough) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto task = finishes(2);
    co_await wait({task}, {.timeout = 100s});

    EXPECT_TRUE(get_running_loop().scheduler().timers.empty());
  });
}

TEST(Wait, until_the_first_exception_takes_no_notice_of_a_cancelled_task) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Tasks tasks{finishes(9), create_task(fails_after(4, "bad")), finishes(1)};
    tasks.push_back(finishes(9));
    tasks.back().cancel();

    auto result = co_await wait(tasks, {.return_when = FIRST_EXCEPTION});

    EXPECT_EQ(result.done, (Tasks{tasks[1], tasks[2], tasks[3]}));
    EXPECT_EQ(result.pending, Tasks{tasks[0]});
  });
  EXPECT_TRUE(loop.reports.empty()) << "it has looked at the exception";
}

TEST(Wait, until_the_first_exception_is_for_all_where_there_is_none) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto result = co_await wait({finishes(1), finishes(3)}, {.return_when = FIRST_EXCEPTION});

    EXPECT_EQ(result.done.size(), 2u);
  });
}

TEST(Wait, cancelled_leaves_the_tasks_alone) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto task = finishes(6);
    auto waiter = create_task(wait({task}, {.timeout = 50s}));
    co_await TestLoop::sleep_passes(2);

    waiter.cancel("enough");

    const std::string failure = co_await failure_of(waiter);
    EXPECT_EQ(failure, "CancelledError(enough)");
    EXPECT_FALSE(task.done());
    EXPECT_EQ(task.cancelling(), 0);
    EXPECT_TRUE(get_running_loop().scheduler().timers.empty());
    co_await task;
  });
}

TEST(Wait, is_cancelled_also_in_the_pass_in_which_the_last_task_completes) {
  TestLoop loop;
  for (const int passes : {0, 1, 2}) {
    loop.run([passes]() -> Coro<> {
      Future<int> last;
      auto waiter = create_task(wait({last}));
      co_await TestLoop::sleep_passes(2);
      last.set_result(1);
      co_await TestLoop::sleep_passes(passes);

      const bool in_time = waiter.cancel("late");

      EXPECT_EQ(in_time, passes < 2);
      const std::string failure = co_await failure_of(waiter);
      EXPECT_EQ(failure, in_time ? "CancelledError(late)" : "");
      EXPECT_EQ(last.result(), 1);
    });
  }
}

TEST(Wait, takes_futures_and_tasks_of_different_results) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Future<> pending, cancelled;
    cancelled.cancel();
    auto futures = co_await wait({pending, cancelled}, {.return_when = FIRST_COMPLETED});
    EXPECT_EQ(futures.done, std::vector{cancelled});
    EXPECT_EQ(futures.pending, std::vector{pending});

    auto nothing = []() -> Coro<> { co_return; };
    std::vector<AnyTask> mixed{finishes(1), create_task(nothing())};
    auto tasks = co_await wait(mixed);
    EXPECT_EQ(tasks.done, mixed);
  });
}

TEST(Wait, can_be_kept_and_awaited_later) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto later = wait({finishes(1, 5)});
    co_await TestLoop::sleep_passes(4);

    auto result = co_await std::move(later);

    EXPECT_EQ(result.done.at(0).result(), 5);
  });
}

TEST(Wait, refuses_futures_of_another_loop) {
  TestLoop loop, other;
  loop.run([&other]() -> Coro<> {
    const std::string failure = co_await failure_of(wait({Future<int>(*other)}));

    EXPECT_TRUE(failure.starts_with("ValueError: The future belongs to a different loop"));
  });
}

TEST(Wait, leaves_nothing_behind_where_its_loop_ends_before_it) {
  auto sign = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = sign;
  TestLoop loop;
  Future<int> outside(*loop);
  loop.run_for(3, [&outside, sign]() -> Coro<> {
    auto child = [](std::shared_ptr<int> kept) -> Coro<int> {
      co_await sleep(1000s);
      co_return *kept;
    };
    auto task = create_task(child(sign));
    auto waiter = create_task(wait({task}, {.timeout = 5s}));
    co_await wait({outside}, {.timeout = 5s});
  });
  sign.reset();
  outside.set_result(1);  // the watch is in the ready queue when the loop ends

  loop.destroy();

  EXPECT_TRUE(alive.expired());
}

}  // namespace
}  // namespace asyncio
