// connections.cpp: open_connection() and its kind.
#include <memory>

#include "asyncio/base/errors.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/net/internal/connect.hpp"
#include "asyncio/net/internal/socket_transport.hpp"
#include "asyncio/net/internal/tls_transport.hpp"
#include "asyncio/net/servers.hpp"
#include "asyncio/net/streams.hpp"

namespace asyncio {
namespace detail {
namespace {

using Connecting = Coro<ConnectedSocket>;

// The socket's transport with TLS on top, connected to nobody yet.
struct SecureSocket {
  std::shared_ptr<SocketTransport> socket;
  std::shared_ptr<TlsTransport> tls;
};

SecureSocket make_secure(Loop& loop, ConnectedSocket socket, TlsSetup setup) {
  return {SocketTransport::make(loop.scheduler(), std::move(socket.fd),
                                            std::move(socket.peer)),
          std::make_shared<TlsTransport>(loop, std::move(setup))};
}

Coro<> shake_hands(Loop& loop, SecureSocket secure, TimePoint deadline) {
  Future<> done(loop);
  done.state()->set_purpose(FuturePurpose::handshake);
  const DeadlineScope limit(loop, deadline, done,
                            "TLS handshake with " + secure.socket->peername().repr());
  secure.tls->attach(secure.socket, tell(done));
  secure.socket->start_protocol(secure.tls);
  try {
    co_await done;
  } catch (...) {
    secure.tls->abort();
    throw;
  }
}

Coro<Connection> make_tls_stream(Loop& loop, ConnectedSocket socket, TlsSetup setup,
                                 std::size_t limit, TimePoint deadline) {
  StatePtr<StreamState> stream(new StreamState(limit));
  SecureSocket secure = make_secure(loop, std::move(socket), std::move(setup));
  Connection connection{StreamReader(*stream), StreamWriter(*stream)};
  secure.tls->start_stream(*stream);
  co_await shake_hands(loop, std::move(secure), deadline);
  co_return connection;
}

Coro<std::shared_ptr<Transport>> make_tls_transport(Loop& loop, std::shared_ptr<Protocol> protocol,
                                                    ConnectedSocket socket, TlsSetup setup,
                                                    TimePoint deadline) {
  SecureSocket secure = make_secure(loop, std::move(socket), std::move(setup));
  const std::shared_ptr<TlsTransport> tls = secure.tls;
  tls->set_protocol(std::move(protocol));
  co_await shake_hands(loop, std::move(secure), deadline);
  co_return tls;
}

Connection make_stream(Loop& loop, ConnectedSocket socket, std::size_t limit) {
  StatePtr<StreamState> stream(new StreamState(limit));
  auto transport = SocketTransport::make(loop.scheduler(), std::move(socket.fd),
                                                     std::move(socket.peer));
  Connection connection{StreamReader(*stream), StreamWriter(*stream)};
  transport->start_stream(*stream);
  return connection;
}

// connection_made() is called before this returns, as in Python.
Coro<std::shared_ptr<Transport>> make_transport(Loop& loop, std::shared_ptr<Protocol> protocol,
                                                ConnectedSocket socket) {
  auto transport = SocketTransport::make(loop.scheduler(), std::move(socket.fd),
                                                     std::move(socket.peer));
  transport->start_protocol(std::move(protocol));
  co_await wait_until_made(loop, *transport);
  co_return transport;
}

Coro<ConnectedSocket> connect_to_path(Loop& loop, std::string path, ConnectOptions options) {
  if (options.sock < 0 && path.empty()) throw ValueError("no path and sock were specified");
  if (options.sock < 0)
    co_return co_await connect_by_path(loop, std::move(path), std::move(options));
  if (!path.empty()) throw ValueError("path and sock can not be specified at the same time");
  ConnectedSocket socket = adopt_socket(loop, options.sock);
  if (socket_name(loop.backend(), options.sock).family() == Address::Family::unix_path)
    co_return socket;
  socket.fd.release();  // the caller's still
  throw ValueError("A UNIX Domain Stream Socket was expected, got fd " +
                   std::to_string(options.sock));
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
  const TimePoint deadline = deadline_after(loop, options.timeout);
  std::optional<TlsSetup> setup = client_setup(options, host);
  ConnectedSocket socket =
      co_await connect_or_adopt(loop, std::move(host), port, std::move(options));
  if (setup)
    co_return co_await make_tls_transport(loop, std::move(protocol), std::move(socket),
                                          std::move(*setup), deadline);
  co_return co_await make_transport(loop, std::move(protocol), std::move(socket));
}

Coro<std::shared_ptr<Transport>> create_protocol_unix_connection(Loop& loop,
                                                                 std::shared_ptr<Protocol> protocol,
                                                                 std::string path,
                                                                 ConnectOptions options) {
  const TimePoint deadline = deadline_after(loop, options.timeout);
  std::optional<TlsSetup> setup = client_setup(options, "");
  ConnectedSocket socket = co_await connect_to_path(loop, std::move(path), std::move(options));
  if (setup)
    co_return co_await make_tls_transport(loop, std::move(protocol), std::move(socket),
                                          std::move(*setup), deadline);
  co_return co_await make_transport(loop, std::move(protocol), std::move(socket));
}

Coro<std::shared_ptr<Transport>> adopt_protocol_connection(Loop& loop,
                                                           std::shared_ptr<Protocol> protocol,
                                                           int fd, ServerOptions options) {
  std::optional<TlsSetup> setup = server_setup(options);
  ConnectedSocket socket = adopt_socket(loop, fd);
  if (setup)
    co_return co_await make_tls_transport(loop, std::move(protocol), std::move(socket),
                                          std::move(*setup), TimePoint::max());
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
  const TimePoint deadline = detail::deadline_after(loop, options.timeout);
  std::optional<detail::TlsSetup> setup = detail::client_setup(options, host);
  detail::ConnectedSocket socket =
      co_await detail::connect_or_adopt(loop, std::move(host), port, std::move(options));
  if (setup)
    co_return co_await detail::make_tls_stream(loop, std::move(socket), std::move(*setup), limit,
                                               deadline);
  co_return detail::make_stream(loop, std::move(socket), limit);
}

ASYNCIO_CORO_WRAPPER Coro<Connection> open_connection(ConnectOptions options) {
  if (options.sock < 0) throw ValueError("host and port was not specified and no sock specified");
  return open_connection(std::string(), 0, std::move(options));
}

ASYNCIO_CORO_WRAPPER Coro<Connection> open_unix_connection(std::string path) {
  return open_unix_connection(std::move(path), ConnectOptions{});
}

ASYNCIO_CORO_WRAPPER Coro<Connection> open_unix_connection(ConnectOptions options) {
  return open_unix_connection(std::string(), std::move(options));
}

Coro<Connection> open_unix_connection(std::string path, ConnectOptions options) {
  Loop& loop = get_running_loop();
  const std::size_t limit = options.limit;
  const TimePoint deadline = detail::deadline_after(loop, options.timeout);
  std::optional<detail::TlsSetup> setup = detail::client_setup(options, "");
  detail::ConnectedSocket socket =
      co_await detail::connect_to_path(loop, std::move(path), std::move(options));
  if (setup)
    co_return co_await detail::make_tls_stream(loop, std::move(socket), std::move(*setup), limit,
                                               deadline);
  co_return detail::make_stream(loop, std::move(socket), limit);
}

}  // namespace asyncio
