#include "asyncio/combinators/gather.hpp"

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

Coro<> nothing() { co_return; }
Coro<std::unique_ptr<int>> owned(int value) { co_return std::make_unique<int>(value); }

// Waits for ever; once cancelled, for some passes more, and then gives in or does not.
Coro<int> clean_up(int passes, bool gives_in) {
  std::string message;
  try {
    co_await sleep(1000s);
  } catch (const CancelledError& error) {
    message = error.message();
  }
  co_await TestLoop::sleep_passes(passes);
  if (gives_in) throw CancelledError(message);
  co_return 7;
}

TEST(Gather, gives_results_of_any_types_in_the_order_of_the_arguments) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto results = co_await gather(value_after(3, 1), nothing(), owned(3), value_after(0, 4));

    EXPECT_EQ(std::get<0>(results), 1);
    EXPECT_EQ(std::get<1>(results), Unit{});
    EXPECT_EQ(*std::get<2>(results), 3);
    EXPECT_EQ(std::get<3>(results), 4);
  });
}

TEST(Gather, of_a_vector_gives_a_vector_and_of_void_nothing) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    std::vector<Coro<int>> numbers;
    for (int i = 0; i < 5; ++i) numbers.push_back(value_after(5 - i, i));
    std::vector<int> results = co_await gather(std::move(numbers));
    EXPECT_EQ(results, (std::vector<int>{0, 1, 2, 3, 4}));

    std::vector<Coro<>> voids;
    voids.push_back(nothing());
    Future<> done = gather(std::move(voids));
    co_await done;
    EXPECT_TRUE(done.done());
  });
}

TEST(Gather, starts_its_coroutines_as_tasks_at_once_in_the_order_of_the_arguments) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto order = std::make_shared<std::string>();
    auto note = [](std::shared_ptr<std::string> text, char c) -> Coro<> {
      *text += c;
      co_return;
    };
    auto together = gather(note(order, 'a'), note(order, 'b'), note(order, 'c'));
    EXPECT_EQ(all_tasks().size(), 4u);

    co_await TestLoop::sleep_passes(1);

    EXPECT_EQ(*order, "abc");
    co_await together;
  });
}

TEST(Gather, wakes_the_awaiter_two_passes_after_the_last_child) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Future<int> last;
    auto together = gather(last);
    const std::uint64_t start = passes_so_far();
    get_running_loop().call_soon([last] { last.set_result(1); });

    co_await together;

    EXPECT_EQ(passes_so_far() - start, 3u);  // the callback, the child's, the awaiter's
  });
}

TEST(Gather, of_nothing_and_of_done_children_costs_no_pass) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto task = create_task(value_after(0, 1));
    co_await task;
    const std::uint64_t start = passes_so_far();

    auto none = co_await gather();
    auto no_outcomes = co_await gather(return_exceptions);
    auto no_vector = co_await gather(std::vector<Task<int>>{});
    auto twice = co_await gather(task, task);

    EXPECT_EQ(passes_so_far(), start);
    EXPECT_EQ(none, std::tuple<>());
    EXPECT_EQ(no_outcomes, std::tuple<>());
    EXPECT_TRUE(no_vector.empty());
    EXPECT_EQ(twice, (std::tuple(1, 1)));
  });
}

TEST(Gather, takes_tasks_and_futures_as_they_are_also_twice) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto task = create_task(value_after(2, 5));
    Future<int> future;
    auto together = gather(task, future, task, std::vector<Task<int>>{task}.front());
    EXPECT_EQ(all_tasks().size(), 2u);

    future.set_result(6);
    auto results = co_await together;

    EXPECT_EQ(results, (std::tuple(5, 6, 5, 5)));
    EXPECT_EQ(task.result(), 5);
  });
}

struct Counted {
  explicit Counted(int* copies_made) : copies(copies_made) {}
  Counted(const Counted& other) : copies(other.copies) { ++*copies; }
  Counted(Counted&&) noexcept = default;
  Counted& operator=(const Counted&) = delete;
  int* copies;
};

TEST(Gather, moves_what_its_own_coroutines_give_and_copies_what_others_hold) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    int copies = 0;
    auto give = [](int* count) -> Coro<Counted> { co_return Counted(count); };

    co_await gather(give(&copies), give(&copies));
    EXPECT_EQ(copies, 0);

    auto held = create_task(give(&copies));
    co_await gather(held);
    EXPECT_EQ(copies, 1);
  });
}

