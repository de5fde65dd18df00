#include "asyncio/base/clock.hpp"

#include <gtest/gtest.h>

namespace asyncio::detail {
namespace {

TEST(FastClock, never_goes_back_and_never_leads_the_kernels_clock) {
  FastClock clock;
  TimePoint last = clock.now();

  for (int i = 0; i < 100'000; ++i) {
    const TimePoint now = clock.now();
    ASSERT_GE(now, last);
    ASSERT_LE(now, Clock::now());
    last = now;
  }
}

TEST(FastClock, lags_the_kernels_clock_by_less_than_a_window) {
  FastClock clock;
  for (int i = 0; i < 100'000; ++i) {  // 5 ms: by then it interpolates
    const TimePoint before = Clock::now();
    const TimePoint now = clock.now();
    ASSERT_GE(now + std::chrono::microseconds(20), before);
  }
}

}  // namespace
}  // namespace asyncio::detail
