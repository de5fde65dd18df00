// testing.hpp: the testing kit on GoogleTest: virtual time, a simulated network, seeds, mocks, and
// what cancels or starves a test at every point.
//
//   ASYNCIO_TEST(Suite, name) { co_await ...; }
//   ASYNCIO_TEST(Suite, name, .timeout = 5s) { ... }      members of testing::TestOptions
//   ASYNCIO_TEST_F(Fixture, name) { ... }                 a member of Fixture: see AsyncFixture
//   ASYNCIO_TEST_P(Fixture, name) { ... GetParam() ... }  with INSTANTIATE_TEST_SUITE_P
//
// Each test has a loop of its own, and what it leaves behind is a failure. Guide:
// docs/guide/testing.md.
#pragma once
#include <gtest/gtest.h>

#include "asyncio/asyncio.hpp"
#include "asyncio/testing/allocations.hpp"
#include "asyncio/testing/cases.hpp"
#include "asyncio/testing/clock.hpp"
#include "asyncio/testing/faults.hpp"
#include "asyncio/testing/mock.hpp"
#include "asyncio/testing/network.hpp"
#include "asyncio/testing/run.hpp"
#include "asyncio/testing/sequencer.hpp"
#include "asyncio/testing/streams.hpp"

#define ASYNCIO_TEST(suite, name, ...)                                                    \
  static ::asyncio::Coro<> asyncio_test_##suite##_##name();                               \
  TEST(suite, name) {                                                                     \
    ::asyncio::testing::run_test(::asyncio::CoroFunction(&asyncio_test_##suite##_##name), \
                                 ::asyncio::testing::TestOptions{__VA_ARGS__});           \
  }                                                                                       \
  static ::asyncio::Coro<> asyncio_test_##suite##_##name()

#define ASYNCIO_TEST_CLASS_(fixture, name, ...)                                                   \
  class fixture##_##name##_AsyncTest : public fixture {                                           \
   public:                                                                                        \
    void TestBody() override {                                                                    \
      ::asyncio::testing::run_test(*this, ::asyncio::CoroFunction([this]() -> ::asyncio::Coro<> { \
        co_await asyncio_body();                                                                  \
      }),                                                                                         \
                                   ::asyncio::testing::TestOptions{__VA_ARGS__});                 \
    }                                                                                             \
                                                                                                  \
   private:                                                                                       \
    ::asyncio::Coro<> asyncio_body();                                                             \
    static const bool is_registered_;                                                             \
  };

#define ASYNCIO_TEST_F(fixture, name, ...)                                                      \
  ASYNCIO_TEST_CLASS_(fixture, name, __VA_ARGS__)                                               \
  const bool fixture##_##name##_AsyncTest::is_registered_ =                                     \
      ::testing::RegisterTest(#fixture, #name, nullptr, nullptr, __FILE__, __LINE__,            \
                              []() -> fixture* { return new fixture##_##name##_AsyncTest; }) != \
      nullptr;                                                                                  \
  ::asyncio::Coro<> fixture##_##name##_AsyncTest::asyncio_body()

// GoogleTest has no public way to register one pattern; this is what its own TEST_P does.
#define ASYNCIO_TEST_P(fixture, name, ...)                                               \
  ASYNCIO_TEST_CLASS_(fixture, name, __VA_ARGS__)                                        \
  const bool fixture##_##name##_AsyncTest::is_registered_ =                              \
      (::testing::UnitTest::GetInstance()                                                \
           ->parameterized_test_registry()                                               \
           .GetTestSuitePatternHolder<fixture>(                                          \
               #fixture, ::testing::internal::CodeLocation(__FILE__, __LINE__))          \
           ->AddTestPattern(                                                             \
               #fixture, #name,                                                          \
               new ::testing::internal::TestMetaFactory<fixture##_##name##_AsyncTest>(), \
               ::testing::internal::CodeLocation(__FILE__, __LINE__)),                   \
       true);                                                                            \
  ::asyncio::Coro<> fixture##_##name##_AsyncTest::asyncio_body()
