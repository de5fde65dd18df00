#include "asyncio/http/client.hpp"

#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "asyncio/combinators/timeouts.hpp"
#include "asyncio/http/internal/chars.hpp"
#include "asyncio/http/internal/parser.hpp"
#include "asyncio/http/internal/serialize.hpp"
#include "asyncio/net/streams.hpp"
#include "asyncio/sync/locks.hpp"

namespace asyncio::http {
namespace {

using detail::ParseError;

// Of a stream: more than the largest head, so that the parser always gets one whole.
constexpr std::size_t kStreamLimit = std::size_t{128} * 1024;

// One connection and its parser. Whoever drops it while an answer is on its way drops the
// connection, too: nobody could tell that answer from the next one.
class Wire {
 public:
  explicit Wire(Connection connection)
      : reader(std::move(connection.reader)), writer(std::move(connection.writer)) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() {
    try {
      if (is_busy)
        writer.abort();
      else
        writer.close();
    } catch (...) {  // The loop is gone, and the socket with it.
    }
  }
  // Nothing is known against it: neither its end nor bytes that nobody asked for.
  bool is_usable() const {
    return !reader.at_eof() && !reader.exception() && reader.buffered().empty() &&
           !writer.is_closing();
  }

  StreamReader reader;
  StreamWriter writer;
  detail::ResponseParser parser;
  TimePoint idle_since{};
  bool is_busy = true;
  bool heard = false;  // A byte of the current answer has come.
};

// What belongs to one scheme, host and port.
struct Origin {
  explicit Origin(std::size_t connections) : seats(static_cast<std::ptrdiff_t>(connections)) {}
  Semaphore seats;
  std::vector<std::unique_ptr<Wire>> idle;  // The one used last stands last.
  std::size_t users = 0;                    // Requests that wait or run.
};

struct Text {  // One request as bytes, and what its answer depends on.
  std::string bytes;
  bool is_head = false;
  bool can_repeat = false;  // RFC 9110 section 9.2.2
  std::uint64_t max_body = 0;
};

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

void check_scheme(const Url& url) {
  if (url.scheme() == "http" || url.is_https()) return;
  throw UnsupportedScheme("a client speaks http and https, not " + std::string(url.scheme()) +
                          "\n  url: " + url.str());
}

[[noreturn]] void throw_parse_error(const Wire& wire, const Url& url, std::uint64_t max_body) {
  const std::string where = "\n  url: " + url.str();
  switch (wire.parser.error()) {
    case ParseError::body_too_large:
      throw BodyTooLarge("the body is larger than " + std::to_string(max_body) + " bytes" + where);
    case ParseError::incomplete:
      throw ProtocolError("the server closed the connection in the middle of its answer" + where,
                          ErrorKind::incomplete);
    default:
      throw ProtocolError("the answer is not HTTP/1.1: " + wire.parser.error_text() + where);
  }
}

// Reads one answer into the parser, up to its end.
Coro<> receive(Wire& wire, const Url& url, std::uint64_t max_body) {
  detail::ResponseParser& parser = wire.parser;
  std::size_t needed = 1;  // Bytes in the buffer before the parser can go on.
  while (!parser.ended()) {
    const std::string_view data = co_await wire.reader.read_view(needed);
    if (data.size() < needed) {
      if (!wire.heard)
        throw ProtocolError(
            "the server closed the connection without an answer\n  url: " + url.str(),
            ErrorKind::incomplete);
      parser.finish();
      break;
    }
    wire.heard = true;
    const auto phase = parser.phase();
    const std::size_t used = parser.feed(data);
    const bool is_stuck = parser.phase() == phase;
    if (!is_stuck && parser.phase() == detail::ResponseParser::Phase::body)
      parser.set_body_limit(max_body);
    const std::size_t left = data.size() - used;
    wire.reader.consume(used);
    // A body that only the end of the stream ends is not stuck: it takes all there is.
    needed = is_stuck || left == 0 ? left + 1 : 1;
  }
  if (parser.error() != ParseError::none) throw_parse_error(wire, url, max_body);
}

Coro<Response> exchange(Wire& wire, const Url& url, const Text& text) {
  wire.is_busy = true;
  wire.heard = false;
  wire.parser.reset();
  if (text.is_head) wire.parser.expect_no_body();
  wire.writer.write(text.bytes);
  co_await wire.writer.drain();
  co_await receive(wire, url, text.max_body);

  detail::ResponseMessage& message = wire.parser.message();
  Response response;
  response.status = message.status;
  response.reason = std::move(message.reason);
  response.headers = std::move(message.headers);
  response.body = std::move(message.body);
  co_return response;
}

// Where a redirect leads; nullopt for every other answer.
std::optional<Url> redirect_target(const Response& response, const Url& url) {
  switch (response.status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      break;
    default:
      return std::nullopt;
  }
  const auto location = response.headers.get("Location");
  if (!location) return std::nullopt;
  auto target = url.resolve_link(*location);
  if (!target)
    throw ProtocolError("a redirect leads to what is no web page: " + detail::quote(*location) +
                        "\n  url: " + url.str());
  return target->without_fragment();
}

// RFC 9110 section 15.4: what becomes of the method, the body and the secrets.
void adapt_to_redirect(int status, const Url& from, const Url& to, std::string& method,
                       RequestOptions& options) {
  const bool becomes_get =
      (status == 303 && method != "HEAD") || ((status == 301 || status == 302) && method == "POST");
  if (becomes_get) {
    method = "GET";
    options.body.clear();
    for (const char* name : {"Content-Type", "Content-Length", "Content-Encoding"})
      options.headers.remove(name);
  }
  if (from.origin() != to.origin())
    for (const char* name : {"Authorization", "Cookie", "Proxy-Authorization", "Host"})
      options.headers.remove(name);
}

}  // namespace

struct Client::Impl {
  explicit Impl(ClientOptions given) : options(std::move(given)) {}

