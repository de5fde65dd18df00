#include "asyncio/testing/streams.hpp"

#include <utility>

#include "asyncio/core/events.hpp"

namespace asyncio::testing {

StreamPair memory_stream_pair() {
  auto [first, second] = detail::make_stream_pair(get_running_loop());
  return {std::move(first), std::move(second)};
}

}  // namespace asyncio::testing
