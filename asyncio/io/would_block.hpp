// would_block.hpp: what a non-blocking call says where there is nothing to do for now.
#pragma once
#include <cerrno>
#include <cstdint>

namespace asyncio::detail {

// Of a result as backends give it: -errno where the call failed.
constexpr bool would_block(std::int64_t result) noexcept {
  return result == -EAGAIN || result == -EWOULDBLOCK;
}

}  // namespace asyncio::detail
