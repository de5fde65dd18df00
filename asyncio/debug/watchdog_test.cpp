// tsan
#include "asyncio/debug/watchdog.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "asyncio/asyncio.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

TEST(Watchdog, reports_a_step_that_does_not_end_and_whose_it_is) {
  std::string report;
  std::atomic<bool> reported = false;

  run([](std::string& text, std::atomic<bool>& done) -> Coro<> {
    Watchdog watchdog(20ms, [&](const std::string& line) {
      text = line;
      done = true;
    });
    auto hangs = [&]() -> Coro<> {
      co_await sleep(0s);
      while (!done) {}  // until the watchdog has seen it
    };
    auto task = create_task(hangs);
    task.set_name("hanging");
    co_await task;
  }(report, reported));

  EXPECT_NE(report.find(" has not gone on for "), std::string::npos) << report;
  EXPECT_NE(report.find("in a step of task 'hanging'"), std::string::npos) << report;
  EXPECT_NE(report.find("watchdog_test.cpp\", line "), std::string::npos) << report;
}

TEST(Watchdog, needs_a_loop_and_a_limit) {
  EXPECT_THROW(Watchdog(1s), RuntimeError);
  EXPECT_THROW(Watchdog(0s), ValueError);
}

}  // namespace
}  // namespace asyncio
