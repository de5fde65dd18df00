// server.hpp: Server, HTTP/1.1 for handlers and folders of files.
//
//   http::Server server;
//   server.route("/hello", [](http::Request) -> Coro<http::Response> {
//     co_return http::Response::text("hello\n");
//   });
//   server.serve_files("/", "/srv/www");
//   co_await server.start("127.0.0.1", 8080);
//   co_await server.serve_forever();
//
// Connections are kept alive; requests that came in one read are answered with one write. What a
// client can do wrong is answered by number (400, 408, 413, 414, 431, 501, 505), then the
// connection is closed. How one connection goes on is in internal/session.hpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>

#include "asyncio/base/clock.hpp"
#include "asyncio/core/coroutines.hpp"
#include "asyncio/http/messages.hpp"
#include "asyncio/http/static_files.hpp"
#include "asyncio/net/tls/ssl.hpp"

namespace asyncio::detail {
struct HttpServerState;
}

namespace asyncio::http {

struct ServerOptions {
  std::size_t max_connections = 10'000;              // Further ones get 503.
  std::size_t max_target = std::size_t{8} * 1024;    // Bytes of the request line.
  std::size_t max_headers = std::size_t{32} * 1024;  // Bytes of all header lines.
  std::uint64_t max_body = std::uint64_t{8} * 1024 * 1024;
  Duration header_timeout = std::chrono::seconds(10);  // From the first byte of a head.
  Duration body_timeout = std::chrono::seconds(20);    // Between two reads of a body.
  Duration body_deadline = std::chrono::minutes(5);  // For a whole body, however steadily it drips.
  Duration idle_timeout = std::chrono::seconds(60);  // Between two requests.
  Duration write_timeout = std::chrono::seconds(20);    // For a client to take what is buffered.
  Duration shutdown_timeout = std::chrono::seconds(5);  // What aexit() gives shutdown().
  int backlog = 511;
  bool reuse_port = false;
  std::string name = "asyncio-cpp";  // The Server header; empty: none.
  ssl::Context ssl = {};             // https: a context with load_cert_chain().
};

// Order:        requests of one connection are handled one after the other.
// Cancellation: of serve_forever() stops listening; connections go on until shutdown().
// Threads:      the loop's thread only.
// Lifetime:     connections keep what they need; the destructor stops listening.
class Server {
 public:
  explicit Server(ServerOptions options = {});
  Server(Server&&) noexcept;
  Server& operator=(Server&&) = delete;
  ~Server();

  // The handler of one path, as it is after decoding. An exception of the handler becomes a 500
  // and a line in the log. HEAD comes to it, too; what it gives as a body is not sent then.
  void route(std::string path, Handler handler);
  // The handler of all paths that begin so; the longest prefix wins, exact ones before it.
  void route_prefix(std::string prefix, Handler handler);
  // Throws OSError where there is no such folder.
  void serve_files(std::string prefix, const std::string& folder, StaticOptions options = {});

  // Listens; port 0 is a free one. Throws OSError.
  Coro<> start(std::string host, int port);
  int port() const;         // RuntimeError before start().
  std::string url() const;  // "http://127.0.0.1:8080", or https
  Coro<> serve_forever();   // Until cancelled or shut down.
  // Stops listening, closes idle connections, lets the requests that run come to their end, and
  // cancels at the deadline what is left.
  Coro<> shutdown(Duration deadline);
  Coro<> aenter();  // RuntimeError before start().
  Coro<bool> aexit(std::exception_ptr error);

  std::size_t connections() const noexcept;
  std::uint64_t requests() const noexcept;  // Answered so far.
  std::string repr() const;

 private:
  std::shared_ptr<detail::HttpServerState> state_;
};

}  // namespace asyncio::http
