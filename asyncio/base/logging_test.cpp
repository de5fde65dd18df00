#include "asyncio/base/logging.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace asyncio::logging {
namespace {

class Logging : public testing::Test {
 protected:
  void TearDown() override {
    set_sink({});
    set_level(LogLevel::warning);
  }
};

TEST_F(Logging, the_sink_gets_what_is_at_or_above_the_level) {
  std::vector<std::string> lines;
  set_sink([&](LogLevel level, std::string_view message) {
    lines.push_back(std::string(level_name(level)) + " " + std::string(message));
  });

  log(LogLevel::info, "dropped");
  log(LogLevel::warning, "kept");
  set_level(LogLevel::debug);
  log(LogLevel::debug, "now kept");

  EXPECT_EQ(lines, (std::vector<std::string>{"WARNING kept", "DEBUG now kept"}));
}

TEST_F(Logging, a_sink_that_throws_breaks_nothing) {
  set_sink([](LogLevel, std::string_view) { throw std::runtime_error("sink"); });
  EXPECT_NO_THROW(log(LogLevel::error, "message"));
}

TEST_F(Logging, by_default_lines_go_to_stderr) {
  testing::internal::CaptureStderr();
  log(LogLevel::error, "something");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "ERROR: something\n");
}

}  // namespace
}  // namespace asyncio::logging
