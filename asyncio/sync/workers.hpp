// workers.hpp: run_workers, several loops on several threads. C++: Python has processes for this.
#pragma once
#include "asyncio/core/coro_function.hpp"
#include "asyncio/core/runners.hpp"

namespace asyncio {

// Runs main() in `loops` threads, each with a run() and a loop of its own; 0: one a processor.
// Nothing is shared between the loops but main itself, which is called by all of them; to share a
// port, listen with reuse_port.
//
// Returns when all have ended; throws the first exception that ended one. Ctrl-C cancels main()
// in every loop and then throws KeyboardInterrupt. Throws RuntimeError inside a running loop.
void run_workers(unsigned loops, CoroFunction main, RunOptions options = {});

}  // namespace asyncio
