#include "asyncio/net/transports.hpp"

#include "asyncio/base/errors.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/core/futures.hpp"

namespace asyncio::detail {

WaterMarks water_marks(WriteBufferLimits limits) {
  const std::size_t high = limits.high  ? *limits.high
                           : limits.low ? 4 * *limits.low
                                        : WaterMarks().high;
  const std::size_t low = limits.low ? *limits.low : high / 4;
  if (high < low)
    throw ValueError("high (" + std::to_string(high) + ") must be >= low (" + std::to_string(low) +
                     ") must be >= 0");
  return {high, low};
}

// The transport queued that call before: in the next pass it comes before ours.
Coro<> wait_until_made(Loop& loop, BaseTransport& transport) {
  Future<> made(loop);
  loop.call_soon([made] {
    if (!made.done()) made.set_result();
  });
  try {
    co_await made;
  } catch (...) {
    transport.close();
    throw;
  }
}

}  // namespace asyncio::detail
