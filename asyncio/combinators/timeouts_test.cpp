#include "asyncio/combinators/timeouts.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "asyncio/testing.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using Log = std::vector<std::string>;
using tests::error_of;

Coro<int> after(Duration delay, int value) {
  co_await sleep(delay);
  co_return value;
}

Duration elapsed_since(TimePoint start) { return get_running_loop().time() - start; }

// ---- timeout()

ASYNCIO_TEST(Timeout, throws_at_the_deadline_and_not_before) {
  const TimePoint start = get_running_loop().time();
  const std::string error =
      co_await error_of(with(timeout(2s), []() -> Coro<> { co_await sleep(1h); }));
  EXPECT_EQ(error, "TimeoutError");
  EXPECT_EQ(elapsed_since(start), 2s);
  EXPECT_EQ(current_task()->cancelling(), 0);
}

ASYNCIO_TEST(Timeout, a_body_that_is_fast_enough_is_left_alone) {
  Timeout scope = timeout(2s);
  const int value = co_await with(scope, []() -> Coro<int> { co_return co_await after(1s, 5); });
  EXPECT_EQ(value, 5);
  EXPECT_FALSE(scope.expired());
  EXPECT_EQ(scope.repr(), "<Timeout [finished]>");
  EXPECT_TRUE(get_running_loop().scheduler().timers.empty());
}

ASYNCIO_TEST(Timeout, without_a_deadline_never_expires) {
  Timeout scope = timeout(std::nullopt);
  EXPECT_EQ(co_await with(scope, []() -> Coro<int> { co_return co_await after(24h, 5); }), 5);
  EXPECT_FALSE(scope.when());
}

ASYNCIO_TEST(Timeout, makes_no_task) {
  std::size_t tasks = 0;
  co_await with(timeout(1s), [&]() -> Coro<> {
    tasks = all_tasks().size();
    co_return;
  });
  EXPECT_EQ(tasks, 1U);
}

ASYNCIO_TEST(Timeout, a_body_that_swallows_the_cancellation_leaves_normally_and_it_is_expired) {
  Timeout scope = timeout(1s);
  const int value = co_await with(scope, []() -> Coro<int> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {}
    co_await sleep(1s);  // not interrupted again
    co_return 3;
  });
  EXPECT_EQ(value, 3);
  EXPECT_TRUE(scope.expired());
  EXPECT_EQ(current_task()->cancelling(), 0);
}

ASYNCIO_TEST(Timeout, another_error_after_the_deadline_is_thrown_as_it_is) {
  Timeout scope = timeout(1s);
  const std::string error = co_await error_of(with(scope, []() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      throw ValueError("cleanup");
    }
  }));
  EXPECT_EQ(error, "ValueError: cleanup");
  EXPECT_TRUE(scope.expired());
}

ASYNCIO_TEST(Timeout, an_outside_cancel_wins_before_the_deadline_and_together_with_it) {
  for (Duration cancel_at : {Duration(1s), Duration(2s)}) {
    auto task = create_task(
        []() -> Coro<> { co_await with(timeout(2s), []() -> Coro<> { co_await sleep(1h); }); });
    co_await sleep(0s);
    get_running_loop().call_later(cancel_at, [&] { task.cancel("outside"); });
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error.find("CancelledError"), 0U) << error;
    EXPECT_TRUE(task.cancelled());
  }
}

ASYNCIO_TEST(Timeout, of_nested_ones_that_are_both_overdue_the_outer_throws) {
  Log log;
  const std::string error = co_await error_of(with(timeout(1s), [&]() -> Coro<> {
    std::exception_ptr passing;
    try {
      co_await with(timeout(1s), []() -> Coro<> { co_await sleep(1h); });
    } catch (...) {
      passing = std::current_exception();
    }
    log.push_back(describe(passing));
    std::rethrow_exception(passing);
  }));
  EXPECT_EQ(error, "TimeoutError");
  EXPECT_EQ(log, Log{"CancelledError"});
  EXPECT_EQ(current_task()->cancelling(), 0);
}

ASYNCIO_TEST(Timeout, of_nested_ones_the_inner_alone_throws_where_it_is_earlier) {
  Log log;
  const TimePoint start = get_running_loop().time();
  co_await with(timeout(5s), [&]() -> Coro<> {
    log.push_back(co_await error_of(with(timeout(1s), []() -> Coro<> { co_await sleep(1h); })));
    co_await sleep(1s);
  });
  EXPECT_EQ(log, Log{"TimeoutError"});
  EXPECT_EQ(elapsed_since(start), 2s);
}

