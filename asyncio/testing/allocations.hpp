// allocations.hpp: memory that runs out at each place in turn.
//
//   TEST(Parser, survives_without_memory) {
//     asyncio::testing::fail_each_allocation([]() -> asyncio::Coro<> { ... });
//   }
//
// A program that uses this gets our operator new, which is malloc() with a switch.
#pragma once
#include <string>

#include "asyncio/core/coro_function.hpp"
#include "asyncio/testing/run.hpp"

namespace asyncio::testing {

struct AllocationReport {
  int failures = 0;  // allocations that were failed, one a run
  int errors = 0;    // runs that ended with an exception; the others got on without
};

// Runs test() in a fresh world again and again; its first, second, ... allocation on this thread
// throws std::bad_alloc, until a run needs no more. What leaves a run may be any exception.
// Throws RuntimeError where a run hangs, leaves files open, or the last one, which
// lacked nothing, fails. Not inside of a running loop.
AllocationReport fail_each_allocation(CoroFunction test, TestOptions options = {});

}  // namespace asyncio::testing
