// tsan
#include "asyncio/core/events.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "asyncio/testing.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using tests::error_of;

LoopOptions virtual_time() {
  LoopOptions options;
  options.time_source = std::make_shared<testing::VirtualClock>();
  return options;
}

TEST(Loop, one_pass_runs_what_was_queued_when_it_began) {
  Loop loop;
  std::vector<std::string> order;
  loop.call_soon([&] {
    order.push_back("a");
    loop.call_soon([&] { order.push_back("a's child"); });
  });
  loop.call_soon([&] {
    order.push_back("b");
    loop.stop();
  });

  loop.run_forever();
  EXPECT_EQ(order, (std::vector<std::string>{"a", "b"}));

  loop.stop();  // before run_forever: exactly one pass
  loop.run_forever();
  EXPECT_EQ(order.back(), "a's child");
}

TEST(Loop, timers_fire_by_deadline_and_equal_ones_in_insertion_order) {
  Loop loop(virtual_time());
  std::vector<int> order;
  const TimePoint start = loop.time();
  loop.call_at(start + 2s, [&] { order.push_back(3); });
  loop.call_at(start + 1s, [&] { order.push_back(1); });
  loop.call_at(start + 1s, [&] { order.push_back(2); });
  TimerHandle never = loop.call_later(1s, [&] { order.push_back(-1); });
  EXPECT_EQ(never.when(), start + 1s);
  never.cancel();
  EXPECT_TRUE(never.cancelled());
  loop.call_later(3s, [&] { loop.stop(); });

  loop.run_forever();

  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(loop.time(), start + 3s);
}

TEST(Loop, a_cancelled_handle_frees_its_callback_at_once) {
  Loop loop;
  auto held = std::make_shared<int>(0);
  Handle soon = loop.call_soon([held] {});
  TimerHandle later = loop.call_later(1h, [held] {});
  EXPECT_EQ(held.use_count(), 3);

  soon.cancel();
  later.cancel();

  EXPECT_EQ(held.use_count(), 1);
}

TEST(Loop, run_until_complete_gives_the_result_or_throws) {
  Loop loop;
  EXPECT_EQ(loop.run_until_complete([]() -> Coro<int> { co_return 4; }()), 4);
  EXPECT_EQ(error_of([&] {
              loop.run_until_complete([]() -> Coro<> {
                throw ValueError("v");
                co_return;
              }());
            }),
            "ValueError: v");
  loop.call_soon([&] { loop.stop(); });
  EXPECT_EQ(error_of([&] { loop.run_until_complete(loop.create_future<int>()); }),
            "RuntimeError: Event loop stopped before Future completed.");
}

TEST(Loop, refuses_to_be_run_twice_or_inside_another) {
  Loop loop;
  Loop other;
  std::vector<std::string> errors;
  loop.call_soon([&] {
    errors.push_back(error_of([&] { loop.run_forever(); }));
    errors.push_back(error_of([&] { other.run_forever(); }));
    errors.push_back(error_of([&] { loop.close(); }));
    errors.push_back(error_of([&] { run([]() -> Coro<> { co_return; }()); }).substr(0, 70));
    loop.stop();
  });
  loop.run_forever();
  EXPECT_EQ(errors, (std::vector<std::string>{
                        "RuntimeError: This event loop is already running",
                        "RuntimeError: Cannot run the event loop while another loop is running",
                        "RuntimeError: Cannot close a running event loop",
                        "RuntimeError: asyncio.run() cannot be called from a running event loop"}));
}

TEST(Loop, closed_takes_nothing_more_and_drops_what_it_had) {
  auto held = std::make_shared<int>(0);
  Loop loop;
  loop.call_soon([held] {});
  loop.call_later(1h, [held] {});

  loop.close();
  loop.close();

  EXPECT_EQ(held.use_count(), 1);
  EXPECT_TRUE(loop.is_closed());
  EXPECT_EQ(error_of([&] { loop.call_soon([] {}); }), "RuntimeError: Event loop is closed");
  EXPECT_EQ(error_of([&] { loop.run_forever(); }), "RuntimeError: Event loop is closed");
  EXPECT_EQ(error_of([&] { loop.call_soon_threadsafe([] {}); }),
            "RuntimeError: Event loop is closed");
}

