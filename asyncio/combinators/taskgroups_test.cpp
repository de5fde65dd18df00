#include "asyncio/combinators/taskgroups.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using Log = std::vector<std::string>;

Coro<int> after(Duration delay, int value) {
  co_await sleep(delay);
  co_return value;
}

Coro<> fail_after(Duration delay, std::string words) {
  co_await sleep(delay);
  throw ValueError(words);
}

// Waits for ever; when cancelled, takes `delay` to clean up and then throws `words`, if any.
Coro<> until_cancelled(Log& log, std::string name, Duration delay, std::string words) {
  std::exception_ptr cancelled;
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    cancelled = std::current_exception();
  }
  co_await sleep(delay);
  log.push_back(name);
  if (!words.empty()) throw RuntimeError(words);
  std::rethrow_exception(cancelled);
}

// "Type: message", or for a group the same of each of its parts.
std::string words_of(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const ExceptionGroup& group) {
    std::string text = group.message() + " [";
    for (const std::exception_ptr& each : group.exceptions()) text += words_of(each) + ";";
    return text + "]";
  } catch (...) {
    return describe(std::current_exception());
  }
}

template <class A>
Coro<std::string> error_of(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (...) {
    co_return words_of(std::current_exception());
  }
  co_return "nothing";
}

ASYNCIO_TEST(TaskGroup, waits_for_all_its_tasks) {
  Task<int> first;
  Task<int> second;
  const int value = co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<int> {
    first = group.create_task(after(2s, 1));
    second = group.create_task(after, Duration(1s), 2);
    co_return 3;
  });
  EXPECT_EQ(value, 3);
  EXPECT_EQ(first.result(), 1);
  EXPECT_EQ(second.result(), 2);
}

ASYNCIO_TEST(TaskGroup, without_tasks_costs_no_pass) {
  bool others_ran = false;
  get_running_loop().call_soon([&] { others_ran = true; });
  co_await with(TaskGroup(), [](TaskGroup&) -> Coro<> { co_return; });
  EXPECT_FALSE(others_ran);
  co_await sleep(0s);
}

ASYNCIO_TEST(TaskGroup, the_first_failure_cancels_the_others_and_the_body) {
  Log log;
  const std::string error = co_await error_of(with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    group.create_task(until_cancelled(log, "sibling", 1s, ""));
    group.create_task(fail_after(1s, "first"));
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      log.push_back("body");
      throw;
    }
  }));
  EXPECT_EQ(error, "unhandled errors in a TaskGroup [ValueError: first;]");
  EXPECT_EQ(log, (Log{"body", "sibling"}));
  EXPECT_EQ(current_task()->cancelling(), 0);
}

ASYNCIO_TEST(TaskGroup, a_failure_while_the_group_is_left_cancels_the_others) {
  Log log;
  const std::string error = co_await error_of(with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    group.create_task(until_cancelled(log, "sibling", 0s, ""));
    group.create_task(fail_after(1s, "first"));
    co_return;
  }));
  EXPECT_EQ(error, "unhandled errors in a TaskGroup [ValueError: first;]");
  EXPECT_EQ(log, Log{"sibling"});
  EXPECT_EQ(current_task()->cancelling(), 0);
}

ASYNCIO_TEST(TaskGroup, errors_stand_in_the_order_they_came_and_the_bodys_last) {
  Log log;
  const std::string error = co_await error_of(with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    group.create_task(until_cancelled(log, "slow cleanup", 2s, "slow cleanup"));
    group.create_task(until_cancelled(log, "cleanup", 1s, "cleanup"));
    group.create_task(until_cancelled(log, "clean", 1s, ""));
    group.create_task(fail_after(1s, "first"));
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      throw ValueError("body");
    }
  }));
  EXPECT_EQ(error,
            "unhandled errors in a TaskGroup [ValueError: first;RuntimeError: cleanup;"
            "RuntimeError: slow cleanup;ValueError: body;]");
}

