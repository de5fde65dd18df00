// servers.hpp: Server, start_server, start_unix_server, Loop::create_server.
// Source: docs.python.org/3/library/asyncio-eventloop.html#server-objects. A server survives
// what its clients do: a handler that fails loses its own connection, and where the process runs
// out of file descriptors, accepting pauses for a second and says so once.
#pragma once
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "asyncio/core/events.hpp"
#include "asyncio/net/address.hpp"
#include "asyncio/net/streams.hpp"

namespace asyncio {

struct ServerOptions {
  int backlog = 100;
  bool reuse_port = false;                  // several processes or loops share the port
  std::size_t limit = kDefaultStreamLimit;  // of each client's reader
  bool start_serving = true;                // false: until start_serving() or serve_forever()
  bool keep_alive = false;                  // SO_KEEPALIVE on accepted connections
  // C++: more connections wait in the kernel's backlog; 0 is no limit.
  std::size_t max_connections = 0;
  int sock = -1;  // a bound stream socket to take over, instead of host and port
  // TLS: handlers and protocols hear of a client once its handshake is done.
  ssl::Context ssl = {};
  std::optional<Duration> ssl_handshake_timeout = {};  // left out: 60 s
  std::optional<Duration> ssl_shutdown_timeout = {};   // left out: 30 s
  Address::Family family = Address::Family::none;      // none: IPv4 and IPv6
  bool reuse_address = true;   // a port whose last connections still linger may be taken
  bool cleanup_socket = true;  // of a Unix server: close() removes the path
};

namespace detail {
class ServerState;
using ProtocolFactory = std::function<std::shared_ptr<Protocol>()>;
Coro<Server> create_protocol_server(Loop& loop, ProtocolFactory factory, std::string host, int port,
                                    ServerOptions options);
Coro<Server> create_protocol_unix_server(Loop& loop, ProtocolFactory factory, std::string path,
                                         ServerOptions options);
Coro<std::shared_ptr<Transport>> create_protocol_connection(Loop& loop,
                                                            std::shared_ptr<Protocol> protocol,
                                                            std::string host, int port,
                                                            ConnectOptions options);
Coro<std::shared_ptr<Transport>> create_protocol_unix_connection(Loop& loop,
                                                                 std::shared_ptr<Protocol> protocol,
                                                                 std::string path,
                                                                 ConnectOptions options);
// A socket that was accepted elsewhere.
Coro<std::shared_ptr<Transport>> adopt_protocol_connection(Loop& loop,
                                                           std::shared_ptr<Protocol> protocol,
                                                           int fd, ServerOptions options);
}  // namespace detail

// Listens, and starts one task for each client; a shared handle. Dropping it goes on serving.
//
// Order:        clients are accepted in the order the kernel has them.
// Cancellation: cancelling serve_forever() closes the server and waits for its connections.
// Threads:      its loop's thread only.
// Lifetime:     free; the loop keeps a serving server.
class Server {
 public:
  Server() noexcept = default;  // empty: to be assigned
  explicit Server(std::shared_ptr<detail::ServerState> state) noexcept : state_(std::move(state)) {}

  std::vector<Address> sockets() const;  // where it listens; empty once closed
  bool is_serving() const;
  Coro<> start_serving();  // no effect where it serves already
  void start_now();        // C++: the same, without the pass that Python waits
  // Serves until cancelled or closed, and ends with CancelledError.
  // Throws RuntimeError where it is closed, or being served already.
  Coro<> serve_forever();
  void close();          // stops listening; connections go on
  void close_clients();  // closes each, sending what is buffered
  void abort_clients();  // closes each at once
  // Until it is closed and the last connection is gone.
  Coro<> wait_closed();
  // C++: close(); connections have `grace` to end by themselves, then they are closed, and what
  // has not taken its bytes after `flush` is aborted. Ends when the last one is gone.
  Coro<> shutdown(Duration grace, Duration flush = std::chrono::seconds(1));
  Loop& get_loop() const;
  std::string repr() const;

  // async with server: close and wait at the end.
  Coro<> aenter();
  Coro<bool> aexit(std::exception_ptr error);

 private:
  detail::ServerState& state() const;
  std::shared_ptr<detail::ServerState> state_;
};

// What a server calls for each client: a coroutine function, which runs as a task of its own and
// whose exception goes to the loop's exception handler; or a plain function.
// Not a std::function: what returns coroutines must say so, for the compiler's lifetime checks.
class ClientHandler {
 public:
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, ClientHandler> &&
             std::invocable<std::decay_t<F>&, StreamReader, StreamWriter>)
  ClientHandler(F&& function)  // NOLINT: implicit, as a function argument is
      : model_(std::make_shared<Model<std::decay_t<F>>>(std::forward<F>(function))) {}

  // The task that serves the client; empty where the function was a plain one.
  Task<> start(Loop& loop, StreamReader reader, StreamWriter writer) const {
    return model_->start(loop, std::move(reader), std::move(writer));
  }

