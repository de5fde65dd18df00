// Programs with children, folders and names, while the system calls that the library makes for them
// fail one after the other, and the backend's watching too. Real kernel, real time: each run ends
// within seconds, leaves no descriptor and no child, and comes to its result where the fault was
// harmless.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>

#include "scenarios.hpp"
#include "system_calls.hpp"
#include "tests/support.hpp"

namespace asyncio::fault_test {
namespace {

using asyncio::tests::open_files;
using testing::Fault;
using testing::FaultPlan;

bool has_children() { return ::waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD; }

// Without a pidfd a thread waits, as the documentation says: the program comes to its result. A
// process that cannot be made (EAGAIN) is not tried again.
bool is_harmless(const Fault& fault) {
  if (fault.operation == "posix_spawn") return false;
  return fault.operation == "pidfd_open" || FaultPlan(fault).is_harmless();
}

Coro<bool> within_seconds(Coro<> scenario) {
  const auto ended = co_await move_on_after(5s, std::move(scenario));
  co_return ended.has_value();
}

struct Run {
  bool injected = false;
  std::string complaint;  // empty: all is well
};

Run run_once(const Scenario& scenario, const Fault& fault, Backend backend) {
  const std::string what = std::string(scenario.name) + ", " + FaultPlan(fault).describe();
  Run result;
  const tests::LogCapture log;
  const int files = open_files();
  {
    const SystemFault armed(fault);
    try {
      if (!run(within_seconds(scenario.run()), {.backend = backend}))
        result.complaint = " hangs: five seconds have passed";
    } catch (const WrongResult& wrong) {
      result.complaint = std::string(" wrong: ") + wrong.what();
    } catch (...) {
      if (!armed.injected() || is_harmless(fault))
        result.complaint = " throws " + describe(std::current_exception());
    }
    result.injected = armed.injected();
  }
  if (open_files() != files) result.complaint += " leaves a file";
  if (has_children()) result.complaint += " leaves a child";
  if (!result.complaint.empty()) result.complaint = what + ":" + result.complaint;
  return result;
}

// Gives how many faults there were.
int sweep(Backend backend, int stride) {
  int injected = 0;
  for (const Scenario& scenario : system_scenarios()) {
    EXPECT_EQ(run_once(scenario, {}, backend).complaint, "");
    for (const auto& operation : system_calls())
      for (const int error : operation.errors)
        for (int call = 1;; call += stride) {
          const Run run = run_once(scenario, {operation.name, call, error}, backend);
          EXPECT_EQ(run.complaint, "");
          if (!run.injected || ::testing::Test::HasFailure()) break;
          ++injected;
        }
  }
  std::printf("%d system calls failed\n", injected);
  return injected;
}

TEST(SystemCalls, that_fail_leave_no_child_and_no_file_on_epoll) {
  EXPECT_GE(sweep(Backend::epoll, 3), 100);
}

TEST(SystemCalls, that_fail_leave_no_child_and_no_file_on_io_uring) {
  EXPECT_GE(sweep(Backend::io_uring, 7), 60);
}

}  // namespace
}  // namespace asyncio::fault_test
