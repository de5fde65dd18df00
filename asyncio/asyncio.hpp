// asyncio.hpp: everything of floors 0 to 4. Python's asyncio in C++20; start at README.md.
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13 && !defined(ASYNCIO_ALLOW_OLD_GCC)
#error \
    "asyncio: GCC before 13 miscompiles coroutines (objects in a co_await expression are \
destroyed twice). Use clang 19 or GCC 13; define ASYNCIO_ALLOW_OLD_GCC to try all the same."
#endif

#include "asyncio/base/clock.hpp"
#include "asyncio/base/errors.hpp"
#include "asyncio/base/logging.hpp"
#include "asyncio/combinators/as_completed.hpp"
#include "asyncio/combinators/exit_stack.hpp"
#include "asyncio/combinators/gather.hpp"
#include "asyncio/combinators/generators.hpp"
#include "asyncio/combinators/shield.hpp"
#include "asyncio/combinators/taskgroups.hpp"
#include "asyncio/combinators/timeouts.hpp"
#include "asyncio/combinators/wait.hpp"
#include "asyncio/combinators/with.hpp"
#include "asyncio/core/context.hpp"
#include "asyncio/core/coroutines.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/core/futures.hpp"
#include "asyncio/core/outcome.hpp"
#include "asyncio/core/runners.hpp"
#include "asyncio/core/sleep.hpp"
#include "asyncio/core/tasks.hpp"
#include "asyncio/debug/call_graph.hpp"
#include "asyncio/net/datagrams.hpp"
#include "asyncio/net/servers.hpp"
#include "asyncio/net/sockets.hpp"
#include "asyncio/net/stream_protocol.hpp"
#include "asyncio/net/streams.hpp"
#include "asyncio/net/tls/ssl.hpp"
#include "asyncio/os/pipes.hpp"
#include "asyncio/os/subprocess.hpp"
#include "asyncio/sync/cross_queue.hpp"
#include "asyncio/sync/locks.hpp"
#include "asyncio/sync/queues.hpp"
#include "asyncio/sync/threads.hpp"
#include "asyncio/sync/workers.hpp"
