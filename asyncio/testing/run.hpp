// run.hpp: runs a test on a loop of its own with virtual time, and looks for what it left behind.
#pragma once
#include <string>
#include <vector>

#include "asyncio/core/coro_function.hpp"
#include "asyncio/core/coroutines.hpp"
#include "asyncio/core/tasks.hpp"

namespace asyncio::testing {

struct RunResult {
  std::exception_ptr error;           // what left the body; null if nothing did
  std::vector<std::string> leftover;  // tasks that were pending when the body ended
};

// Independent of any test framework. The leftover tasks are cancelled and waited for.
RunResult run(Coro<> body);

// For ASYNCIO_TEST: reports to GoogleTest. Returns the number of failures reported.
int run_test(Coro<> body);

// Waits until every other task waits for something that only time or the outside can bring.
// Cancellation: leaves the wait. Several may wait; each gets a turn of its own.
Coro<> all_tasks_blocked();

// Runs test() again and again, as a task that is cancelled at its first, second, ... suspension,
// until it ends without being reached. Throws RuntimeError where a run hangs, or leaves a task
// that cannot be cancelled; an exception other than CancelledError that leaves a run is thrown on.
Coro<> cancel_everywhere(CoroFunction test);

}  // namespace asyncio::testing