ASYNCIO_TEST(TaskGroup, an_error_of_the_body_cancels_the_tasks) {
  Log log;
  const std::string error = co_await error_of(with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    group.create_task(until_cancelled(log, "child", 1s, ""));
    co_await sleep(1s);
    throw ValueError("body");
  }));
  EXPECT_EQ(error, "unhandled errors in a TaskGroup [ValueError: body;]");
  EXPECT_EQ(log, Log{"child"});
}

ASYNCIO_TEST(TaskGroup, a_cancelled_task_alone_is_no_error_and_disturbs_nobody) {
  Task<int> other;
  co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    auto cancelled = group.create_task(after(1h, 1));
    other = group.create_task(after(2s, 2));
    co_await sleep(1s);
    cancelled.cancel();
  });
  EXPECT_EQ(other.result(), 2);
}

ASYNCIO_TEST(TaskGroup, an_outside_cancel_ends_all_tasks_and_is_a_bare_cancelled_error) {
  Log log;
  for (bool in_body : {true, false}) {
    auto parent = create_task([&]() -> Coro<> {
      co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
        group.create_task(until_cancelled(log, "child", 1s, ""));
        if (in_body) co_await sleep(1h);
      });
    });
    co_await sleep(1s);
    parent.cancel("outside");
    EXPECT_EQ(co_await error_of(parent), "CancelledError: outside");
    EXPECT_TRUE(parent.cancelled());
  }
  EXPECT_EQ(log, (Log{"child", "child"}));
}

ASYNCIO_TEST(TaskGroup, an_outside_cancel_with_errors_gives_the_group_and_is_armed_again) {
  Log log;
  auto parent = create_task([&]() -> Coro<> {
    const std::string error = co_await error_of(with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
      group.create_task(until_cancelled(log, "child", 1s, "cleanup"));
      co_await sleep(1h);
    }));
    log.push_back(error);
    log.push_back(std::to_string(current_task()->cancelling()));
    co_await sleep(1h);
    log.push_back("not reached");
  });
  co_await sleep(1s);
  parent.cancel();
  co_await wait(std::vector{parent});

  EXPECT_TRUE(parent.cancelled());
  EXPECT_EQ(log, (Log{"child", "unhandled errors in a TaskGroup [RuntimeError: cleanup;]", "1"}));
}

ASYNCIO_TEST(TaskGroup, cancelled_again_while_it_waits_it_waits_on) {
  Log log;
  auto parent = create_task([&]() -> Coro<> {
    co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
      group.create_task(until_cancelled(log, "child", 5s, ""));
      co_await sleep(1h);
    });
  });
  co_await sleep(1s);
  parent.cancel("first");
  co_await sleep(1s);
  parent.cancel("second");
  co_await sleep(1s);
  EXPECT_FALSE(parent.done());
  EXPECT_EQ((co_await error_of(parent)).find("CancelledError"), 0U);
  EXPECT_EQ(log, Log{"child"});
}

ASYNCIO_TEST(TaskGroup, nested_ones_give_nested_groups) {
  const std::string error = co_await error_of(with(TaskGroup(), [](TaskGroup&) -> Coro<> {
    co_await with(TaskGroup(), [](TaskGroup& inner) -> Coro<> {
      inner.create_task(fail_after(1s, "deep"));
      co_return;
    });
  }));
  EXPECT_EQ(error,
            "unhandled errors in a TaskGroup [unhandled errors in a TaskGroup "
            "[ValueError: deep;];]");
}

ASYNCIO_TEST(TaskGroup, an_inner_failure_while_the_outer_one_is_cancelled_stays_inside) {
  Log log;
  const std::string error = co_await error_of(with(TaskGroup(), [&](TaskGroup& outer) -> Coro<> {
    outer.create_task(fail_after(1s, "outer"));
    log.push_back(co_await error_of(with(TaskGroup(), [&](TaskGroup& inner) -> Coro<> {
      inner.create_task(until_cancelled(log, "inner child", 0s, ""));
      co_await sleep(1h);
    })));
    co_await sleep(1h);
  }));
  EXPECT_EQ(log, (Log{"inner child", "CancelledError"}));
  EXPECT_EQ(error, "unhandled errors in a TaskGroup [ValueError: outer;]");
}