struct Uncopyable {
  Uncopyable() = default;
  Uncopyable(const Uncopyable&) { throw ValueError("copied"); }
  Uncopyable(Uncopyable&&) noexcept = default;
};

TEST(Gather, fails_where_a_result_cannot_be_copied) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto give = []() -> Coro<Uncopyable> { co_return Uncopyable(); };
    auto held = create_task(give());

    const std::string failure = co_await failure_of(gather(held));

    EXPECT_EQ(failure, "ValueError: copied");
  });
}

// ---- failures

TEST(Gather, throws_the_first_failure_at_once_and_lets_the_siblings_go_on) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto slow = create_task(value_after(9, 1));
    auto together = gather(slow, fails_after(1, "first"), fails_after(3, "second"));

    const std::string failure = co_await failure_of(together);

    EXPECT_EQ(failure, "ValueError: first");
    EXPECT_FALSE(slow.done());
    EXPECT_FALSE(together.cancel());
    const int value = co_await slow;
    EXPECT_EQ(value, 1);
  });
  EXPECT_TRUE(loop.reports.empty()) << loop.reports.front();
}

TEST(Gather, of_a_failed_child_is_done_at_once_while_others_are_pending) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Future<int> failed, pending;
    failed.set_exception(ValueError("was there"));

    auto together = gather(pending, failed);

    EXPECT_TRUE(together.done());
    EXPECT_FALSE(pending.done());
    const std::string failure = co_await failure_of(together);
    EXPECT_EQ(failure, "ValueError: was there");
  });
}

TEST(Gather, with_return_exceptions_puts_failures_among_the_results) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto victim = create_task(value_after(100, 1));
    get_running_loop().call_soon([victim] { victim.cancel("only me"); });

    auto outcomes = co_await gather(return_exceptions, value_after(1, 1), fails_after(0, "b"),
                                    victim, nothing());

    EXPECT_EQ(std::get<0>(outcomes).value(), 1);
    EXPECT_EQ(describe(std::get<1>(outcomes).exception()), "ValueError: b");
    EXPECT_FALSE(std::get<2>(outcomes).has_value());
    try {
      static_cast<void>(std::get<2>(outcomes).value());
      ADD_FAILURE();
    } catch (const CancelledError& error) {
      EXPECT_EQ(error.message(), "only me");
    }
    EXPECT_TRUE(std::get<3>(outcomes).has_value());
  });
  EXPECT_TRUE(loop.reports.empty());
}

TEST(Gather, of_a_vector_with_return_exceptions_gives_outcomes) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    std::vector<Task<int>> tasks{create_task(value_after(1, 1)), create_task(fails_after(0, "x"))};

    std::vector<Outcome<int>> outcomes = co_await gather(return_exceptions, tasks);

    EXPECT_EQ(outcomes.at(0).value(), 1);
    EXPECT_FALSE(outcomes.at(1).has_value());
  });
}

TEST(Gather, treats_a_child_that_others_cancelled_as_one_that_failed) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto a = create_task(value_after(4, 1));
    auto b = create_task(value_after(4, 2));
    auto together = gather(a, b);
    co_await TestLoop::sleep_passes(1);
    b.cancel("only b");

    const std::string failure = co_await failure_of(together);

    EXPECT_EQ(failure, "CancelledError(only b)");
    EXPECT_FALSE(together.cancelled());
    EXPECT_FALSE(a.done());
    EXPECT_EQ(current_task()->cancelling(), 0);
    co_await a;
  });
}

// ---- cancelling

// Otherwise a survivor could refer to a frame that is gone.
TEST(Gather, when_cancelled_waits_for_all_children_in_both_modes) {
  for (const bool with_exceptions : {false, true}) {
    TestLoop loop;
    loop.run([with_exceptions]() -> Coro<> {
      std::vector<Task<int>> tasks{create_task(clean_up(6, true)), create_task(clean_up(1, true)),
                                   create_task(fails_after(1000, "never"))};
      auto body = [](std::vector<Task<int>> children, bool outcomes) -> Coro<> {
        if (outcomes)
          co_await gather(return_exceptions, children);
        else
          co_await gather(children);
      };
      auto awaiter = create_task(body(tasks, with_exceptions));
      co_await TestLoop::sleep_passes(2);

      EXPECT_TRUE(awaiter.cancel("stop"));

      const std::string failure = co_await failure_of(awaiter);
      EXPECT_EQ(failure, "CancelledError(stop)");
      EXPECT_TRUE(awaiter.cancelled());
      for (auto& task : tasks) EXPECT_TRUE(task.done());
    });
    EXPECT_TRUE(loop.reports.empty());
  }
}

