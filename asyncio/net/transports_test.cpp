#include "asyncio/net/transports.hpp"

#include <gtest/gtest.h>

#include "tests/support.hpp"

namespace asyncio {
namespace {

using detail::water_marks;
using tests::error_of;

TEST(WriteBufferLimits, what_is_left_out_follows_from_the_other) {
  EXPECT_EQ(water_marks({}).high, 65536U);
  EXPECT_EQ(water_marks({}).low, 16384U);
  EXPECT_EQ(water_marks({.high = 100}).low, 25U);
  EXPECT_EQ(water_marks({.low = 100}).high, 400U);
  EXPECT_EQ(water_marks({.high = 0}).low, 0U);
}

TEST(WriteBufferLimits, high_below_low_is_refused_with_both_values) {
  EXPECT_EQ(error_of([] { water_marks({.high = 1, .low = 2}); }),
            "ValueError: high (1) must be >= low (2) must be >= 0");
  EXPECT_EQ(error_of([] { water_marks({.high = 2, .low = 2}); }), "");
}

}  // namespace
}  // namespace asyncio
