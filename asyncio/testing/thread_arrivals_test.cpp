// What threads post comes in an order that the seed decides, where none was promised.
#include <gtest/gtest.h>

#include <barrier>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "asyncio/asyncio.hpp"
#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

Coro<> adds(std::string& text, char letter, Future<> when) {
  co_await when;
  text += letter;
}

// The order in which three calls of an executor are heard of. Each has a thread of its own, and
// all are over before the loop looks, so that nothing but the seed decides.
Coro<> hear_of_three(std::string& heard) {
  ThreadPoolExecutor executor(3);
  auto all_run = std::make_shared<std::barrier<>>(3);
  std::vector<Task<>> tasks;
  for (const char letter : {'a', 'b', 'c'})
    tasks.push_back(create_task(adds(
        heard, letter,
        get_running_loop().run_in_executor(executor, [all_run] { all_run->arrive_and_wait(); }))));
  while (!executor.is_idle()) std::this_thread::yield();
  for (auto& task : tasks) co_await task;
}

std::string order_of_three(std::uint64_t seed) {
  std::string heard;
  const testing::RunResult result = testing::run(hear_of_three(heard), {.seed = seed});
  EXPECT_TRUE(result.ok()) << result.message();
  return heard;
}

TEST(ThreadArrivals, of_an_executor_come_in_an_order_that_the_seed_decides) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::string order = order_of_three(seed);
    EXPECT_EQ(order_of_three(seed), order) << seed;
    seen.insert(order);
  }
  EXPECT_GT(seen.size(), 3U);
}

// Otherwise what a thread relies on rightly would fail under some seed.
TEST(ThreadArrivals, of_one_thread_keep_their_order_under_every_seed) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::string text;
    const auto body = [](std::string& to) -> Coro<> {
      Loop& loop = get_running_loop();
      co_await to_thread([&loop, &to] {
        for (char letter = 'a'; letter <= 'z'; ++letter)
          loop.call_soon_threadsafe([&to, letter] { to += letter; });
      });
    };

    const testing::RunResult result = testing::run(body(text), {.seed = seed});

    EXPECT_TRUE(result.ok()) << result.message();
    EXPECT_EQ(text, "abcdefghijklmnopqrstuvwxyz") << seed;
  }
}

Coro<int> answer() { co_return 42; }

// The loop waits a moment for the other one, and must not wait for ever.
TEST(ThreadArrivals, a_thread_that_waits_for_the_loop_gets_its_answer) {
  int got = 0;
  const auto body = [](int& to) -> Coro<> {
    Loop& loop = get_running_loop();
    to = co_await to_thread([&loop] { return run_coroutine_threadsafe(answer(), loop).result(); });
  };

  const testing::RunResult result = testing::run(body(got), {.seed = 1});

  EXPECT_TRUE(result.ok()) << result.message();
  EXPECT_EQ(got, 42);
}

}  // namespace
}  // namespace asyncio
