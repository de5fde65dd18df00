// sockets.hpp: awaiting the readiness of a file descriptor that the caller owns; what
// Loop::sock_recv() and its kind are made of. Streams and transports are faster and easier.
#pragma once
#include "asyncio/core/events.hpp"
#include "asyncio/net/address.hpp"

namespace asyncio {

// Until reading (writing) would not block. One waiter for each fd and direction; a reader or
// writer callback of the fd is replaced. Cancellation: leaves nothing behind.
Coro<> wait_readable(int fd);
Coro<> wait_writable(int fd);

}  // namespace asyncio