ASYNCIO_TEST(TaskGroup, a_task_may_start_tasks_while_the_group_is_being_left) {
  Task<int> late;
  co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    group.create_task([&]() -> Coro<> {
      co_await sleep(1s);
      late = group.create_task(after(1s, 4));
    });
    co_return;
  });
  EXPECT_EQ(late.result(), 4);
}

ASYNCIO_TEST(TaskGroup, refuses_tasks_before_it_is_entered_while_it_ends_and_afterwards) {
  auto refusal = [](TaskGroup& group) -> std::string {
    try {
      group.create_task(after(1s, 1));
    } catch (const RuntimeError& error) {
      return error.what();
    }
    return "nothing";
  };
  TaskGroup group;
  EXPECT_EQ(refusal(group), "TaskGroup <TaskGroup> has not been entered");
  std::string ending;
  const std::string failure = co_await error_of(with(group, [&](TaskGroup& entered) -> Coro<> {
    entered.create_task(fail_after(1s, "v"));
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      ending = refusal(entered);
      throw;
    }
  }));
  EXPECT_NE(failure.find("ValueError: v"), std::string::npos) << failure;
  EXPECT_NE(ending.find("is shutting down"), std::string::npos) << ending;
  EXPECT_NE(refusal(group).find("is finished"), std::string::npos);
  EXPECT_NE((co_await error_of(with(group, [](TaskGroup&) -> Coro<> { co_return; })))
                .find("has already been entered"),
            std::string::npos);
}

ASYNCIO_TEST(TaskGroup, takes_eager_tasks_that_are_done_at_once) {
  Task<int> quick;
  const std::string error = co_await error_of(with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    auto body = []() -> Coro<int> { co_return 1; };
    auto broken = []() -> Coro<> {
      throw ValueError("eager");
      co_return;
    };
    quick = group.create_task(body(), {.eager_start = true});
    EXPECT_TRUE(quick.done());
    group.create_task(broken(), {.eager_start = true});
    co_await sleep(1h);
  }));
  EXPECT_EQ(error, "unhandled errors in a TaskGroup [ValueError: eager;]");
  EXPECT_EQ(quick.result(), 1);
}

ASYNCIO_TEST(TaskGroup, that_fails_arms_a_request_again_which_the_parent_had_swallowed) {
  auto parent = create_task([]() -> Coro<int> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {}
    static_cast<void>(co_await error_of(with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(fail_after(1s, "v"));
      co_await sleep(1h);
    })));
    co_return current_task()->cancelling();
  });
  co_await sleep(1s);
  parent.cancel();
  // The request is armed again by the group: the value is lost to a cancellation.
  co_await wait(std::vector{parent});
  EXPECT_TRUE(parent.cancelled());
  EXPECT_EQ(parent.cancelling(), 1);
}

ASYNCIO_TEST(TaskGroup, survives_a_cancellation_at_every_suspension) {
  co_await testing::cancel_everywhere([]() -> Coro<> {
    co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(after(1s, 1));
      group.create_task(after(2s, 2));
      co_await sleep(1s);
    });
  });
}

TEST(TaskGroup, a_keyboard_interrupt_in_a_task_leaves_bare) {
  bool cancelled = false;
  auto async_main = [&]() -> Coro<> {
    co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
      group.create_task([&]() -> Coro<> {
        try {
          co_await sleep(1h);
        } catch (const CancelledError&) {
          cancelled = true;
          throw;
        }
      });
      co_await sleep(0s);
      group.create_task([]() -> Coro<> {
        throw KeyboardInterrupt();
        co_return;
      });
    });
  };
  EXPECT_THROW(run(async_main()), KeyboardInterrupt);
  EXPECT_TRUE(cancelled);
}

}  // namespace
}  // namespace asyncio
