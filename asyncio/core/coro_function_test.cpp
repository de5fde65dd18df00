#include "asyncio/core/coro_function.hpp"

#include <gtest/gtest.h>

#include "asyncio/core/runners.hpp"

namespace asyncio {
namespace {

TEST(CoroFunction, makes_a_new_coroutine_each_time) {
  int runs = 0;
  const CoroFunction function([&]() -> Coro<> {
    ++runs;
    co_return;
  });

  run(function());
  run(function());

  EXPECT_EQ(runs, 2);
}

TEST(CoroFunction, copies_share_the_state_of_the_callable) {
  int seen = 0;
  const CoroFunction function([&seen, calls = 0]() mutable -> Coro<> {
    seen = ++calls;
    co_return;
  });
  const CoroFunction copy = function;

  run(function());
  run(copy());

  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace asyncio
