// connect.hpp: from an address to a connected socket.
#pragma once
#include <string>

#include "asyncio/core/events.hpp"
#include "asyncio/net/internal/sockets.hpp"
#include "asyncio/net/streams.hpp"

namespace asyncio::detail {

struct ConnectedSocket {
  FileDescriptor fd;  // still registered with the backend: the next watch() takes it over
  Address peer;
};

// Throws OSError with Python's sentence, TimeoutError once `deadline` is over.
Coro<ConnectedSocket> connect_to(Loop& loop, Address peer, ConnectOptions options,
                                 TimePoint deadline);
// Resolves, and tries the addresses one after the other.
Coro<ConnectedSocket> connect_by_name(Loop& loop, std::string host, int port,
                                      ConnectOptions options);
Coro<ConnectedSocket> connect_by_path(Loop& loop, std::string path, ConnectOptions options);
// Takes a connected socket of the caller's over.
ConnectedSocket adopt_socket(Loop& loop, int fd);

}  // namespace asyncio::detail
