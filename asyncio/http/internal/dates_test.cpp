#include "asyncio/http/internal/dates.hpp"

#include <gtest/gtest.h>

namespace asyncio::detail {
namespace {

using namespace std::chrono;

constexpr HttpTime kExample = sys_days(year(1994) / November / 6) + 8h + 49min + 37s;

TEST(HttpDates, a_time_is_written_as_the_rfc_shows_it) {
  EXPECT_EQ(format_http_date(kExample), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format_http_date(HttpTime{}), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format_http_date(HttpTime{-1s}), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(format_http_date(sys_days(year(2024) / February / 29)),
            "Thu, 29 Feb 2024 00:00:00 GMT");
}

TEST(HttpDates, times_no_four_digits_can_name_are_clamped) {
  EXPECT_EQ(format_http_date(HttpTime::max()), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(format_http_date(HttpTime::min()), "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST(HttpDates, all_three_forms_are_read) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), kExample);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), kExample);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), kExample);
  EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994"), kExample + days(10));
}

TEST(HttpDates, every_day_is_read_as_it_was_written) {
  for (HttpTime time{}; time < HttpTime(days(365 * 130)); time += days(1) + 3661s) {
    ASSERT_EQ(parse_http_date(format_http_date(time)), time);
  }
}

TEST(HttpDates, what_is_no_date_is_refused) {
  for (const char* text :
       {"", "Sun", "Sun, ", "Sun,", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ", "784111777", "0",
        "Sun Nov 6 08:49:37 1994", "Sun, -6 Nov 1994 08:49:37 GMT"}) {
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace asyncio::detail