TEST(Gather, raises_cancelled_error_although_every_child_swallowed_it) {
  for (const bool with_exceptions : {false, true}) {
    TestLoop loop;
    loop.run([with_exceptions]() -> Coro<> {
      auto run = [](bool outcomes) -> Coro<> {
        if (outcomes)
          co_await gather(return_exceptions, clean_up(0, false));
        else
          co_await gather(clean_up(0, false));
      };
      auto awaiter = create_task(run(with_exceptions));
      co_await TestLoop::sleep_passes(2);
      awaiter.cancel("stop");

      const std::string failure = co_await failure_of(awaiter);

      EXPECT_EQ(failure, "CancelledError(stop)");
    });
  }
}

TEST(Gather, hides_a_failure_that_answers_its_cancellation) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto fails = []() -> Coro<int> {
      try {
        co_await sleep(1000s);
      } catch (const CancelledError&) {
        throw ValueError("from cleanup");
      }
      co_return 0;
    };
    auto together = gather(fails(), clean_up(3, true));
    co_await TestLoop::sleep_passes(2);
    together.cancel("stop");

    const std::string failure = co_await failure_of(together);

    EXPECT_EQ(failure, "CancelledError(stop)");
  });
  EXPECT_TRUE(loop.reports.empty());
}

TEST(Gather, cancelled_before_its_children_started_never_starts_them) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    bool started = false;
    auto start = [](bool* flag) -> Coro<> {
      *flag = true;
      co_return;
    };
    auto together = gather(start(&started));

    EXPECT_TRUE(together.cancel("early"));

    const std::string failure = co_await failure_of(together);
    EXPECT_EQ(failure, "CancelledError(early)");
    EXPECT_FALSE(started);
    EXPECT_FALSE(together.cancelled());
  });
}

TEST(Gather, cannot_be_cancelled_once_every_child_is_done) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Future<int> child;
    auto together = gather(child);
    child.set_result(3);

    EXPECT_FALSE(together.cancel());

    auto results = co_await together;
    EXPECT_EQ(results, std::tuple(3));
  });
}

TEST(Gather, cancels_an_awaiter_in_the_pass_in_which_the_last_child_completes) {
  for (const bool in_callback : {false, true}) {
    TestLoop loop;
    loop.run([in_callback]() -> Coro<> {
      Future<int> child;
      auto together = gather(child);
      auto awaiter = create_task(failure_of(together));
      co_await TestLoop::sleep_passes(2);

      child.set_result(3);
      if (in_callback)  // behind the watch: the gather is done, the awaiter is woken
        get_running_loop().call_soon([awaiter] { awaiter.cancel("late"); });
      else
        awaiter.cancel("late");

      const std::string failure = co_await awaiter;
      EXPECT_EQ(failure, "CancelledError(late)");
      EXPECT_EQ(together.result(), std::tuple(3));
    });
  }
}

TEST(Gather, passes_a_cancellation_on_to_gathers_inside) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto leaf = create_task(value_after(1000, 1));
    auto inner = gather(leaf, value_after(1000, 2));
    auto outer = gather(inner, value_after(1000, 3));
    co_await TestLoop::sleep_passes(2);

    EXPECT_TRUE(outer.cancel("all of it"));
    EXPECT_FALSE(outer.done());

    const std::string failure = co_await failure_of(outer);
    EXPECT_EQ(failure, "CancelledError(all of it)");
    EXPECT_TRUE(leaf.cancelled());
    EXPECT_TRUE(inner.done());
  });
  EXPECT_TRUE(loop.reports.empty());
}

TEST(Gather, gives_nested_results) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto results =
        co_await gather(gather(value_after(0, 1), value_after(2, 2)), value_after(1, 3), gather());

    EXPECT_EQ(results, std::tuple(std::tuple(1, 2), 3, std::tuple<>()));
  });
}

