#include "asyncio/testing/cases.hpp"

#include <fcntl.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

// ---- fixtures

class Diary : public testing::AsyncFixture {
 protected:
  Coro<> set_up() override {
    co_await sleep(1s);
    lines.emplace_back("set up");
  }
  Coro<> tear_down() override {
    co_await sleep(1s);
    lines.emplace_back("torn down");
  }
  std::vector<std::string> lines;
};

ASYNCIO_TEST_F(Diary, is_set_up_on_the_loop_of_the_test) {
  EXPECT_EQ(lines, std::vector<std::string>{"set up"});
  co_await sleep(1s);
}

ASYNCIO_TEST_F(Diary, is_a_new_one_for_each_test) {
  EXPECT_EQ(lines.size(), 1U);
  co_return;
}

TEST_F(Diary, is_torn_down_even_when_the_test_throws) {
  EXPECT_NONFATAL_FAILURE(testing::run_test(*this, CoroFunction([this]() -> Coro<> {
                            lines.emplace_back("ran");
                            throw ValueError("broken");
                            co_return;
                          })),
                          "the test threw ValueError: broken");
  EXPECT_EQ(lines, (std::vector<std::string>{"set up", "ran", "torn down"}));
}

class Squares : public testing::AsyncFixtureWithParam<int> {};

ASYNCIO_TEST_P(Squares, are_never_negative, .timeout = 1h) {
  co_await sleep(1s);
  EXPECT_GE(GetParam() * GetParam(), 0);
}

INSTANTIATE_TEST_SUITE_P(Numbers, Squares, ::testing::Values(-1, 0, 1));

class PlainFixture : public ::testing::Test {
 protected:
  int answer = 42;
};

ASYNCIO_TEST_F(PlainFixture, works_as_well) {
  co_await sleep(1s);
  EXPECT_EQ(answer, 42);
}

// ---- limits

Coro<> two_hours() { co_await sleep(2h); }

TEST(TestLimits, a_test_that_takes_too_long_in_its_own_time_fails) {
  const testing::RunResult result = testing::run(two_hours(), {.timeout = 1h});
  EXPECT_EQ(describe(result.error),
            "TimeoutError: the test did not end within 3600.000000 s of loop time");
  EXPECT_TRUE(testing::run(two_hours(), {.timeout = 3h}).ok());
}

TEST(TestLimits, a_test_that_waits_for_ever_fails_and_its_tasks_are_named) {
  const testing::RunResult result = testing::run(
      []() -> Coro<> {
        current_task()->set_name("stuck");
        co_await Future<>();
      }(),
      {.real_timeout = std::chrono::seconds(1)});
  const std::string error = describe(result.error);
  EXPECT_EQ(error.find("TimeoutError: the test did not end within 1 s of real time\n  pending: "
                       "<Task pending name='stuck'"),
            0U)
      << error;
}

// So a deadlock says what it is.
TEST(TestLimits, a_test_that_waits_for_ever_prints_who_waits_for_whom) {
  const testing::RunResult result = testing::run(
      []() -> Coro<> {
        Lock lock;
        current_task()->set_name("main");
        co_await lock.acquire();
        auto stuck = create_task([&]() -> Coro<> { co_await lock.acquire(); });
        stuck.set_name("stuck");
        co_await stuck;
      }(),
      {.real_timeout = std::chrono::seconds(1)});
  const std::string error = describe(result.error);
  EXPECT_NE(error.find("cases_test.cpp:"), std::string::npos) << error;
  EXPECT_NE(error.find("\n    waits for Lock.acquire (held by main)\n    awaited by main"),
            std::string::npos)
      << error;
}

// Otherwise a sweep of ten thousand runs would make ten thousand threads.
TEST(TestLimits, all_tests_of_a_process_share_the_thread_that_looks_at_the_clock) {
  std::ptrdiff_t threads = 0;
  const auto count = [&threads]() -> Coro<> {
    const std::filesystem::directory_iterator all("/proc/self/task");
    threads = std::distance(begin(all), end(all));
    co_return;
  };

  testing::run(count());
  const std::ptrdiff_t of_one_test = threads;
  testing::run([&]() -> Coro<> {
    std::thread([&] { testing::run(count()); }).join();
    co_return;
  }());

  EXPECT_EQ(threads, of_one_test + 1);  // the one that the inner test runs in
}

// ---- leaks

TEST(TestLeaks, sockets_that_stay_open_are_named) {
  const testing::RunResult result = testing::run([]() -> Coro<> {
    co_await start_server([](StreamReader, StreamWriter) {}, "127.0.0.1", 80);
  }());
  EXPECT_EQ(result.problems(),
            std::vector<std::string>{"the test left a listening socket 127.0.0.1:80 on host "
                                     "'localhost' open\n  cure: close() the server or the writer"});
}

TEST(TestLeaks, file_descriptors_that_stay_open_are_named) {
  int fd = -1;
  const testing::RunResult result = testing::run([&fd]() -> Coro<> {
    fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    co_return;
  }());
  ASSERT_EQ(result.files, std::vector<std::string>{std::to_string(fd) + " (/dev/null)"});
  ::close(fd);
}

// ---- seeds

// Runs these cases in a process of their own, with the arguments of a user.
std::string output_of(const std::string& arguments) {
  const std::string command =
      "UNLUCKY=1 /proc/" + std::to_string(::getpid()) + "/exe --gtest_color=no " + arguments;
  std::string output;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  char part[512];
  while (std::fgets(part, sizeof part, pipe) != nullptr) output += part;
  ::pclose(pipe);
  return output;
}

ASYNCIO_TEST(Unlucky, fails_under_some_seeds) {
  if (std::getenv("UNLUCKY") != nullptr) EXPECT_NE(testing::seed() % 7, 4U);
  co_return;
}

TEST(TestSeeds, a_search_ends_at_the_first_seed_that_fails_and_says_how_to_repeat_it) {
  const std::string filter = "--gtest_filter=Unlucky.fails_under_some_seeds";
  const std::string searched = output_of(filter + " --seeds=100");
  EXPECT_NE(searched.find("seed 4; to see it again:"), std::string::npos) << searched;
  EXPECT_NE(searched.find(filter + " --seed=4\n"), std::string::npos) << searched;
  EXPECT_NE(output_of(filter + " --seed=4").find("FAILED"), std::string::npos);
  EXPECT_EQ(output_of(filter + " --seed=5").find("FAILED"), std::string::npos);
  EXPECT_EQ(output_of(filter).find("FAILED"), std::string::npos);  // seed 0
  EXPECT_EQ(output_of(filter + " --seeds=3").find("FAILED"), std::string::npos);
}

}  // namespace
}  // namespace asyncio
