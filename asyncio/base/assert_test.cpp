#include "asyncio/base/assert.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace asyncio::detail {
namespace {

TEST(AssertDeathTest, says_what_is_wrong_calls_the_hook_once_and_aborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        set_assertion_hook([] {
          std::fputs("hook ran\n", stderr);
          ASYNCIO_ASSERT(false, "again, inside the hook");
        });
        ASYNCIO_ASSERT(1 > 2, "numbers are broken");
      },
      "bug: numbers are broken\n  condition: 1 > 2(.|\n)*hook ran");
}

TEST(Assert, does_nothing_where_the_condition_holds) { ASYNCIO_ASSERT(2 > 1, "fine"); }

}  // namespace
}  // namespace asyncio::detail
