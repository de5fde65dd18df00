// run.hpp: runs a test on a loop of its own, in a world of its own, and looks for what it left
// behind. Knows no test framework: ASYNCIO_TEST stands on it, and others can.
//
//   asyncio::testing::RunResult result = asyncio::testing::run(my_test());
//   if (!result.ok()) std::puts(result.message().c_str());
//
// The world has virtual time, which jumps when all tasks wait, and a network in memory
// (network.hpp). Seed 0 is calm: bytes come whole, and in order of arrival. Any other seed cuts
// streams and shuffles what is unordered, the same way each time.
#pragma once
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "asyncio/core/coro_function.hpp"
#include "asyncio/core/coroutines.hpp"
#include "asyncio/core/tasks.hpp"

namespace asyncio::testing {

struct TestOptions {
  // Default: --seed=N of the command line, then ASYNCIO_TEST_SEED, then 0.
  std::optional<std::uint64_t> seed = {};
  // Of loop time, so that the machine's speed does not matter; TimeoutError beyond it.
  Duration timeout = Duration::max();
  // Of real time, for what never ends; then the tasks are named. 0: no limit.
  std::chrono::seconds real_timeout{60};
  bool simulated_network = true;  // false: real sockets
  // With a seed, and the simulated network: tasks that are woken run in any order, not in that of
  // their wake-ups. Default: --shuffle-tasks of the command line, then
  // ASYNCIO_TEST_SHUFFLE_TASKS=1.
  std::optional<bool> shuffles_tasks = {};
  bool finds_leaks = true;  // of tasks, sockets and files
};

struct RunResult {
  std::exception_ptr error = {};           // what left the body; null if nothing did
  std::vector<std::string> leftover = {};  // tasks that were pending when the body ended
  std::vector<std::string> sockets = {};   // of the simulated network that were open still
  std::vector<std::string> files = {};     // file descriptors that are open since
  std::uint64_t seed = 0;
  std::uint64_t trace_hash = 0;  // of what the simulated network did

  bool ok() const noexcept {
    return !error && leftover.empty() && sockets.empty() && files.empty();
  }
  std::vector<std::string> problems() const;  // a sentence each, with the cure
  std::string message() const;                // all of them, and the seed
};

// The leftover tasks are cancelled and waited for.
RunResult run(Coro<> body);
RunResult run(Coro<> body, TestOptions options);

// Of the running test, for choices of its own.
std::uint64_t seed() noexcept;

// Waits until every other task waits for something that only time or the outside can bring.
// Cancellation: leaves the wait. Several may wait; each gets a turn of its own.
Coro<> all_tasks_blocked();

// Runs test() again and again, as a task that is cancelled at its first, second, ... suspension,
// until it ends without being reached. Throws RuntimeError where a run hangs, or leaves a task
// that cannot be cancelled; an exception other than CancelledError that leaves a run is thrown on.
Coro<> cancel_everywhere(CoroFunction test);

}  // namespace asyncio::testing
