// client.hpp: Client, HTTP/1.1 requests over connections that are kept and used again.
//
//   http::Client client({.timeout = 10s});
//   http::Response page = co_await client.get("http://example.com/");
//   page.status; page.headers.get("Content-Type"); page.body; page.url;
//   co_await client.aclose();                    // or: with(http::Client(), body)
//
// Redirects are followed, bodies are whole or an error: a Content-Length that lies, a chunk that is
// cut, an endless body all throw. What is thrown: errors.hpp says what HTTP adds to OSError
// (resolution, connecting, resets) and TimeoutError. https is verified; what is wrong with a
// certificate is an SslCertVerificationError that says which.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "asyncio/base/clock.hpp"
#include "asyncio/core/coroutines.hpp"
#include "asyncio/http/errors.hpp"
#include "asyncio/http/messages.hpp"
#include "asyncio/http/url.hpp"
#include "asyncio/net/tls/ssl.hpp"

namespace asyncio::http {

struct ClientOptions {
  std::size_t connections_per_host = 8;  // Further requests wait for their turn.
  bool keep_alive = true;
  Duration keep_alive_timeout = std::chrono::seconds(15);  // Idle connections are dropped then.
  Duration connect_timeout = std::chrono::seconds(10);     // Resolving included.
  // Of one request from the first attempt to the last byte, redirects and the wait for a
  // connection included.
  Duration timeout = std::chrono::seconds(30);
  int max_redirects = 10;  // 0: a redirect is an answer like any other.
  std::uint64_t max_body = std::uint64_t{16} * 1024 * 1024;  // Bytes.
  std::string user_agent = "asyncio-cpp/0.1";
  // For https. Left out: the system's CAs, or those of ca_file (PEM).
  ssl::Context ssl = {};
  std::string ca_file = {};
};

// For one request. What is left out is the client's.
struct RequestOptions {
  Headers headers = {};
  std::string body = {};
  std::optional<Duration> timeout = {};
  std::optional<int> max_redirects = {};
  std::optional<std::uint64_t> max_body = {};
  // Asked before each redirect is followed; false makes the redirect the answer.
  std::function<bool(const Url&)> follow = {};
};

// Order:        requests to one origin get its connections first come, first served.
// Cancellation: a cancelled request closes its connection; no half-read one is used again.
// Threads:      the loop's thread only.
// Lifetime:     requests in flight keep what they need; the destructor closes what is idle.
class Client {
 public:
  explicit Client(ClientOptions options = {});
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // All throw ValueError for what is no URL, TimeoutError, OSError, http::Error.
  Coro<Response> get(std::string url, RequestOptions options = {});
  Coro<Response> get(Url url, RequestOptions options = {});
  Coro<Response> head(Url url, RequestOptions options = {});
  Coro<Response> post(Url url, std::string body, RequestOptions options = {});
  Coro<Response> request(std::string method, Url url, RequestOptions options = {});

  // Closes the idle connections; those in use close when their request ends. Requests throw
  // RuntimeError from now on.
  Coro<> aclose();
  Coro<> aenter();
  Coro<bool> aexit(std::exception_ptr error);

  // Connections that wait to be used again, and those that were ever made.
  std::size_t idle_connections() const noexcept;
  std::uint64_t connections_made() const noexcept;
  const ClientOptions& options() const noexcept;
  std::string repr() const;

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace asyncio::http
