// happy_eyeballs.hpp: several addresses, one connection: in a row, or in a staggered race
// (RFC 8305; Python's staggered_race).
#pragma once
#include <cstddef>
#include <exception>
#include <optional>
#include <vector>

#include "asyncio/net/internal/connect.hpp"

namespace asyncio::detail {

// The families in turn, in the order of their first addresses, which stay `first_count` to begin
// with (RFC 8305, section 4; Python's interleave=).
std::vector<Address> interleaved(std::vector<Address> addresses, std::size_t first_count);

// What happened to one address: errors of bind and connect.
using ConnectErrors = std::vector<std::exception_ptr>;

struct RaceResult {
  std::optional<ConnectedSocket> winner;
  ConnectErrors errors;  // where nobody won: by address, in the order of the attempts
};

// One after the other. Goes on at an error, until the deadline.
Coro<RaceResult> connect_in_a_row(Loop& loop, std::vector<Address> addresses, ConnectPlan plan);
// The next attempt begins `delay` after the last one, or once that failed. The first success
// cancels the others, and all are closed when this returns or throws.
Coro<RaceResult> connect_in_a_race(Loop& loop, std::vector<Address> addresses, ConnectPlan plan,
                                   Duration delay);

}  // namespace asyncio::detail
