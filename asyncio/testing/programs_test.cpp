#include "asyncio/testing/programs.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using Calls = std::vector<std::vector<std::string>>;

ASYNCIO_TEST(FakePrograms, write_and_end_as_they_were_told_and_remember_their_calls) {
  testing::FakePrograms programs;
  programs.add("git", {.out = "it's $main\n", .err = "warning\n", .returncode = 3});

  auto process = co_await create_subprocess_exec({"git", "branch", "--show current", ""},
                                                 {.out = PIPE, .err = PIPE});
  const ProcessOutput output = co_await process.communicate();

  EXPECT_EQ(output.out, "it's $main\n");
  EXPECT_EQ(output.err, "warning\n");
  EXPECT_EQ(process.returncode(), 3);
  EXPECT_EQ(programs.calls("git"), (Calls{{"branch", "--show current", ""}}));
}

ASYNCIO_TEST(FakePrograms, are_found_by_the_shell_too_and_can_be_changed) {
  testing::FakePrograms programs;
  programs.add("cat", {.returncode = 1});
  programs.add("cat", {.out = "changed"});

  auto process = co_await create_subprocess_shell("cat one; cat two three", {.out = PIPE});

  EXPECT_EQ((co_await process.communicate()).out, "changedchanged");
  EXPECT_EQ(programs.calls("cat"), (Calls{{"one"}, {"two", "three"}}));
}

ASYNCIO_TEST(FakePrograms, read_what_they_are_given) {
  testing::FakePrograms programs;
  programs.add("upper", {.out = "> ", .echoes_input = true});
  programs.add("sink", {.reads_input = true});

  auto upper = co_await create_subprocess_exec({"upper"}, {.in = PIPE, .out = PIPE});
  auto sink = co_await create_subprocess_exec({"sink"}, {.in = PIPE});

  EXPECT_EQ((co_await upper.communicate("text")).out, "> text");
  co_await sink.communicate(std::string(200'000, 'x'));
  EXPECT_EQ(sink.returncode(), 0);
}

ASYNCIO_TEST(FakePrograms, hang_until_a_signal_ends_them_or_end_by_one) {
  testing::FakePrograms programs;
  programs.add("hangs", {.out = "up\n", .hangs = true});
  programs.add("dies", {.returncode = -SIGKILL});

  auto hangs = co_await create_subprocess_exec({"hangs"}, {.out = PIPE});
  EXPECT_EQ(co_await hangs.out().readline(), "up\n");
  hangs.terminate();
  auto dies = co_await create_subprocess_exec({"dies"});

  EXPECT_EQ(co_await hangs.wait(), -SIGTERM);
  EXPECT_EQ(co_await dies.wait(), -SIGKILL);
}

TEST(FakePrograms, are_gone_afterwards) {
  const std::string before = std::getenv("PATH");
  {
    testing::FakePrograms programs;
    programs.add("only-in-this-test");
    EXPECT_EQ(std::system("only-in-this-test"), 0);
  }
  EXPECT_EQ(std::getenv("PATH"), before);
  EXPECT_NE(std::system("only-in-this-test 2>/dev/null"), 0);
}

TEST(FakePrograms, a_path_cannot_be_replaced) {
  testing::FakePrograms programs;

  EXPECT_THROW(programs.add("/bin/ls"), ValueError);
  EXPECT_THROW(programs.add(""), ValueError);
}

}  // namespace
}  // namespace asyncio
