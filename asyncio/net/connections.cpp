// connections.cpp: open_connection() and its kind.
#include <memory>

#include "asyncio/base/errors.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/net/internal/connect.hpp"
#include "asyncio/net/internal/socket_transport.hpp"
#include "asyncio/net/servers.hpp"
#include "asyncio/net/streams.hpp"

namespace asyncio {
namespace detail {
namespace {

using Connecting = Coro<ConnectedSocket>;

Connection make_stream(Loop& loop, ConnectedSocket socket, std::size_t limit) {
  StatePtr<StreamState> stream(new StreamState(limit));
  auto transport = std::make_shared<SocketTransport>(loop.scheduler(), std::move(socket.fd),
                                                     std::move(socket.peer));
  Connection connection{StreamReader(*stream), StreamWriter(*stream)};
  transport->start_stream(*stream);
  return connection;
}

// connection_made() is called before this returns, as in Python.
Coro<std::shared_ptr<Transport>> make_transport(Loop& loop, std::shared_ptr<Protocol> protocol,
                                                ConnectedSocket socket) {
  auto transport = std::make_shared<SocketTransport>(loop.scheduler(), std::move(socket.fd),
                                                     std::move(socket.peer));
  transport->start_protocol(std::move(protocol));
  Future<> made(loop);
  loop.call_soon([made] {
    if (!made.done()) made.set_result();
  });
  try {
    co_await made;
  } catch (...) {
    transport->close();
    throw;
  }
  co_return transport;
}

Coro<ConnectedSocket> connect_or_adopt(Loop& loop, std::string host, int port,
                                       ConnectOptions options) {
  if (options.sock < 0) co_return co_await connect_by_name(loop, std::move(host), port, options);
  if (!host.empty() || port != 0)
    throw ValueError("host/port and sock can not be specified at the same time");
  co_return adopt_socket(loop, options.sock);
}

}  // namespace

Coro<std::shared_ptr<Transport>> create_protocol_connection(Loop& loop,
                                                            std::shared_ptr<Protocol> protocol,
                                                            std::string host, int port,
                                                            ConnectOptions options) {
  ConnectedSocket socket =
      co_await connect_or_adopt(loop, std::move(host), port, std::move(options));
  co_return co_await make_transport(loop, std::move(protocol), std::move(socket));
}

Coro<std::shared_ptr<Transport>> create_protocol_unix_connection(Loop& loop,
                                                                 std::shared_ptr<Protocol> protocol,
                                                                 std::string path,
                                                                 ConnectOptions options) {
  ConnectedSocket socket = co_await connect_by_path(loop, std::move(path), std::move(options));
  co_return co_await make_transport(loop, std::move(protocol), std::move(socket));
}

std::pair<Connection, Connection> make_stream_pair(Loop& loop) {
  IoBackend& backend = loop.backend();
  int first = -1;
  int second = -1;
  const int result = backend.open_socket_pair(first, second);
  if (result != 0) throw_os_error(-result, "socketpair");
  ConnectedSocket one{FileDescriptor(first, &backend), {}};
  ConnectedSocket other{FileDescriptor(second, &backend), {}};
  one.peer = peer_name(backend, first);
  other.peer = peer_name(backend, second);
  return {make_stream(loop, std::move(one), kDefaultStreamLimit),
          make_stream(loop, std::move(other), kDefaultStreamLimit)};
}

}  // namespace detail

ASYNCIO_CORO_WRAPPER Coro<Connection> open_connection(std::string host, int port) {
  return open_connection(std::move(host), port, ConnectOptions{});
}

Coro<Connection> open_connection(std::string host, int port, ConnectOptions options) {
  Loop& loop = get_running_loop();
  const std::size_t limit = options.limit;
  detail::ConnectedSocket socket =
      co_await detail::connect_or_adopt(loop, std::move(host), port, std::move(options));
  co_return detail::make_stream(loop, std::move(socket), limit);
}

ASYNCIO_CORO_WRAPPER Coro<Connection> open_connection(ConnectOptions options) {
  if (options.sock < 0) throw ValueError("host and port was not specified and no sock specified");
  return open_connection(std::string(), 0, std::move(options));
}

ASYNCIO_CORO_WRAPPER Coro<Connection> open_unix_connection(std::string path) {
  return open_unix_connection(std::move(path), ConnectOptions{});
}

Coro<Connection> open_unix_connection(std::string path, ConnectOptions options) {
  Loop& loop = get_running_loop();
  const std::size_t limit = options.limit;
  detail::ConnectedSocket socket =
      co_await detail::connect_by_path(loop, std::move(path), std::move(options));
  co_return detail::make_stream(loop, std::move(socket), limit);
}

}  // namespace asyncio
