#include "asyncio/combinators/with.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "asyncio/testing.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using tests::error_of;

// Writes down what is done with it.
struct Recorder {
  std::vector<std::string>* log;
  bool enter_fails = false;
  bool exit_fails = false;
  bool swallows = false;
  int entered = 0;

  Coro<> aenter() {
    co_await sleep(1s);
    if (enter_fails) throw ValueError("aenter");
    ++entered;
    log->push_back("aenter");
  }
  Coro<bool> aexit(std::exception_ptr error) {
    co_await sleep(1s);
    log->push_back("aexit " + (error ? describe(error) : std::string("without error")));
    if (exit_fails) throw RuntimeError("aexit");
    co_return swallows;
  }
};

using Log = std::vector<std::string>;

ASYNCIO_TEST(With, enters_runs_the_body_and_leaves) {
  Log log;
  const int value = co_await with(Recorder{&log}, [&](Recorder& manager) -> Coro<int> {
    log.push_back("body");
    co_return manager.entered;
  });
  EXPECT_EQ(value, 1);
  EXPECT_EQ(log, (Log{"aenter", "body", "aexit without error"}));
}

ASYNCIO_TEST(With, a_body_need_not_take_the_manager) {
  Log log;
  co_await with(Recorder{&log}, []() -> Coro<> { co_return; });
  EXPECT_EQ(log.size(), 2U);
}

ASYNCIO_TEST(With, an_lvalue_manager_is_the_callers_object) {
  Log log;
  Recorder manager{&log};
  co_await with(manager, [&](Recorder& entered) -> Coro<> {
    EXPECT_EQ(&entered, &manager);
    co_return;
  });
  EXPECT_EQ(manager.entered, 1);
}

ASYNCIO_TEST(With, a_failing_aenter_runs_neither_body_nor_aexit) {
  Log log;
  const std::string error =
      co_await error_of(with(Recorder{.log = &log, .enter_fails = true}, [&](Recorder&) -> Coro<> {
        log.push_back("body");
        co_return;
      }));
  EXPECT_EQ(error, "ValueError: aenter");
  EXPECT_TRUE(log.empty());
}

ASYNCIO_TEST(With, aexit_sees_the_error_and_it_goes_on) {
  Log log;
  const std::string error = co_await error_of(with(Recorder{&log}, []() -> Coro<> {
    throw ValueError("body");
    co_return;
  }));
  EXPECT_EQ(error, "ValueError: body");
  EXPECT_EQ(log.back(), "aexit ValueError: body");
}

ASYNCIO_TEST(With, an_error_of_aexit_replaces_that_of_the_body) {
  Log log;
  const std::string error =
      co_await error_of(with(Recorder{.log = &log, .exit_fails = true}, []() -> Coro<> {
        throw ValueError("body");
        co_return;
      }));
  EXPECT_EQ(error, "RuntimeError: aexit");
}

ASYNCIO_TEST(With, a_swallowed_error_gives_a_default_value_or_says_that_there_is_none) {
  struct NoDefault {
    explicit NoDefault(int) {}
  };
  Log log;
  const int value = co_await with(Recorder{.log = &log, .swallows = true}, []() -> Coro<int> {
    throw ValueError("body");
    co_return 1;
  });
  EXPECT_EQ(value, 0);
  const std::string error =
      co_await error_of(with(Recorder{.log = &log, .swallows = true}, []() -> Coro<NoDefault> {
        throw ValueError("body");
        co_return NoDefault(1);
      }));
  EXPECT_EQ(error.find("RuntimeError: with(): aexit() swallowed the body's error"), 0U);
}

ASYNCIO_TEST(With, results_may_be_move_only) {
  Log log;
  auto value = co_await with(
      Recorder{&log}, []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(4); });
  EXPECT_EQ(*value, 4);
}

ASYNCIO_TEST(With, a_cancelled_body_is_left_through_aexit_which_may_await) {
  Log log;
  auto task = create_task(
      [&]() -> Coro<> { co_await with(Recorder{&log}, []() -> Coro<> { co_await sleep(1h); }); });
  co_await sleep(2s);
  task.cancel("outside");
  const std::string error = co_await error_of(task);
  EXPECT_EQ(error, "CancelledError: outside");
  EXPECT_EQ(log, (Log{"aenter", "aexit CancelledError: outside"}));
}

// ---- try_finally

ASYNCIO_TEST(TryFinally, runs_the_cleanup_however_the_body_ends) {
  Log log;
  auto cleanup = [&]() -> Coro<> {
    co_await sleep(1s);
    log.push_back("cleanup");
  };
  EXPECT_EQ(co_await try_finally([]() -> Coro<int> { co_return 3; }, cleanup), 3);
  const std::string error = co_await error_of(try_finally(
      []() -> Coro<> {
        throw ValueError("body");
        co_return;
      },
      cleanup));
  EXPECT_EQ(error, "ValueError: body");
  EXPECT_EQ(log, (Log{"cleanup", "cleanup"}));
}