ASYNCIO_TEST(Timeout, of_nested_ones_the_outer_crosses_the_inner_as_a_cancellation) {
  Log log;
  const std::string error = co_await error_of(with(timeout(1s), [&]() -> Coro<> {
    std::exception_ptr passing;
    try {
      co_await with(timeout(5s), []() -> Coro<> { co_await sleep(1h); });
    } catch (...) {
      passing = std::current_exception();
    }
    log.push_back(describe(passing));
    std::rethrow_exception(passing);
  }));
  EXPECT_EQ(error, "TimeoutError");
  EXPECT_EQ(log, Log{"CancelledError"});
}

ASYNCIO_TEST(Timeout, can_be_moved_while_it_is_active) {
  const TimePoint start = get_running_loop().time();
  const std::string error = co_await error_of(with(timeout(1s), [&](Timeout& scope) -> Coro<> {
    scope.reschedule(start + 3s);
    EXPECT_EQ(scope.when(), start + 3s);
    co_await sleep(1h);
  }));
  EXPECT_EQ(error, "TimeoutError");
  EXPECT_EQ(elapsed_since(start), 3s);

  co_await with(timeout(1s), [](Timeout& scope) -> Coro<> {
    scope.reschedule(std::nullopt);
    co_await sleep(10s);
  });
  EXPECT_EQ(elapsed_since(start), 13s);
}

ASYNCIO_TEST(Timeout, moved_into_the_past_expires_at_the_next_wait) {
  const std::string error = co_await error_of(with(timeout(1h), [](Timeout& scope) -> Coro<> {
    scope.reschedule(get_running_loop().time() - 1s);
    co_await sleep(1s);
  }));
  EXPECT_EQ(error, "TimeoutError");
}

ASYNCIO_TEST(Timeout, misuse_is_refused_with_the_sentence_for_its_state) {
  Timeout scope = timeout(1s);
  auto reschedule = [&]() -> Coro<> {
    scope.reschedule(std::nullopt);
    co_return;
  };
  EXPECT_EQ(co_await error_of(reschedule()), "RuntimeError: Timeout has not been entered");
  co_await with(scope, []() -> Coro<> { co_return; });
  EXPECT_EQ(co_await error_of(reschedule()),
            "RuntimeError: Cannot change state of finished Timeout");
  EXPECT_EQ(co_await error_of(with(scope, []() -> Coro<> { co_return; })),
            "RuntimeError: Timeout has already been entered");

  Timeout late = timeout(1s);
  const std::string error = co_await error_of(with(late, []() -> Coro<> { co_await sleep(1h); }));
  EXPECT_EQ(error, "TimeoutError");
  std::string refused;
  try {
    late.reschedule(std::nullopt);
  } catch (const RuntimeError& caught) {
    refused = caught.what();
  }
  EXPECT_EQ(refused, "Cannot change state of expired Timeout");
}

ASYNCIO_TEST(Timeout, of_nothing_interrupts_the_first_wait_and_no_body_that_does_not_wait) {
  EXPECT_EQ(co_await with(timeout(0s), []() -> Coro<int> { co_return 4; }), 4);
  EXPECT_EQ(co_await error_of(with(timeout(0s), []() -> Coro<> { co_await sleep(1h); })),
            "TimeoutError");
  EXPECT_EQ(co_await error_of(with(timeout(-1s), []() -> Coro<> { co_await sleep(1h); })),
            "TimeoutError");
}

ASYNCIO_TEST(Timeout, of_nothing_does_not_swallow_a_cancellation_that_was_asked_for_before) {
  auto task = create_task([]() -> Coro<> {
    current_task()->cancel("before");
    co_await with(timeout(0s), []() -> Coro<> { co_await sleep(1h); });
  });
  EXPECT_EQ((co_await error_of(task)).find("CancelledError"), 0U);
  EXPECT_TRUE(task.cancelled());
}

ASYNCIO_TEST(Timeout, keeps_a_result_that_is_there_when_the_deadline_comes) {
  Future<int> future;
  // The result is set in the pass in which the deadline's turn comes.
  get_running_loop().call_later(1s, [&] { future.set_result(6); });
  Timeout scope = timeout(1s);
  const int value = co_await with(scope, [&]() -> Coro<int> { co_return co_await future; });
  EXPECT_EQ(value, 6);
}

ASYNCIO_TEST(Timeout, a_kept_result_does_not_let_the_body_wait_again) {
  Future<int> future;
  get_running_loop().call_later(1s, [&] { future.set_result(6); });
  const TimePoint start = get_running_loop().time();
  const std::string error = co_await error_of(with(timeout(1s), [&]() -> Coro<> {
    co_await future;
    co_await sleep(1h);
  }));
  EXPECT_EQ(error, "TimeoutError");
  EXPECT_EQ(elapsed_since(start), 1s);
}

