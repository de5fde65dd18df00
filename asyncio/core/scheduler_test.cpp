#include "asyncio/core/scheduler.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

LoopOptions virtual_time(unsigned poll_interval) {
  LoopOptions options;
  options.time_source = std::make_shared<testing::VirtualClock>();
  options.poll_interval = poll_interval;
  return options;
}

// A pipe whose reading end is ready.
class ReadyPipe {
 public:
  ReadyPipe() {
    if (pipe2(ends_, O_NONBLOCK | O_CLOEXEC) != 0 || write(ends_[1], "x", 1) != 1)
      throw std::runtime_error("no pipe");
  }
  ReadyPipe(const ReadyPipe&) = delete;
  ReadyPipe& operator=(const ReadyPipe&) = delete;
  ~ReadyPipe() {
    close(ends_[0]);
    close(ends_[1]);
  }
  int reader() const noexcept { return ends_[0]; }

 private:
  int ends_[2];
};

TEST(Scheduler, a_pass_runs_what_is_ready_then_completions_then_due_timers) {
  Loop loop(virtual_time(1));
  ReadyPipe pipe;
  std::vector<std::string> order;
  loop.call_at(loop.time() - 1s, [&] { order.push_back("older timer"); });
  loop.call_at(loop.time() - 2s, [&] { order.push_back("oldest timer"); });
  loop.add_reader(pipe.reader(), [&] {
    order.push_back("reader");
    loop.remove_reader(pipe.reader());
  });
  loop.call_soon([&] {
    order.push_back("ready");
    loop.call_soon([&] { order.push_back("next pass"); });
    loop.stop();
  });

  loop.run_forever();

  EXPECT_EQ(order, (std::vector<std::string>{"ready", "reader", "oldest timer", "older timer"}));
}

TEST(Scheduler, looks_at_due_timers_on_every_pass_also_while_the_kernel_is_not_polled) {
  Loop loop(virtual_time(1'000'000));
  int passes_before_timer = -1;
  int passes = 0;
  std::function<void()> again = [&] {
    if (++passes < 1000) loop.call_soon(again);
    if (passes == 10)
      loop.call_at(loop.time(), [&] {
        passes_before_timer = passes;
        loop.stop();
      });
  };
  loop.call_soon(again);

  loop.run_forever();

  // The eleventh handle is queued already when the timer is looked at.
  EXPECT_EQ(passes_before_timer, 11);
}

TEST(Scheduler, polls_the_kernel_after_poll_interval_handles_while_handles_keep_coming) {
  for (unsigned interval : {1U, 50U}) {
    Loop loop(virtual_time(interval));
    ReadyPipe pipe;
    int handles = 0;
    int seen_after = -1;
    std::function<void()> again = [&] {
      if (++handles < 1000 && seen_after < 0) loop.call_soon(again);
    };
    loop.add_reader(pipe.reader(), [&] {
      seen_after = handles;
      loop.remove_reader(pipe.reader());
      loop.stop();
    });
    // The first pass polls; after it the clock of handles starts anew.
    loop.remove_reader(pipe.reader());
    loop.call_soon(again);
    loop.call_soon([&] {
      loop.add_reader(pipe.reader(), [&] {
        seen_after = handles;
        loop.stop();
      });
      // As if it had been watched for long.
      loop.scheduler().handles_until_poll = loop.scheduler().poll_interval;
    });

    loop.run_forever();

    EXPECT_LE(seen_after, static_cast<int>(interval) + 2) << "interval " << interval;
    EXPECT_GE(seen_after, static_cast<int>(interval)) << "interval " << interval;
    loop.remove_reader(pipe.reader());
  }
}

// A deadline a second ahead is not compared with the clock each time: saves 10 ns.
TEST(Scheduler, knows_whether_a_deadline_has_come_before_and_after_a_look_at_the_clock) {
  Loop loop;
  detail::Scheduler& scheduler = loop.scheduler();
  const TimePoint long_ago{std::chrono::nanoseconds(1)};
  EXPECT_TRUE(scheduler.has_come(long_ago));
  EXPECT_FALSE(scheduler.has_come(TimePoint::max()));

  const TimePoint now = scheduler.now();

  EXPECT_TRUE(scheduler.has_come(long_ago));
  EXPECT_TRUE(scheduler.has_come(now));
  EXPECT_FALSE(scheduler.has_come(now + std::chrono::seconds(100)));
}

TEST(Scheduler, keeps_the_handles_behind_one_that_interrupts_the_loop) {
  Loop loop;
  std::vector<std::string> order;
  loop.call_soon([&] { order.push_back("before"); });
  loop.call_soon([] { throw KeyboardInterrupt(); });
  loop.call_soon([&] {
    order.push_back("behind");
    loop.stop();
  });
  EXPECT_THROW(loop.run_forever(), KeyboardInterrupt);
  EXPECT_EQ(order, std::vector<std::string>{"before"});
  EXPECT_FALSE(loop.is_running());

  loop.run_forever();

  EXPECT_EQ(order.back(), "behind");
}

TEST(Scheduler, a_system_exit_leaves_the_loop_with_its_code) {
  Loop loop;
  loop.call_soon([] { throw SystemExit(3); });
  try {
    loop.run_forever();
    FAIL() << "went on";
  } catch (const SystemExit& exit) {
    EXPECT_EQ(exit.code(), 3);
  }
}

TEST(Scheduler, stop_ends_the_loop_after_the_pass_and_not_within_it) {
  Loop loop;
  std::vector<std::string> order;
  loop.call_soon([&] {
    loop.stop();
    order.push_back("stopped");
    loop.call_soon([&] { order.push_back("next pass"); });
  });
  loop.call_soon([&] { order.push_back("same pass"); });
  loop.run_forever();
  EXPECT_EQ(order, (std::vector<std::string>{"stopped", "same pass"}));
}

ASYNCIO_TEST(Scheduler, the_budget_runs_out_after_so_many_awaits_and_each_step_renews_it) {
  detail::Scheduler& scheduler = detail::current_scheduler();
  co_await sleep(0s);
  int taken = 0;
  while (scheduler.take_budget()) ++taken;
  EXPECT_EQ(taken, detail::Scheduler::kBudget - 1);
  EXPECT_FALSE(scheduler.take_budget());

  co_await sleep(0s);

  EXPECT_TRUE(scheduler.take_budget());
}

ASYNCIO_TEST(Scheduler, virtual_time_stands_still_while_anything_can_run) {
  Loop& loop = get_running_loop();
  const TimePoint start = loop.time();
  bool fired = false;
  loop.call_later(1ns, [&] { fired = true; });
  for (int i = 0; i < 1000; ++i) co_await sleep(0s);
  EXPECT_EQ(loop.time(), start);
  EXPECT_FALSE(fired);

  co_await sleep(24h);

  EXPECT_TRUE(fired);
  EXPECT_EQ(loop.time(), start + 24h);
}

}  // namespace
}  // namespace asyncio
