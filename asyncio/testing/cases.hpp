// cases.hpp: what ASYNCIO_TEST, ASYNCIO_TEST_F and ASYNCIO_TEST_P stand on: GoogleTest.
#pragma once
#include <gtest/gtest.h>

#include "asyncio/testing/run.hpp"

namespace asyncio::testing {

// A fixture whose set-up and tear-down may await, on the loop of the test. tear_down() runs
// whatever became of the test, unless set_up() failed.
class AsyncFixture : public ::testing::Test {
 public:
  virtual Coro<> set_up() { co_return; }
  virtual Coro<> tear_down() { co_return; }
};

// The same for value-parameterized tests: GetParam() is the value.
template <class Value>
class AsyncFixtureWithParam : public AsyncFixture, public ::testing::WithParamInterface<Value> {};

// Runs the test and reports to GoogleTest what failed, with its seed and the command that repeats
// it. Returns the number of failures reported.
int run_test(Coro<> body);
// With --seeds=N (or ASYNCIO_TEST_SEEDS=N): under the seeds 1 to N, up to the first that fails.
int run_test(CoroFunction test, TestOptions options = {});
// The same between the fixture's set_up() and tear_down(), where it has them.
int run_test(::testing::Test& fixture, CoroFunction test, TestOptions options = {});

}  // namespace asyncio::testing