ASYNCIO_TEST(TryFinally, an_error_of_the_cleanup_replaces_that_of_the_body) {
  const std::string error = co_await error_of(try_finally(
      []() -> Coro<> {
        throw ValueError("body");
        co_return;
      },
      []() -> Coro<> {
        throw ValueError("cleanup");
        co_return;
      }));
  EXPECT_EQ(error, "ValueError: cleanup");
}

ASYNCIO_TEST(TryFinally, cancelled_in_the_body_cleans_up_with_awaits_and_stays_cancelled) {
  Log log;
  auto task = create_task([&]() -> Coro<> {
    co_await try_finally([]() -> Coro<> { co_await sleep(1h); },
                         [&]() -> Coro<> {
                           co_await sleep(1s);
                           log.push_back("cleanup");
                         });
  });
  co_await sleep(0s);
  task.cancel("why");
  EXPECT_EQ(co_await error_of(task), "CancelledError: why");
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(log, Log{"cleanup"});
}

ASYNCIO_TEST(TryFinally, a_second_cancel_interrupts_the_cleanup) {
  Log log;
  auto task = create_task([&]() -> Coro<> {
    co_await try_finally([]() -> Coro<> { co_await sleep(1h); },
                         [&]() -> Coro<> {
                           co_await sleep(1s);
                           log.push_back("cleanup");
                         });
  });
  co_await sleep(0s);
  task.cancel("first");
  co_await sleep(0s);
  co_await sleep(0s);
  task.cancel("second");
  EXPECT_EQ(co_await error_of(task), "CancelledError: second");
  EXPECT_TRUE(log.empty());
}

ASYNCIO_TEST(TryFinally, cleans_up_after_a_cancellation_at_every_suspension) {
  int bodies = 0;
  int cleanups = 0;
  co_await testing::cancel_everywhere([&]() -> Coro<> {
    co_await try_finally(
        [&]() -> Coro<> {
          ++bodies;
          co_await sleep(1s);
          co_await sleep(0s);
        },
        [&]() -> Coro<> {
          ++cleanups;
          co_return;
        });
  });
  EXPECT_EQ(bodies, cleanups);
  EXPECT_GE(bodies, 3);
}

// ---- outcome_of

ASYNCIO_TEST(OutcomeOf, holds_the_value_or_the_error) {
  auto good = co_await outcome_of([]() -> Coro<int> { co_return 5; }());
  EXPECT_TRUE(good.has_value());
  EXPECT_EQ(good.value(), 5);
  EXPECT_EQ(good.exception(), nullptr);

  auto bad = co_await outcome_of([]() -> Coro<> {
    throw ValueError("v");
    co_return;
  }());
  EXPECT_FALSE(bad);
  EXPECT_EQ(describe(bad.exception()), "ValueError: v");
  EXPECT_THROW(bad.value(), ValueError);
}

ASYNCIO_TEST(OutcomeOf, results_may_be_move_only) {
  auto outcome = co_await outcome_of(
      []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(2); }());
  EXPECT_EQ(*std::move(outcome).value(), 2);
}

ASYNCIO_TEST(OutcomeOf, the_cancellation_of_what_it_awaits_is_a_value) {
  auto child = create_task([]() -> Coro<> { co_await sleep(1h); });
  get_running_loop().call_soon([&] { child.cancel("child"); });
  auto outcome = co_await outcome_of(child);
  EXPECT_EQ(describe(outcome.exception()), "CancelledError: child");
}

ASYNCIO_TEST(OutcomeOf, its_own_cancellation_passes_through) {
  bool went_on = false;
  auto task = create_task([&]() -> Coro<> {
    static_cast<void>(co_await outcome_of([]() -> Coro<> { co_await sleep(1h); }()));
    went_on = true;
  });
  co_await sleep(0s);
  task.cancel("own");
  EXPECT_EQ(co_await error_of(task), "CancelledError: own");
  EXPECT_FALSE(went_on);
}

ASYNCIO_TEST(OutcomeOf, a_cancellation_asked_for_before_it_began_passes_through) {
  bool went_on = false;
  auto task = create_task([&]() -> Coro<> {
    current_task()->cancel("before");
    static_cast<void>(co_await outcome_of([]() -> Coro<> { co_await sleep(1h); }()));
    went_on = true;
  });
  EXPECT_EQ(co_await error_of(task), "CancelledError: before");
  EXPECT_FALSE(went_on);
}

}  // namespace
}  // namespace asyncio
