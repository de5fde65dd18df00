// streams.hpp: two streams that are connected to each other, for testing what talks over one.
#pragma once
#include "asyncio/net/streams.hpp"

namespace asyncio::testing {

struct StreamPair {
  Connection first, second;  // what one writes, the other reads
};

// On the running loop, without a server: in memory in a test of this kit, elsewhere a
// socketpair(2). Back-pressure, half-close and resets are those of a socket.
StreamPair memory_stream_pair();

}  // namespace asyncio::testing