 private:
  class Concept {
   public:
    Concept() = default;
    Concept(const Concept&) = delete;
    Concept& operator=(const Concept&) = delete;
    virtual ~Concept() = default;
    virtual Task<> start(Loop& loop, StreamReader reader, StreamWriter writer) = 0;
  };
  template <class F>
  class Model final : public Concept {
   public:
    template <class G>
    explicit Model(G&& function) : function_(std::forward<G>(function)) {}
    Task<> start(Loop& loop, StreamReader reader, StreamWriter writer) override {
      if constexpr (std::is_void_v<std::invoke_result_t<F&, StreamReader, StreamWriter>>) {
        function_(std::move(reader), std::move(writer));
        return {};
      } else {
        return loop.create_task(function_(std::move(reader), std::move(writer)));
      }
    }

   private:
    F function_;
  };

  std::shared_ptr<Concept> model_;
};

// An empty host listens on all interfaces, port 0 on a free port (see sockets()). Throws OSError
// and GaiError. The plural takes several hosts.
Coro<Server> start_server(ClientHandler handler, std::string host, int port);
Coro<Server> start_server(ClientHandler handler, std::string host, int port, ServerOptions options);
Coro<Server> start_server(ClientHandler handler, std::vector<std::string> hosts, int port,
                          ServerOptions options);
// A socket that is left behind at `path` is replaced; ours is removed by close().
Coro<Server> start_unix_server(ClientHandler handler, std::string path);
Coro<Server> start_unix_server(ClientHandler handler, std::string path, ServerOptions options);

// ---- the members of Loop

namespace detail {

template <class P>
Coro<std::pair<std::shared_ptr<Transport>, P>> with_protocol(
    Coro<std::shared_ptr<Transport>> connecting, P protocol) {
  auto transport = co_await std::move(connecting);
  co_return std::pair(std::move(transport), std::move(protocol));
}

}  // namespace detail

template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Server> Loop::create_server(Factory factory, std::string host, int port,
                                                      ServerOptions options) {
  return detail::create_protocol_server(*this, detail::ProtocolFactory(std::move(factory)),
                                        std::move(host), port, options);
}
template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Server> Loop::create_server(Factory factory, std::string host, int port) {
  return create_server(std::move(factory), std::move(host), port, ServerOptions{});
}
template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Server> Loop::create_server(Factory factory, ServerOptions options) {
  return create_server(std::move(factory), std::string(), 0, options);
}
template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Server> Loop::create_unix_server(Factory factory, std::string path,
                                                           ServerOptions options) {
  return detail::create_protocol_unix_server(*this, detail::ProtocolFactory(std::move(factory)),
                                             std::move(path), options);
}
template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Server> Loop::create_unix_server(Factory factory, std::string path) {
  return create_unix_server(std::move(factory), std::move(path), ServerOptions{});
}

template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Loop::TransportAndProtocol<Factory>> Loop::create_connection(
    Factory factory, std::string host, int port, ConnectOptions options) {
  auto protocol = factory();
  return detail::with_protocol(detail::create_protocol_connection(*this, protocol, std::move(host),
                                                                  port, std::move(options)),
                               protocol);
}
template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Loop::TransportAndProtocol<Factory>> Loop::create_connection(
    Factory factory, std::string host, int port) {
  return create_connection(std::move(factory), std::move(host), port, ConnectOptions{});
}
template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Loop::TransportAndProtocol<Factory>> Loop::create_connection(
    Factory factory, ConnectOptions options) {
  return create_connection(std::move(factory), std::string(), 0, std::move(options));
}
template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Loop::TransportAndProtocol<Factory>> Loop::connect_accepted_socket(
    Factory factory, int fd) {
  return connect_accepted_socket(std::move(factory), fd, ServerOptions{});
}
template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Loop::TransportAndProtocol<Factory>> Loop::connect_accepted_socket(
    Factory factory, int fd, ServerOptions options) {
  auto protocol = factory();
  return detail::with_protocol(
      detail::adopt_protocol_connection(*this, protocol, fd, std::move(options)), protocol);
}
template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Loop::TransportAndProtocol<Factory>> Loop::create_unix_connection(
    Factory factory, std::string path, ConnectOptions options) {
  auto protocol = factory();
  return detail::with_protocol(
      detail::create_protocol_unix_connection(*this, protocol, std::move(path), std::move(options)),
      protocol);
}
template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Loop::TransportAndProtocol<Factory>> Loop::create_unix_connection(
    Factory factory, std::string path) {
  return create_unix_connection(std::move(factory), std::move(path), ConnectOptions{});
}
template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Loop::TransportAndProtocol<Factory>> Loop::create_unix_connection(
    Factory factory, ConnectOptions options) {
  return create_unix_connection(std::move(factory), std::string(), std::move(options));
}

}  // namespace asyncio