  std::shared_ptr<Origin> origin_of(const Url& url);
  void release(const std::string& name, const std::shared_ptr<Origin>& origin);
  std::unique_ptr<Wire> take_idle(Origin& origin);
  void keep_or_drop(Origin& origin, std::unique_ptr<Wire> wire);
  Text serialize(const std::string& method, const Url& url, const RequestOptions& request) const;

  const ssl::Context& tls();

  ClientOptions options;
  std::unordered_map<std::string, std::shared_ptr<Origin>> origins;
  std::uint64_t made = 0;
  bool closed = false;
};

namespace {

// Counts a request among the users of its origin, so that an unused one can be forgotten.
class OriginUse {
 public:
  OriginUse(Client::Impl& impl, const Url& url)
      : impl_(impl), name_(url.origin()), origin_(impl.origin_of(url)) {
    ++origin_->users;
  }
  OriginUse(const OriginUse&) = delete;
  OriginUse& operator=(const OriginUse&) = delete;
  ~OriginUse() {
    --origin_->users;
    impl_.release(name_, origin_);
  }
  Origin& operator*() const noexcept { return *origin_; }

 private:
  Client::Impl& impl_;
  std::string name_;
  std::shared_ptr<Origin> origin_;
};

Coro<std::unique_ptr<Wire>> connect(Client::Impl& impl, const Url& url) {
  ConnectOptions options;
  options.timeout = impl.options.connect_timeout;
  options.limit = kStreamLimit;
  if (url.is_https()) {
    options.ssl = impl.tls();
    options.ssl_handshake_timeout = impl.options.connect_timeout;
  }
  Connection connection = co_await open_connection(std::string(url.host()), url.port(), options);
  ++impl.made;
  co_return std::make_unique<Wire>(std::move(connection));
}

// One request to one URL. A kept connection that turns out to be dead before it said anything is
// replaced once: the server may have closed it at any time.
Coro<Response> send_once(Client::Impl& impl, const Url& url, const Text& text) {
  const OriginUse origin(impl, url);
  const Guard seat = co_await (*origin).seats.scoped();
  for (bool is_retry = false;; is_retry = true) {
    std::unique_ptr<Wire> wire = is_retry ? nullptr : impl.take_idle(*origin);
    const bool is_reused = wire != nullptr;
    if (!wire) wire = co_await connect(impl, url);
    const auto may_retry = [&] { return is_reused && !wire->heard && text.can_repeat; };
    try {
      Response response = co_await exchange(*wire, url, text);
      impl.keep_or_drop(*origin, std::move(wire));
      co_return response;
    } catch (const ConnectionError&) {
      if (!may_retry()) throw;
    } catch (const SslEofError&) {
      if (!may_retry()) throw;
    } catch (const ProtocolError& error) {
      if (error.kind() != ErrorKind::incomplete || !may_retry()) throw;
    }
  }
}

Coro<Response> send_and_follow(std::shared_ptr<Client::Impl> impl, std::string method, Url url,
                               RequestOptions options) {
  const int limit = options.max_redirects.value_or(impl->options.max_redirects);
  std::set<std::string> visited;
  std::vector<std::string> history;
  for (;;) {
    check_scheme(url);
    visited.insert(method + " " + url.str());
    const Text text = impl->serialize(method, url, options);
    Response response = co_await send_once(*impl, url, text);

    std::optional<Url> next;
    if (limit > 0) next = redirect_target(response, url);
    if (!next || (options.follow && !options.follow(*next))) {
      response.url = url.str();
      response.history = std::move(history);
      co_return response;
    }
    if (history.size() >= static_cast<std::size_t>(limit))
      throw TooManyRedirects("more than " + std::to_string(limit) +
                             " redirects\n  from: " + history.front() + "\n  last: " + next->str());
    adapt_to_redirect(response.status, url, *next, method, options);
    history.push_back(url.str());
    if (visited.contains(method + " " + next->str()))
      throw TooManyRedirects("redirects lead in a circle\n  from: " + history.front() +
                             "\n  back to: " + next->str());
    url = std::move(*next);
  }
}

Coro<Response> run_request(std::shared_ptr<Client::Impl> impl, std::string method, Url url,
                           RequestOptions options) {
  if (impl->closed) throw RuntimeError("Client is closed");
  const Duration limit = options.timeout.value_or(impl->options.timeout);
  const std::string what = method + " " + url.str();
  auto response = co_await move_on_after(
      limit, send_and_follow(impl, std::move(method), std::move(url), std::move(options)));
  if (!response) {
    const auto seconds = std::chrono::duration<double>(limit).count();
    throw TimeoutError("no answer within " + std::to_string(seconds).substr(0, 5) +
                       " seconds\n  request: " + what);
  }
  co_return std::move(*response);
}

}  // namespace

// Made with the first https request: reading the system's CAs takes a while.
const ssl::Context& Client::Impl::tls() {
  if (!options.ssl) {
    options.ssl =
        ssl::create_default_context(ssl::Purpose::SERVER_AUTH, {.cafile = options.ca_file});
    options.ssl.set_alpn_protocols({"http/1.1"});
  }
  return options.ssl;
}

std::shared_ptr<Origin> Client::Impl::origin_of(const Url& url) {
  auto& origin = origins[url.origin()];
  if (!origin) origin = std::make_shared<Origin>(options.connections_per_host);
  return origin;
}

void Client::Impl::release(const std::string& name, const std::shared_ptr<Origin>& origin) {
  if (closed) origin->idle.clear();
  if (origin->users == 0 && origin->idle.empty()) origins.erase(name);
}

std::unique_ptr<Wire> Client::Impl::take_idle(Origin& origin) {
  const TimePoint oldest = detail::current_scheduler().now() - options.keep_alive_timeout;
  while (!origin.idle.empty()) {
    std::unique_ptr<Wire> wire = std::move(origin.idle.back());
    origin.idle.pop_back();
    if (wire->idle_since >= oldest && wire->is_usable()) return wire;
  }
  return nullptr;
}

void Client::Impl::keep_or_drop(Origin& origin, std::unique_ptr<Wire> wire) {
  wire->is_busy = false;
  const bool can_be_kept = options.keep_alive && !closed && wire->parser.keep_alive() &&
                           !wire->parser.ends_with_stream() && wire->is_usable();
  if (!can_be_kept) return;
  wire->idle_since = detail::current_scheduler().now();
  origin.idle.push_back(std::move(wire));
}

Text Client::Impl::serialize(const std::string& method, const Url& url,
                             const RequestOptions& request) const {
  Headers headers;
  headers.add("Host", url.host_header());
  for (const Headers::Field field : request.headers)
    if (!detail::iequals(field.name, "Host"))
      headers.add(field.name, field.value);
    else
      headers.set("Host", field.value);
  headers.setdefault("User-Agent", options.user_agent);
  headers.setdefault("Accept", "*/*");
  if (!options.keep_alive) headers.set("Connection", "close");
  const bool has_body = !request.body.empty() || method == "POST" || method == "PUT";
  if (has_body) headers.set("Content-Length", std::to_string(request.body.size()));
  Text text;
  detail::append_request_head(text.bytes, method, url.target(), headers);
  text.bytes += request.body;
  text.is_head = method == "HEAD";
  text.can_repeat = is_idempotent(method);
  text.max_body = request.max_body.value_or(options.max_body);
  return text;
}

Client::Client(ClientOptions options) {
  if (options.connections_per_host == 0)
    throw ValueError("connections_per_host must be at least 1");
  impl_ = std::make_shared<Impl>(std::move(options));
}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() {
  if (!impl_) return;
  impl_->closed = true;
  for (auto& [name, origin] : impl_->origins) origin->idle.clear();
}

ASYNCIO_CORO_WRAPPER Coro<Response> Client::get(std::string url, RequestOptions options) {
  return request("GET", Url::parse(url), std::move(options));
}
ASYNCIO_CORO_WRAPPER Coro<Response> Client::get(Url url, RequestOptions options) {
  return request("GET", std::move(url), std::move(options));
}
ASYNCIO_CORO_WRAPPER Coro<Response> Client::head(Url url, RequestOptions options) {
  return request("HEAD", std::move(url), std::move(options));
}
ASYNCIO_CORO_WRAPPER Coro<Response> Client::post(Url url, std::string body,
                                                 RequestOptions options) {
  options.body = std::move(body);
  return request("POST", std::move(url), std::move(options));
}
ASYNCIO_CORO_WRAPPER Coro<Response> Client::request(std::string method, Url url,
                                                    RequestOptions options) {
  return run_request(impl_, std::move(method), std::move(url), std::move(options));
}

Coro<> Client::aclose() {
  impl_->closed = true;
  for (auto& [name, origin] : impl_->origins) origin->idle.clear();
  co_return;
}
Coro<> Client::aenter() { co_return; }
Coro<bool> Client::aexit(std::exception_ptr) {
  co_await aclose();
  co_return false;
}

std::size_t Client::idle_connections() const noexcept {
  std::size_t count = 0;
  for (const auto& [name, origin] : impl_->origins) count += origin->idle.size();
  return count;
}
std::uint64_t Client::connections_made() const noexcept { return impl_->made; }
const ClientOptions& Client::options() const noexcept { return impl_->options; }

std::string Client::repr() const {
  return "<Client origins=" + std::to_string(impl_->origins.size()) +
         " idle=" + std::to_string(idle_connections()) + (impl_->closed ? " closed>" : ">");
}

}  // namespace asyncio::http
