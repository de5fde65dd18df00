// testing.hpp: the testing kit on GoogleTest. ASYNCIO_TEST(Suite, name) { co_await ...; }
// One loop a test, virtual time, and a look for what was left behind.
#pragma once
#include <gtest/gtest.h>

#include "asyncio/asyncio.hpp"
#include "asyncio/testing/clock.hpp"
#include "asyncio/testing/mock.hpp"
#include "asyncio/testing/run.hpp"
#include "asyncio/testing/streams.hpp"

#define ASYNCIO_TEST(suite, name)                                                      \
  static ::asyncio::Coro<> asyncio_test_##suite##_##name();                            \
  TEST(suite, name) { ::asyncio::testing::run_test(asyncio_test_##suite##_##name()); } \
  static ::asyncio::Coro<> asyncio_test_##suite##_##name()