// ---- lifetime

TEST(Gather, calls_its_done_callbacks_although_no_handle_is_left) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Future<int> a;
    int sum = 0;
    gather(a, value_after(3, 2)).add_done_callback([&sum](const Future<std::tuple<int, int>>& all) {
      sum = std::get<0>(all.result()) + std::get<1>(all.result());
    });
    co_await TestLoop::sleep_passes(1);
    a.set_result(1);

    co_await TestLoop::sleep_passes(8);

    EXPECT_EQ(sum, 3);
  });
}

TEST(Gather, that_was_dropped_reports_its_failure_once) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    static_cast<void>(gather(fails_after(1, "a"), fails_after(2, "b")));
    co_await TestLoop::sleep_passes(9);
  });
  ASSERT_EQ(loop.reports.size(), 1u);
  EXPECT_EQ(loop.reports[0], "_GatheringFuture exception was never retrieved: ValueError: a");
}

TEST(Gather, ends_with_its_handle_where_nobody_can_complete_a_child) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto sign = std::make_shared<int>(0);
    const std::weak_ptr<int> alive = sign;
    {
      Future<int> child;
      child.add_done_callback([sign](const Future<int>&) {});
      auto inner = gather(child);
      auto outer = gather(inner, child, gather(child));
      sign.reset();
      EXPECT_FALSE(alive.expired());
    }
    EXPECT_TRUE(alive.expired());
    co_return;
  });
}

TEST(Gather, leaves_nothing_behind_where_its_loop_ends_before_it) {
  auto sign = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = sign;
  {
    TestLoop loop;
    Future<int> outside(*loop);
    auto together = std::make_unique<Future<std::tuple<int, int>>>(*loop);
    loop.run_for(3, [&, sign]() -> Coro<> {
      auto child = [](std::shared_ptr<int> kept) -> Coro<int> {
        co_await sleep(1000s);
        co_return *kept;
      };
      *together = gather(outside, child(sign));
      co_await gather(*together, child(sign), outside);
    });
    sign.reset();
    outside.set_result(1);  // its watches stand in the ready queue when the loop ends
    EXPECT_FALSE(alive.expired());

    loop.destroy();

    EXPECT_TRUE(alive.expired());
    EXPECT_FALSE(together->done());
  }
}

TEST(Gather, refuses_children_of_different_loops) {
  TestLoop loop, other;
  loop.run([&other]() -> Coro<> {
    Future<int> here;
    Future<int> there(*other);
    std::string sentence;
    try {
      static_cast<void>(gather(here, there));
    } catch (const ValueError& error) {
      sentence = error.what();
    }

    EXPECT_TRUE(sentence.starts_with("The future belongs to a different loop than the one"));
    here.set_result(1);  // wakes nobody
    co_await TestLoop::sleep_passes(2);
  });
}

TEST(Gather, copies_the_context_into_its_tasks) {
  static ContextVar<int> variable("variable", 0);
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto body = []() -> Coro<int> {
      const int found = variable.get();
      variable.set(9);
      co_return found;
    };
    variable.set(4);
    auto results = co_await gather(body(), body());

    EXPECT_EQ(results, std::tuple(4, 4));
    EXPECT_EQ(variable.get(), 4);
  });
}

TEST(Gather, of_eager_tasks_that_do_not_suspend_costs_no_pass) {
  TestLoop loop;
  loop->set_task_factory(eager_task_factory);
  loop.run([]() -> Coro<> {
    const std::uint64_t start = passes_so_far();
    auto results = co_await gather(value_after(0, 1), value_after(0, 2));

    EXPECT_EQ(results, std::tuple(1, 2));
    EXPECT_EQ(passes_so_far(), start);
  });
}

TEST(Gather, of_many_children_of_a_dropped_handle_is_not_quadratic) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    std::vector<Coro<int>> many;
    for (int i = 0; i < 20'000; ++i) many.push_back(value_after(1, i));
    int count = 0;
    gather(std::move(many)).add_done_callback([&count](const Future<std::vector<int>>& all) {
      count = static_cast<int>(all.result().size());
    });
    co_await TestLoop::sleep_passes(6);

    EXPECT_EQ(count, 20'000);
  });
}

}  // namespace
}  // namespace asyncio