ASYNCIO_TEST(Timeout, entered_in_a_task_that_is_gone_can_still_be_destroyed) {
  auto scope = std::make_unique<Timeout>(timeout(1h));
  auto task =
      create_task([](Timeout& entered) -> Coro<> { co_await entered.aenter(); }, std::ref(*scope));
  co_await task;
  task = {};
  scope.reset();
  EXPECT_TRUE(get_running_loop().scheduler().timers.empty());
}

ASYNCIO_TEST(Timeout, a_cancellation_at_every_suspension_leaves_no_timer) {
  co_await testing::cancel_everywhere([]() -> Coro<> {
    co_await with(timeout(5s), []() -> Coro<> {
      co_await sleep(1s);
      co_await with(timeout_at(get_running_loop().time() + 5s),
                    []() -> Coro<> { co_await sleep(1s); });
    });
  });
  EXPECT_TRUE(get_running_loop().scheduler().timers.empty());
}

// ---- wait_for()

ASYNCIO_TEST(WaitFor, runs_the_coroutine_in_the_calling_task_and_costs_no_pass) {
  bool others_ran = false;
  get_running_loop().call_soon([&] { others_ran = true; });
  auto name = []() -> Coro<std::string> { co_return current_task()->get_name(); };

  EXPECT_EQ(co_await wait_for(name(), 1s), current_task()->get_name());

  EXPECT_FALSE(others_ran);
  co_await sleep(0s);
}

ASYNCIO_TEST(WaitFor, throws_after_the_cleanup_of_what_it_waited_for) {
  Log log;
  auto body = [&]() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      log.push_back("cancelled");
    }
    co_await sleep(1s);
    log.push_back("cleaned up");
    throw CancelledError();
  };
  EXPECT_EQ(co_await error_of(wait_for(body(), 1s)), "TimeoutError");
  EXPECT_EQ(log, (Log{"cancelled", "cleaned up"}));
}

ASYNCIO_TEST(WaitFor, gives_a_value_that_comes_despite_the_cancellation) {
  auto stubborn = []() -> Coro<int> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {}
    co_return 7;
  };
  EXPECT_EQ(co_await wait_for(stubborn(), 1s), 7);
}

ASYNCIO_TEST(WaitFor, with_no_time_a_coroutine_never_starts_but_a_result_is_taken) {
  bool started = false;
  auto body = [&]() -> Coro<int> {
    started = true;
    co_return 1;
  };
  EXPECT_EQ(co_await error_of(wait_for(body(), 0s)), "TimeoutError");
  EXPECT_EQ(co_await error_of(wait_for(body(), -1s)), "TimeoutError");
  EXPECT_FALSE(started);
  Future<int> done;
  done.set_result(2);
  EXPECT_EQ(co_await wait_for(done, 0s), 2);
}

ASYNCIO_TEST(WaitFor, without_a_limit_waits_for_ever) {
  EXPECT_EQ(co_await wait_for(after(24h, 3), std::nullopt), 3);
}

ASYNCIO_TEST(WaitFor, cancels_a_task_that_is_too_slow_and_shield_prevents_that) {
  auto slow = create_task(after(1h, 1));
  EXPECT_EQ(co_await error_of(wait_for(slow, 1s)), "TimeoutError");
  EXPECT_TRUE(slow.cancelled());

  auto shielded = create_task(after(5s, 1));
  EXPECT_EQ(co_await error_of(wait_for(shield(shielded), 1s)), "TimeoutError");
  EXPECT_EQ(co_await shielded, 1);
}

ASYNCIO_TEST(Timeout, still_expires_after_the_body_swallowed_a_cancel_from_before) {
  auto body = []() -> Coro<> {
    current_task()->cancel();
    co_await with(timeout(1s), []() -> Coro<> {
      EXPECT_EQ(co_await error_of(sleep(0s)), "CancelledError");
      co_await sleep(1h);
    });
  };
  EXPECT_EQ(co_await error_of(create_task(body)), "TimeoutError");
}

ASYNCIO_TEST(WaitFor, its_clock_starts_when_it_is_awaited) {
  auto kept = wait_for(after(2s, 9), 3s);
  co_await sleep(10s);
  EXPECT_EQ(co_await std::move(kept), 9);
}

