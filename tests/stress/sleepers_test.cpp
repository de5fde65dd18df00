// A million tasks that sleep at once, in virtual time.
#include <gtest/gtest.h>

#include <vector>

#include "asyncio/testing.hpp"
#include "tests/stress/sizes.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

constexpr int kTasks = stress::times(1'000'000);

// Deadlines that are neither sorted nor distinct.
Duration delay_of(int number) { return 1s + 1ms * ((number * 7919LL) % 10'007); }

ASYNCIO_TEST(Sleepers, a_million_wake_by_their_deadlines_and_none_is_lost) {
  int awake = 0;
  int too_early = 0;
  TimePoint last = get_running_loop().time();
  auto sleeper = [&](int number) -> Coro<> {
    const TimePoint due = get_running_loop().time() + delay_of(number);
    co_await sleep(delay_of(number));
    const TimePoint now = get_running_loop().time();
    if (now < due || now < last) ++too_early;
    last = now;
    ++awake;
  };
  std::vector<Task<>> tasks;
  tasks.reserve(kTasks);
  for (int i = 0; i < kTasks; ++i) tasks.push_back(create_task(sleeper(i)));

  co_await sleep(30s);

  EXPECT_EQ(awake, kTasks);
  EXPECT_EQ(too_early, 0);
  EXPECT_EQ(all_tasks().size(), 1U);
}

ASYNCIO_TEST(Sleepers, a_million_are_cancelled_and_leave_no_timer) {
  auto sleeper = []() -> Coro<> { co_await sleep(1h); };
  std::vector<Task<>> tasks;
  tasks.reserve(kTasks);
  for (int i = 0; i < kTasks; ++i) tasks.push_back(create_task(sleeper()));
  co_await sleep(1s);

  for (Task<>& task : tasks) task.cancel();
  co_await sleep(1s);

  int cancelled = 0;
  for (Task<>& task : tasks) cancelled += task.cancelled() ? 1 : 0;
  EXPECT_EQ(cancelled, kTasks);
  EXPECT_TRUE(get_running_loop().scheduler().timers.empty());
}

ASYNCIO_TEST(Sleepers, dropping_the_handles_loses_nobody) {
  int awake = 0;
  auto sleeper = [&](int number) -> Coro<> {
    co_await sleep(delay_of(number));
    ++awake;
  };
  for (int i = 0; i < kTasks; ++i) create_task(sleeper(i));
  co_await sleep(30s);
  EXPECT_EQ(awake, kTasks);
}

}  // namespace
}  // namespace asyncio