TEST(Loop, a_throwing_callback_is_reported_and_the_pass_goes_on) {
  Loop loop;
  std::vector<std::string> reports;
  bool next_ran = false;
  loop.set_exception_handler([&](Loop&, const ExceptionContext& context) {
    reports.push_back(context.message + ", " + describe(context.exception));
  });
  loop.call_soon([] { throw ValueError("v"); });
  loop.call_soon([&] {
    next_ran = true;
    loop.stop();
  });

  loop.run_forever();

  EXPECT_EQ(reports, std::vector<std::string>{"Exception in callback, ValueError: v"});
  EXPECT_TRUE(next_ran);
}

TEST(Loop, a_broken_exception_handler_is_reported_by_the_default_one) {
  std::vector<std::string> lines;
  logging::set_sink([&](LogLevel, std::string_view line) { lines.emplace_back(line); });
  Loop loop;
  loop.set_exception_handler([](Loop&, const ExceptionContext&) { throw ValueError("broken"); });
  loop.call_exception_handler({.message = "first"});
  logging::set_sink({});

  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].rfind("Unhandled error in exception handler", 0), 0U);
}

TEST(Loop, callbacks_from_other_threads_wake_it_and_keep_their_order) {
  Loop loop;
  constexpr int kThreads = 4;
  constexpr int kPosts = 1000;
  std::vector<std::vector<int>> seen(kThreads);
  int total = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i)
        loop.call_soon_threadsafe([&, t, i] {
          seen[static_cast<std::size_t>(t)].push_back(i);
          if (++total == kThreads * kPosts) loop.stop();
        });
    });

  loop.run_forever();
  for (auto& thread : threads) thread.join();

  for (const auto& mine : seen) {
    ASSERT_EQ(mine.size(), static_cast<std::size_t>(kPosts));
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
  }
}

TEST(Loop, debug_refuses_call_soon_from_another_thread) {
  Loop loop({.debug = true});
  std::string error;
  loop.call_soon([&] {
    std::thread([&] { error = error_of([&] { loop.call_soon([] {}); }); }).join();
    loop.stop();
  });
  loop.run_forever();
  EXPECT_EQ(error.find("RuntimeError: Non-thread-safe operation invoked on an event loop"), 0U);
}

TEST(Loop, readers_and_writers_are_called_while_the_fd_is_ready) {
  Loop loop;
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  std::string read_back;
  int writes = 0;
  loop.add_writer(ends[1], [&] {
    ASSERT_EQ(write(ends[1], "x", 1), 1);
    if (++writes == 2) loop.remove_writer(ends[1]);
  });
  loop.add_reader(ends[0], [&] {
    char byte = 0;
    if (read(ends[0], &byte, 1) == 1) read_back.push_back(byte);
    if (read_back.size() == 2) loop.stop();
  });

  loop.run_forever();

  EXPECT_EQ(read_back, "xx");
  EXPECT_TRUE(loop.remove_reader(ends[0]));
  EXPECT_FALSE(loop.remove_reader(ends[0]));
  EXPECT_FALSE(loop.remove_writer(ends[1]));
  close(ends[0]);
  close(ends[1]);
}

TEST(Loop, debug_reports_slow_callbacks_with_their_time) {
  std::vector<std::string> lines;
  logging::set_sink([&](LogLevel, std::string_view line) { lines.emplace_back(line); });
  Loop loop({.debug = true});
  loop.set_slow_callback_duration(5ms);
  loop.run_until_complete([]() -> Coro<> {
    const auto end = Clock::now() + 8ms;
    while (Clock::now() < end) {}
    co_return;
  }());
  logging::set_sink({});

  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].rfind("Executing <Task ", 0), 0U);
  EXPECT_NE(lines[0].find(" seconds"), std::string::npos);
}

}  // namespace
}  // namespace asyncio
