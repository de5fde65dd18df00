#include "asyncio/testing/mock.hpp"

#include <gtest/gtest.h>

#include <string>

#include "asyncio/testing.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using tests::error_of;

ASYNCIO_TEST(Mock, gives_its_queued_answers_first_and_then_the_usual_one) {
  testing::AsyncMock<int(int)> mock;
  mock.returns(9);
  mock.then_returns(1).then_raises(std::make_exception_ptr(ValueError("second"))).then_returns(3);
  EXPECT_EQ(co_await mock(0), 1);
  EXPECT_EQ(co_await error_of(mock(0)), "ValueError: second");
  EXPECT_EQ(co_await mock(0), 3);
  EXPECT_EQ(co_await mock(0), 9);
  EXPECT_EQ(co_await mock(0), 9);
  EXPECT_EQ(mock.call_count(), 5);
  mock.reset();
  EXPECT_EQ(mock.call_count(), 0);
  EXPECT_EQ(co_await mock(0), 9);
}

ASYNCIO_TEST(Mock, can_compute_its_answer_raise_or_return_nothing) {
  testing::AsyncMock<int(int, int)> sum;
  sum.calls_function([](int a, int b) { return a + b; });
  EXPECT_EQ(co_await sum(2, 3), 5);
  sum.raises(ValueError("no"));
  EXPECT_EQ(co_await error_of(sum(2, 3)), "ValueError: no");
  testing::AsyncMock<void()> nothing;
  nothing.returns();
  co_await nothing();
  EXPECT_EQ(nothing.await_count(), 1);
}

// Otherwise a test could not see that its subject forgot to await.
ASYNCIO_TEST(Mock, tells_a_call_from_an_await) {
  testing::AsyncMock<int()> mock;
  mock.returns(1);
  { const Coro<int> forgotten = mock(); }
  EXPECT_EQ(mock.call_count(), 1);
  EXPECT_EQ(mock.await_count(), 0);
  co_return;
}

ASYNCIO_TEST(Mock, that_was_told_nothing_says_how_to_tell_it) {
  testing::AsyncMock<int()> mock;
  EXPECT_EQ((co_await error_of(mock())).find("RuntimeError: AsyncMock was called before it was"),
            0U);
}

ASYNCIO_TEST(Mock, hangs_until_it_is_cancelled) {
  testing::AsyncMock<int()> mock;
  mock.then_hangs();
  mock.returns(1);
  EXPECT_EQ((co_await error_of(wait_for(mock(), 1s))).find("TimeoutError"), 0U);
  EXPECT_EQ(co_await mock(), 1);
}

}  // namespace
}  // namespace asyncio
