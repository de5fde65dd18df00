#include "asyncio/http/server.hpp"

#include <algorithm>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/combinators/timeouts.hpp"
#include "asyncio/http/internal/session.hpp"

namespace asyncio::http {

using State = detail::HttpServerState;

namespace {

Coro<> serve_connection(std::shared_ptr<State> state, StreamReader reader, StreamWriter writer) {
  detail::HttpSession session(std::move(state), std::move(reader), std::move(writer));
  co_await session.run();
}

Coro<> wait_until_gone(std::shared_ptr<State> state) {
  while (!state->sessions.empty()) co_await state->all_gone.wait();
}

void check_path(const std::string& path) {
  if (path.empty() || path[0] != '/')
    throw ValueError("the path of a route begins with \"/\", not \"" + path + "\"");
}

}  // namespace

Server::Server(ServerOptions options) : state_(std::make_shared<State>(std::move(options))) {}
Server::Server(Server&&) noexcept = default;
Server::~Server() {
  if (!state_ || !state_->server) return;
  try {
    state_->stopping = true;
    state_->server->close();
  } catch (...) {  // The loop is gone, and its sockets with it.
  }
}

void Server::route(std::string path, Handler handler) {
  check_path(path);
  state_->exact.insert_or_assign(std::move(path), std::move(handler));
}

void Server::route_prefix(std::string prefix, Handler handler) {
  check_path(prefix);
  auto& all = state_->prefixes;
  std::erase_if(all, [&](const auto& each) { return each.first == prefix; });
  const auto place = std::find_if(
      all.begin(), all.end(), [&](const auto& each) { return each.first.size() < prefix.size(); });
  all.emplace(place, std::move(prefix), std::move(handler));
}

void Server::serve_files(std::string prefix, const std::string& folder, StaticOptions options) {
  check_path(prefix);
  options.prefix = prefix;
  route_prefix(std::move(prefix), static_files(folder, std::move(options)));
}

Coro<> Server::start(std::string host, int port) {
  if (state_->server) throw RuntimeError("http::Server is started already");
  asyncio::ServerOptions options;
  options.backlog = state_->options.backlog;
  options.reuse_port = state_->options.reuse_port;
  if (state_->options.ssl) {
    options.ssl = state_->options.ssl;
    options.ssl_handshake_timeout = state_->options.header_timeout;
  }
  // The parser needs a whole head, or a whole chunk line, in the buffer.
  options.limit =
      std::max(state_->options.max_headers + state_->options.max_target, std::size_t{64} * 1024);
  // The listening socket is owned by the state: a shared pointer back would keep both for ever.
  ClientHandler handler = [weak = std::weak_ptr<State>(state_)](StreamReader reader,
                                                                StreamWriter writer) -> Coro<> {
    if (auto state = weak.lock())
      co_await serve_connection(std::move(state), std::move(reader), std::move(writer));
  };
  state_->server = co_await start_server(std::move(handler), host, port, options);
  const auto sockets = state_->server->sockets();
  if (!sockets.empty()) {
    state_->port = sockets.front().port();
    state_->host = sockets.front().host();
  }
}

int Server::port() const {
  if (!state_->server) throw RuntimeError("http::Server is not started: co_await start() first");
  return state_->port;
}

std::string Server::url() const {
  const std::string number = std::to_string(port());
  const bool is_ipv6 = state_->host.find(':') != std::string::npos;
  const std::string scheme = state_->options.ssl ? "https://" : "http://";
  return scheme + (is_ipv6 ? "[" + state_->host + "]" : state_->host) + ":" + number;
}

ASYNCIO_CORO_WRAPPER Coro<> Server::serve_forever() {
  port();  // throws where it is not started
  return state_->server->serve_forever();
}

Coro<> Server::shutdown(Duration deadline) {
  const std::shared_ptr<State> state = state_;
  state->stopping = true;
  if (!state->server) co_return;
  state->server->close();
  for (detail::HttpSession* session : state->sessions)
    if (session->is_idle()) session->close();
  if (!co_await move_on_after(deadline, wait_until_gone(state))) {
    for (detail::HttpSession* session : state->sessions) session->cancel();
    co_await wait_until_gone(state);
  }
}

Coro<> Server::aenter() {
  port();
  co_return;
}
Coro<bool> Server::aexit(std::exception_ptr) {
  co_await shutdown(state_->options.shutdown_timeout);
  co_return false;
}

std::size_t Server::connections() const noexcept { return state_->sessions.size(); }
std::uint64_t Server::requests() const noexcept { return state_->answered; }

std::string Server::repr() const {
  return "<http::Server " + (state_->server ? url() : std::string("not started")) +
         ", connections=" + std::to_string(connections()) + ">";
}

}  // namespace asyncio::http
