#include "apps/harvest/summary.hpp"

#include <gtest/gtest.h>

#include <string>

#include "apps/harvest/progress.hpp"

namespace harvest {
namespace {

Page page(int status, double milliseconds) {
  Page page{.url = Url::parse("http://h/")};
  page.status = status;
  page.milliseconds = milliseconds;
  page.bytes = 100;
  return page;
}

TEST(Summary, percentiles_are_times_that_were_measured) {
  Summary summary;
  EXPECT_EQ(summary.percentile(50), 0);
  for (int i = 100; i >= 1; --i) summary.add(page(200, i));

  EXPECT_EQ(summary.percentile(50), 50);
  EXPECT_EQ(summary.percentile(90), 90);
  EXPECT_EQ(summary.percentile(99), 99);
  EXPECT_EQ(summary.percentile(100), 100);
  EXPECT_EQ(summary.percentile(0), 1);
}

TEST(Summary, failures_are_counted_by_kind_and_have_no_time) {
  Summary summary;
  summary.add(page(404, 3));
  Page failure{.url = Url::parse("http://h/")};
  failure.error_kind = "dns";
  failure.attempts = 3;
  summary.add(failure);

  EXPECT_EQ(summary.pages(), 2U);
  EXPECT_EQ(summary.failed(), 1U);
  EXPECT_EQ(summary.statuses().at(404), 1U);
  EXPECT_EQ(summary.errors().at("dns"), 1U);
  EXPECT_EQ(summary.percentile(50), 3);
  const std::string text = summary.text(2, 7);
  EXPECT_NE(text.find("2 pages in 2.0 s: 1 pages/s"), std::string::npos) << text;
  EXPECT_NE(text.find("1 x dns"), std::string::npos) << text;
  EXPECT_NE(text.find("7 pages for the next start"), std::string::npos) << text;
}

TEST(Summary, units_suit_the_size) {
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(12'345), "12.3 kB");
  EXPECT_EQ(human_bytes(1.6e8), "160.0 MB");
  EXPECT_EQ(human_time(0.0035), "3.5 ms");
  EXPECT_EQ(human_time(0.85), "850 ms");
  EXPECT_EQ(human_time(12.34), "12.3 s");
  EXPECT_EQ(human_time(245), "4:05 min");
  EXPECT_EQ(human_time(3720), "1:02 h");
}

TEST(Progress, the_bar_shows_part_rate_and_time_left_within_the_terminal) {
  const ProgressNow now{.done = 50, .failed = 1, .running = 10, .waiting = 40, .bytes = 5000};

  const std::string bar = progress_bar(now, 25, 200);

  EXPECT_EQ(bar,
            "[############............] 50/100  25/s  ETA 2.0 s  10 in flight  5.0 kB  "
            "1 failed");
  EXPECT_EQ(progress_bar(now, 25, 40).size(), 39U);
  EXPECT_EQ(progress_bar({}, 0, 80), "[........................] 0/0  0/s  0 in flight  0 B");
}

}  // namespace
}  // namespace harvest