ASYNCIO_TEST(WaitFor, an_error_of_what_it_waits_for_is_thrown_as_it_is) {
  auto body = []() -> Coro<> {
    co_await sleep(1s);
    throw ValueError("v");
  };
  EXPECT_EQ(co_await error_of(wait_for(body(), 5s)), "ValueError: v");
}

ASYNCIO_TEST(WaitFor, an_outside_cancel_reaches_the_awaitable_and_is_thrown) {
  auto inner = create_task(after(1h, 1));
  auto outer = create_task([&]() -> Coro<> { co_await wait_for(inner, 2h); });
  co_await testing::all_tasks_blocked();
  outer.cancel("outside");
  EXPECT_EQ((co_await error_of(outer)).find("CancelledError"), 0U);
  EXPECT_TRUE(inner.cancelled());
}

ASYNCIO_TEST(MoveOnAfter, gives_nothing_where_the_time_is_up_and_throws_nothing) {
  EXPECT_EQ(co_await move_on_after(1s, after(1h, 1)), std::nullopt);
  EXPECT_EQ(co_await move_on_after(2s, after(1s, 1)), 1);
  auto task = create_task([]() -> Coro<> { co_await move_on_after(1h, after(2h, 1)); });
  co_await testing::all_tasks_blocked();
  task.cancel();
  co_await wait(std::vector{task});
  EXPECT_TRUE(task.cancelled());
}

ASYNCIO_TEST(MoveOnAfter, gives_what_an_await_of_ours_gives_in_time) {
  Event event;
  Lock lock;
  get_running_loop().call_later(1s, [&] { event.set(); });
  EXPECT_TRUE(co_await move_on_after(2s, event.wait()));
  EXPECT_TRUE(co_await move_on_after(2s, event.wait()));
  EXPECT_TRUE(co_await move_on_after(2s, lock.acquire()));
  EXPECT_TRUE(lock.locked());
  EXPECT_TRUE(co_await move_on_after(2s, sleep(1s)));
  EXPECT_EQ(co_await move_on_after(2s, sleep(1s, 7)), 7);
  EXPECT_EQ(current_task()->cancelling(), 0);
}

ASYNCIO_TEST(MoveOnAfter, leaves_an_await_of_ours_as_if_it_had_thrown) {
  Event never;
  Lock lock;
  Semaphore permits(0);
  co_await lock.acquire();
  EXPECT_FALSE(co_await move_on_after(1s, never.wait()));
  EXPECT_FALSE(co_await move_on_after(1s, lock.acquire()));
  EXPECT_FALSE(co_await move_on_after(1s, permits.acquire()));
  EXPECT_FALSE(co_await move_on_after(1s, sleep(2s)));
  EXPECT_FALSE(co_await move_on_after(0s, never.wait()));

  lock.release();
  permits.release();

  EXPECT_FALSE(lock.locked());
  EXPECT_FALSE(permits.locked());
  EXPECT_EQ(current_task()->cancelling(), 0);
  co_await sleep(1s);  // is not cancelled
}

// Otherwise the next in line would wait for ever.
ASYNCIO_TEST(MoveOnAfter, passes_the_turn_of_its_lock_on) {
  Lock lock;
  co_await lock.acquire();
  auto first = create_task([&]() -> Coro<> { co_await move_on_after(1s, lock.acquire()); });
  auto second = create_task([&]() -> Coro<> { co_await lock.acquire(); });
  get_running_loop().call_later(1s, [&] { lock.release(); });  // in the pass of the deadline

  co_await first;
  if (lock.locked() && !second.done()) lock.release();  // the first had it in time after all
  co_await wait_for(second, 1s);

  EXPECT_TRUE(lock.locked());
}

ASYNCIO_TEST(MoveOnAfter, an_outside_cancel_passes_through_an_await_of_ours) {
  Event never;
  auto task = create_task([&]() -> Coro<> { co_await move_on_after(1h, never.wait()); });
  co_await testing::all_tasks_blocked();

  task.cancel("outside");

  EXPECT_EQ(co_await error_of(task), "CancelledError: outside");
}

ASYNCIO_TEST(MoveOnAfter, of_two_deadlines_the_outer_one_is_told_apart) {
  Event never;
  bool inner_moved_on = false;
  auto body = [&]() -> Coro<> {
    co_await move_on_after(2s, never.wait());
    inner_moved_on = true;
  };
  EXPECT_FALSE(co_await move_on_after(1s, body()));
  EXPECT_FALSE(inner_moved_on);
  EXPECT_TRUE(co_await move_on_after(3s, body()));
  EXPECT_TRUE(inner_moved_on);
}

}  // namespace
}  // namespace asyncio
