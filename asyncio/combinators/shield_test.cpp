#include "asyncio/combinators/shield.hpp"

#include <gtest/gtest.h>

#include "asyncio/combinators/gather.hpp"
#include "asyncio/combinators/internal/test_loop.hpp"

namespace asyncio {
namespace {

using detail::fails_after;
using detail::failure_of;
using detail::passes_so_far;
using detail::TestLoop;
using detail::value_after;
using namespace std::chrono_literals;

TEST(Shield, gives_what_the_awaitable_gives_two_passes_after_it) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Future<int> inner;
    auto outer = shield(inner);
    inner.set_result(3);
    const std::uint64_t start = passes_so_far();

    const int value = co_await outer;

    EXPECT_EQ(value, 3);
    EXPECT_EQ(passes_so_far() - start, 2u);
  });
}

TEST(Shield, starts_a_coroutine_as_a_task_at_once) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto outer = shield(value_after(0, 3));
    EXPECT_EQ(all_tasks().size(), 2u);

    const int value = co_await outer;

    EXPECT_EQ(value, 3);
  });
}

TEST(Shield, of_what_is_done_costs_no_pass) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto task = create_task(value_after(0, 3));
    auto failed = create_task(fails_after(0, "bad"));
    Future<int> future, cancelled;
    future.set_result(4);
    cancelled.cancel("gone");
    co_await TestLoop::sleep_passes(2);
    const std::uint64_t start = passes_so_far();

    const int three = co_await shield(task);
    const int four = co_await shield(future);
    const std::string bad = co_await failure_of(shield(failed));
    const std::string gone = co_await failure_of(shield(cancelled));

    EXPECT_EQ(passes_so_far(), start);
    EXPECT_EQ(three + four, 7);
    EXPECT_EQ(bad + gone, "ValueError: badCancelledError(gone)");
    EXPECT_EQ(shield(future), future);
  });
  EXPECT_TRUE(loop.reports.empty());
}

TEST(Shield, keeps_a_cancellation_from_the_task_inside) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto inner = create_task(value_after(5, 3));
    auto outer = create_task(failure_of(shield(inner)));
    co_await TestLoop::sleep_passes(2);

    outer.cancel("stop");

    const std::string failure = co_await outer;
    EXPECT_EQ(failure, "CancelledError(stop)");
    EXPECT_FALSE(inner.done());
    EXPECT_EQ(inner.cancelling(), 0);
    const int value = co_await inner;
    EXPECT_EQ(value, 3);
  });
}

TEST(Shield, is_cancelled_with_the_task_inside_but_without_its_message) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto inner = create_task(value_after(50, 3));
    auto outer = shield(inner);
    co_await TestLoop::sleep_passes(2);
    inner.cancel("inside");

    const std::string failure = co_await failure_of(outer);

    EXPECT_EQ(failure, "CancelledError()");
    EXPECT_TRUE(outer.cancelled());
  });
}

TEST(Shield, throws_the_failure_of_the_task_inside) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    const std::string failure = co_await failure_of(shield(fails_after(2, "bad")));

    EXPECT_EQ(failure, "ValueError: bad");
  });
  EXPECT_TRUE(loop.reports.empty());
}

TEST(Shield, once_cancelled_has_a_later_failure_reported_once_after_the_last_handle) {
  for (const int passes : {0, 4}) {  // cancelled long before; when the failure is on its way
    TestLoop loop;
    loop.run([passes, &loop]() -> Coro<> {
      auto inner = create_task(fails_after(3, "bad"));
      auto outer = shield(inner);
      co_await TestLoop::sleep_passes(passes);
      EXPECT_TRUE(outer.cancel());
      co_await TestLoop::sleep_passes(9);
      EXPECT_TRUE(loop.reports.empty());
    });
    ASSERT_EQ(loop.reports.size(), 1u);
    EXPECT_EQ(loop.reports[0], "Task exception was never retrieved: ValueError: bad");
  }
}

TEST(Shield, once_cancelled_leaves_a_later_failure_to_whoever_asks) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto inner = create_task(fails_after(3, "bad"));
    shield(inner).cancel();

    const std::string failure = co_await failure_of(inner);

    EXPECT_EQ(failure, "ValueError: bad");
  });
  EXPECT_TRUE(loop.reports.empty());
}

TEST(Shield, once_cancelled_lets_go_of_what_it_protected) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto sign = std::make_shared<int>(0);
    const std::weak_ptr<int> alive = sign;
    Future<int> inner;
    inner.add_done_callback([sign](const Future<int>&) {});
    auto outer = shield(inner);
    sign.reset();
    inner = Future<int>();
    EXPECT_FALSE(alive.expired());

    outer.cancel();

    EXPECT_TRUE(alive.expired());
    co_return;
  });
}

TEST(Shield, calls_its_done_callbacks_although_no_handle_is_left) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Future<int> inner;
    int got = 0;
    shield(inner).add_done_callback([&got](const Future<int>& outer) { got = outer.result(); });
    inner.set_result(8);

    co_await TestLoop::sleep_passes(3);

    EXPECT_EQ(got, 8);
  });
}

TEST(Shield, inside_a_gather_keeps_its_cancellation_out) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto inner = create_task(value_after(5, 3));
    auto together = gather(shield(inner), value_after(50, 1));
    co_await TestLoop::sleep_passes(2);
    together.cancel("stop");

    const std::string failure = co_await failure_of(together);

    EXPECT_EQ(failure, "CancelledError(stop)");
    const int value = co_await inner;
    EXPECT_EQ(value, 3);
  });
}

struct Uncopyable {
  Uncopyable() = default;
  Uncopyable(const Uncopyable&) { throw ValueError("copied"); }
  Uncopyable(Uncopyable&&) noexcept = default;
};

TEST(Shield, fails_where_the_result_cannot_be_copied_and_moves_it_where_nobody_else_holds_it) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto give = []() -> Coro<Uncopyable> { co_return Uncopyable(); };
    auto held = create_task(give());

    const std::string failure = co_await failure_of(shield(held));
    const std::string none = co_await failure_of(shield(give()));

    EXPECT_EQ(failure, "ValueError: copied");
    EXPECT_EQ(none, "");
  });
}

TEST(Shield, lets_its_future_be_completed_by_others) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    auto inner = create_task(value_after(1, 3));
    auto outer = shield(inner);
    outer.set_result(9);

    co_await TestLoop::sleep_passes(4);

    EXPECT_EQ(outer.result(), 9);
    EXPECT_EQ(inner.result(), 3);
  });
}

TEST(Shield, leaves_nothing_behind_where_its_loop_ends_before_it) {
  auto sign = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = sign;
  TestLoop loop;
  Future<int> outside(*loop);
  loop.run_for(3, [&outside, sign]() -> Coro<> {
    auto child = [](std::shared_ptr<int> kept) -> Coro<int> {
      co_await sleep(1000s);
      co_return *kept;
    };
    auto dropped = shield(Future<int>());
    auto kept = shield(child(sign));
    co_await shield(outside);
  });
  sign.reset();
  outside.set_result(1);

  loop.destroy();

  EXPECT_TRUE(alive.expired());
}

}  // namespace
}  // namespace asyncio
