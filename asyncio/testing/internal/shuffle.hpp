// shuffle.hpp: woken tasks in any order, for TestOptions::shuffles_tasks.
#pragma once
#include "asyncio/base/random.hpp"

namespace asyncio::testing::internal {

// Tasks that are in the ready queue of the running loop change places with each other. Callbacks
// keep theirs: what call_soon() promises holds, and so does what stands on it, as transports do.
void shuffle_ready_tasks(detail::Random& random);

}  // namespace asyncio::testing::internal
