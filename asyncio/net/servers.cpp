#include "asyncio/net/servers.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/combinators/timeouts.hpp"
#include "asyncio/core/sleep.hpp"
#include "asyncio/net/dns.hpp"
#include "asyncio/net/internal/server_state.hpp"
#include "asyncio/net/internal/socket_transport.hpp"
#include "asyncio/net/internal/tls_transport.hpp"

namespace asyncio {
namespace detail {
namespace {

using StatePointer = std::shared_ptr<ServerState>;

std::shared_ptr<SocketTransport> make_transport(ServerState& server, FileDescriptor fd,
                                                Address peer) {
  if (server.options().keep_alive) set_keep_alive(server.loop().backend(), fd.get());
  auto transport = SocketTransport::make(server.loop().scheduler(), std::move(fd), std::move(peer));
  transport->set_server(server);
  return transport;
}

void report_failed_handler(Loop& loop, std::exception_ptr error) {
  loop.call_exception_handler(
      {.message = "Unhandled exception in client_connected_cb", .exception = std::move(error)});
}

// The end of a client's task: what went wrong is said, and the connection does not stay open.
struct AfterHandler {
  ServerUse server;  // the handler must outlive its coroutine
  StatePtr<StreamState> stream;

  void operator()(const Task<>& task) const {
    if (!task.cancelled()) {
      std::exception_ptr error = task.exception();
      if (!error) return;
      report_failed_handler(server->loop(), std::move(error));
    }
    if (Transport* const transport = stream->transport()) transport->close();
  }
};

template <class T>  // the transport: a socket's, or TLS on one
void serve_stream(ServerState& server, const ClientHandler& handler, std::shared_ptr<T> transport) {
  StatePtr<StreamState> stream(new StreamState(server.options().limit));
  stream->set_accepted();
  StreamReader reader(*stream);
  StreamWriter writer(*stream);
  transport->start_stream(*stream);
  try {
    Task<> task = handler.start(server.loop(), std::move(reader), std::move(writer));
    if (task) task.add_done_callback(AfterHandler{ServerUse(server), stream});
  } catch (const CancelledError&) {
  } catch (const KeyboardInterrupt&) {
    throw;
  } catch (const SystemExit&) {
    throw;
  } catch (...) {  // a plain function threw
    report_failed_handler(server.loop(), std::current_exception());
  }
}

std::shared_ptr<TlsTransport> make_tls(ServerState& server) {
  return std::make_shared<TlsTransport>(server.loop(), *server_setup(server.options()));
}

// Nobody waits for a client's handshake: where it fails, the connection is gone, and that is all.
void serve_client(ServerState& server, const ClientHandler& handler, FileDescriptor fd,
                  Address peer) {
  auto transport = make_transport(server, std::move(fd), std::move(peer));
  if (!server.options().ssl) {
    serve_stream(server, handler, std::move(transport));
    return;
  }
  auto tls = make_tls(server);
  tls->attach(transport, [state = server.shared_from_this(), handler,
                          weak = std::weak_ptr(tls)](std::exception_ptr error) {
    if (!error) serve_stream(*state, handler, weak.lock());
  });
  transport->start_protocol(std::move(tls));
}

void serve_protocol(ServerState& server, const ProtocolFactory& factory, FileDescriptor fd,
                    Address peer) {
  std::shared_ptr<Protocol> protocol = factory();
  auto transport = make_transport(server, std::move(fd), std::move(peer));
  if (server.options().ssl) {
    auto tls = make_tls(server);
    tls->set_protocol(std::move(protocol));
    tls->attach(transport, nullptr);
    protocol = std::move(tls);
  }
  transport->start_protocol(std::move(protocol));
}

AcceptHandler to_client_handler(ClientHandler handler) {
  return [handler = std::move(handler)](ServerState& server, FileDescriptor fd, Address peer) {
    serve_client(server, handler, std::move(fd), std::move(peer));
  };
}

AcceptHandler to_factory(ProtocolFactory factory) {
  return [factory = std::move(factory)](ServerState& server, FileDescriptor fd, Address peer) {
    serve_protocol(server, factory, std::move(fd), std::move(peer));
  };
}

void listen_at(ServerState& server, const Address& address) {
  IoBackend& backend = server.loop().backend();
  FileDescriptor fd =
      make_stream_socket(backend, address.family(),
                         {.reuse_address = server.options().reuse_address &&
                                           address.family() != Address::Family::unix_path,
                          .reuse_port = server.options().reuse_port,
                          .only_ipv6 = true});
  bind_socket(backend, fd.get(), address);
  server.add_socket(std::move(fd));
}

void adopt_listener(ServerState& server, int fd) {
  IoBackend& backend = server.loop().backend();
  FileDescriptor owner(fd, &backend);
  if (!is_stream_socket(backend, fd))
    throw ValueError("A Stream Socket was expected, got fd " + std::to_string(fd));
  set_nonblocking(backend, fd);
  server.add_socket(std::move(owner));
}

// Binds all sockets, starts, and lets the loop run once, as Python's start_serving() does.
Coro<Server> finish_start(StatePointer state) {
  if (state->options().start_serving) {
    state->start();
    try {
      co_await sleep(Duration::zero());
    } catch (...) {
      state->close();  // cancelled: nobody has a handle to close it by
      throw;
    }
  }
  co_return Server(std::move(state));
}

// An address that no interface has (IPv6 switched off) is skipped while another one works.
bool is_absent_family(const OSError& error) noexcept {
  return error.error_number() == EAFNOSUPPORT || error.error_number() == EADDRNOTAVAIL;
}

Coro<Server> listen_on_hosts(StatePointer state, std::vector<std::string> hosts, int port) {
  if (state->options().sock >= 0) {
    adopt_listener(*state, state->options().sock);
    co_return co_await finish_start(std::move(state));
  }
  std::vector<Address> addresses;
  for (const std::string& host : hosts) {
    std::vector<Address> found =
        co_await resolve(host, port, {.passive = true, .family = state->options().family});
    for (Address& address : found) addresses.push_back(std::move(address));
  }
  std::exception_ptr skipped;
  for (const Address& address : addresses) {
    try {
      listen_at(*state, address);
    } catch (const OSError& error) {
      if (!is_absent_family(error) || addresses.size() == 1) throw;
      skipped = std::current_exception();
    }
  }
  if (state->sockets().empty() && skipped) std::rethrow_exception(skipped);
  co_return co_await finish_start(std::move(state));
}

// What a server that died left behind. Another kind of file stays, and bind(2) complains.
void remove_stale_socket(const std::string& path) noexcept {
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(path.c_str());
}

Coro<Server> listen_on_path(StatePointer state, std::string path) {
  const bool is_file = !path.starts_with('\0') && state->loop().backend().has_socket_files();
  if (is_file) remove_stale_socket(path);
  listen_at(*state, Address::of_path(path));
  if (is_file) state->set_path(path);
  co_return co_await finish_start(std::move(state));
}

StatePointer make_state(Loop& loop, ServerOptions options, AcceptHandler accepted) {
  // What is wrong with the context is said now, not to the first client.
  if (const auto setup = server_setup(options)) static_cast<void>(TlsTransport(loop, *setup));
  return std::make_shared<ServerState>(loop, options, std::move(accepted));
}

}  // namespace

ASYNCIO_CORO_WRAPPER Coro<Server> create_protocol_server(Loop& loop, ProtocolFactory factory,
                                                         std::string host, int port,
                                                         ServerOptions options) {
  return listen_on_hosts(make_state(loop, options, to_factory(std::move(factory))),
                         {std::move(host)}, port);
}

ASYNCIO_CORO_WRAPPER Coro<Server> create_protocol_unix_server(Loop& loop, ProtocolFactory factory,
                                                              std::string path,
                                                              ServerOptions options) {
  return listen_on_path(make_state(loop, options, to_factory(std::move(factory))), std::move(path));
}

}  // namespace detail

// ---- Server

detail::ServerState& Server::state() const {
  if (!state_) detail::throw_empty_handle("Server");
  return *state_;
}

std::vector<Address> Server::sockets() const { return state().sockets(); }
bool Server::is_serving() const { return state().is_serving(); }
void Server::close() { state().close(); }
void Server::close_clients() { state().close_clients(); }
void Server::abort_clients() { state().abort_clients(); }
Loop& Server::get_loop() const { return state().loop(); }
std::string Server::repr() const { return state().repr(); }

// Coroutines take the handle by value: they may start when the caller's is gone.
namespace {

Coro<> start_serving_on(Server server) {
  server.start_now();
  co_await sleep(Duration::zero());
}

Coro<> wait_until(Future<> done) { co_await std::move(done); }

Coro<> nothing() { co_return; }

Coro<bool> close_and_wait(Server server) {
  server.close();
  co_await server.wait_closed();
  co_return false;
}

Coro<> serve(Server server, std::shared_ptr<detail::ServerState> state) {
  Future<> forever = state->serve_forever();
  std::exception_ptr cancelled;
  try {
    co_await forever;
  } catch (const CancelledError&) {
    cancelled = std::current_exception();
  }
  state->end_serve_forever();
  server.close();
  co_await server.wait_closed();
  if (cancelled) std::rethrow_exception(cancelled);
}

}  // namespace

namespace {

Coro<> shut_down(Server server, Duration grace, Duration flush) {
  server.close();
  if (co_await move_on_after(grace, server.wait_closed())) co_return;
  server.close_clients();
  if (co_await move_on_after(flush, server.wait_closed())) co_return;
  server.abort_clients();
  co_await server.wait_closed();
}

}  // namespace

ASYNCIO_CORO_WRAPPER Coro<> Server::shutdown(Duration grace, Duration flush) {
  return shut_down(*this, grace, flush);
}

void Server::start_now() { state().start(); }

ASYNCIO_CORO_WRAPPER Coro<> Server::start_serving() { return start_serving_on(*this); }

ASYNCIO_CORO_WRAPPER Coro<> Server::serve_forever() {
  static_cast<void>(state());
  return serve(*this, state_);
}

ASYNCIO_CORO_WRAPPER Coro<> Server::wait_closed() {
  if (state().is_done()) return nothing();
  return wait_until(state().wait_done());
}

ASYNCIO_CORO_WRAPPER Coro<> Server::aenter() { return nothing(); }

ASYNCIO_CORO_WRAPPER Coro<bool> Server::aexit(std::exception_ptr) { return close_and_wait(*this); }

// ---- how to get one

ASYNCIO_CORO_WRAPPER Coro<Server> start_server(ClientHandler handler, std::string host, int port) {
  return start_server(std::move(handler), std::move(host), port, ServerOptions{});
}

ASYNCIO_CORO_WRAPPER Coro<Server> start_server(ClientHandler handler, std::string host, int port,
                                               ServerOptions options) {
  return start_server(std::move(handler), std::vector<std::string>{std::move(host)}, port, options);
}

ASYNCIO_CORO_WRAPPER Coro<Server> start_server(ClientHandler handler,
                                               std::vector<std::string> hosts, int port,
                                               ServerOptions options) {
  return detail::listen_on_hosts(detail::make_state(get_running_loop(), options,
                                                    detail::to_client_handler(std::move(handler))),
                                 std::move(hosts), port);
}

ASYNCIO_CORO_WRAPPER Coro<Server> start_unix_server(ClientHandler handler, std::string path) {
  return start_unix_server(std::move(handler), std::move(path), ServerOptions{});
}

ASYNCIO_CORO_WRAPPER Coro<Server> start_unix_server(ClientHandler handler, std::string path,
                                                    ServerOptions options) {
  return detail::listen_on_path(detail::make_state(get_running_loop(), options,
                                                   detail::to_client_handler(std::move(handler))),
                                std::move(path));
}

}  // namespace asyncio
