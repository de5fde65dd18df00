#include "asyncio/http/internal/session.hpp"

#include "asyncio/base/logging.hpp"
#include "asyncio/combinators/timeouts.hpp"
#include "asyncio/http/internal/chars.hpp"
#include "asyncio/http/internal/dates.hpp"
#include "asyncio/http/internal/serialize.hpp"

namespace asyncio::detail {
namespace {

constexpr std::size_t kFlushAt = std::size_t{64} * 1024;      // Bytes of answers.
constexpr std::size_t kFilePiece = std::size_t{1024} * 1024;  // Bytes for one write timeout.
constexpr std::size_t kLingerBytes = std::size_t{512} * 1024;
constexpr Duration kLingerTime = std::chrono::seconds(1);

ParseLimits limits_of(const http::ServerOptions& options) {
  ParseLimits limits;
  limits.start_line = options.max_target;
  limits.headers = options.max_headers;
  limits.body = options.max_body;
  return limits;
}

http::Response refusal(int status) {
  return http::Response::text(
      std::to_string(status) + ": " + std::string(reason_phrase(status)) + "\n", status);
}

bool has_no_body(int status) { return status == 204 || status == 304 || status < 200; }

}  // namespace

const http::Handler* HttpServerState::find(std::string_view path) const {
  if (const auto found = exact.find(path); found != exact.end()) return &found->second;
  for (const auto& [prefix, handler] : prefixes)
    if (path.starts_with(prefix)) return &handler;
  return nullptr;
}

const std::string& HttpServerState::usual_fields() {
  const TimePoint pass = current_scheduler().now();
  if (pass == date_seen_at_ && !usual_fields_.empty()) return usual_fields_;
  date_seen_at_ = pass;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::int64_t second = now.time_since_epoch().count();
  if (second != date_second_) {
    date_second_ = second;
    usual_fields_.clear();
    append_field(usual_fields_, "Date", format_http_date(now));
    if (!options.name.empty()) append_field(usual_fields_, "Server", options.name);
  }
  return usual_fields_;
}

HttpSession::HttpSession(std::shared_ptr<HttpServerState> state, StreamReader reader,
                         StreamWriter writer)
    : state_(std::move(state)),
      reader_(std::move(reader)),
      writer_(std::move(writer)),
      parser_(limits_of(state_->options)),
      task_(current_task()) {
  state_->sessions.insert(this);
  state_->all_gone.clear();
}

HttpSession::~HttpSession() {
  flush_handle_.cancel();
  state_->sessions.erase(this);
  if (state_->sessions.empty()) state_->all_gone.set();
}

void HttpSession::cancel() {
  if (task_) task_->cancel();
}

Coro<> HttpSession::run() {
  try {
    if (state_->sessions.size() > state_->options.max_connections) {
      co_await refuse(503);
    } else {
      while (co_await serve_one()) {}
      co_await flush();
    }
  } catch (const OSError&) {
    // The client went away: there is nobody to tell.
  }
  writer_.close();
}

Coro<bool> HttpSession::serve_one() {
  parser_.reset();
  const Read end = co_await read_message();
  if (end == Read::end) co_return false;
  if (end == Read::timed_out) {
    if (!is_idle_) co_await refuse(408);
    co_return false;
  }
  if (parser_.error() != ParseError::none) {
    co_await refuse(status_of(parser_.error()));
    co_return false;
  }
  const bool keep_alive = parser_.keep_alive();
  const bool is_head = parser_.message().method == "HEAD";
  http::Request request;
  if (!take_request(request)) {
    co_await refuse(400);
    co_return false;
  }
  http::Response response = co_await handle(request);
  const bool stays = keep_alive && !state_->stopping;
  put_answer(response, is_head, stays);
  if (response.file && !is_head && !has_no_body(response.status))
    co_await send_file(*response.file);
  if (out_.size() > kFlushAt)
    co_await flush();
  else if (!out_.empty() && !reader_.buffered().empty())
    flush_soon();
  co_return stays && !writer_.is_closing();
}

Duration HttpSession::read_limit() const {
  if (is_idle_) return state_->options.idle_timeout;
  if (parser_.head_complete())
    return std::min(state_->options.body_timeout, body_deadline_ - current_scheduler().now());
  return head_deadline_ - current_scheduler().now();
}

Coro<HttpSession::Read> HttpSession::read_message() {
  std::size_t needed = 1;
  bool has_deadline = false;
  while (!parser_.ended()) {
    std::string_view data = reader_.buffered();
    if (data.size() < needed) {
      co_await flush();
      is_idle_ = data.empty() && !parser_.started();
      if (is_idle_ && state_->stopping) co_return Read::end;
      const auto view = co_await move_on_after(read_limit(), reader_.read_view(needed));
      if (!view) co_return Read::timed_out;
      is_idle_ = false;
      if (view->size() < needed) co_return Read::end;
      data = *view;
    }
    if (!has_deadline) {
      has_deadline = true;
      head_deadline_ = current_scheduler().now() + state_->options.header_timeout;
    }
    const auto phase = parser_.phase();
    const std::size_t used = parser_.feed(data);
    const std::size_t left = data.size() - used;
    const bool is_stuck = parser_.phase() == phase;
    if (!is_stuck && parser_.phase() == RequestParser::Phase::body) head_is_read(left == 0);
    reader_.consume(used);
    needed = is_stuck || left == 0 ? left + 1 : 1;
  }
  co_return Read::done;
}

// A client that waits to be told may be waiting for us.
void HttpSession::head_is_read(bool all_was_used) {
  body_deadline_ = current_scheduler().now() + state_->options.body_deadline;
  if (parser_.expects_continue() && all_was_used) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
}

bool HttpSession::take_request(http::Request& request) {
  RequestMessage& message = parser_.message();
  request.method = std::move(message.method);
  request.target = std::move(message.target);
  // RFC 9112 section 3.2.2: a proxy's form of the target must be understood.
  for (const std::string_view scheme : {"http://", "https://"})
    if (request.target.size() > scheme.size() &&
        iequals(std::string_view(request.target).substr(0, scheme.size()), scheme)) {
      const std::size_t path = request.target.find_first_of("/?", scheme.size());
      request.target = path == std::string::npos ? "/" : request.target.substr(path);
      if (request.target[0] == '?') request.target.insert(0, "/");
    }
  auto path = percent_decode(std::string_view(request.target).substr(0, request.target.find('?')));
  if (!path) return false;
  request.path = std::move(*path);
  request.headers = std::move(message.headers);
  request.body = std::move(message.body);
  request.version = message.version;
  request.peer = writer_.peername();
  return true;
}

Coro<http::Response> HttpSession::handle(http::Request& request) {
  const http::Handler* handler = state_->find(request.path);
  if (handler == nullptr) co_return refusal(404);
  what_.assign(request.method).append(" ").append(request.target);  // the handler takes it away
  try {
    co_return co_await (*handler)(std::move(request));
  } catch (const std::exception&) {
    logging::log(LogLevel::error, "http::Server: the handler of <Request " + what_ +
                                      "> failed\n  " + describe(std::current_exception()));
  }
  co_return refusal(500);
}

// Straight into what is sent: Headers::set() would look for each field and check its bytes again.
void HttpSession::append_head(const http::Response& response, std::uint64_t size, bool keep_alive) {
  const bool is_old = parser_.head_complete() && parser_.message().version == 10;
  const bool says_connection = !keep_alive || is_old;
  bool has_date = false;
  bool has_name = false;
  append_status_line(out_, response.status, response.reason);
  for (const http::Headers::Field field : response.headers) {
    if (iequals(field.name, "Transfer-Encoding") || iequals(field.name, "Content-Length") ||
        (says_connection && iequals(field.name, "Connection")))
      continue;
    has_date = has_date || iequals(field.name, "Date");
    has_name = has_name || iequals(field.name, "Server");
    append_field(out_, field.name, field.value);
  }
  const std::string_view usual = state_->usual_fields();
  const std::size_t date_end = usual.find('\n') + 1;
  if (!has_date) out_ += usual.substr(0, date_end);
  if (!has_name) out_ += usual.substr(date_end);
  if (!has_no_body(response.status)) append_field(out_, "Content-Length", std::to_string(size));
  if (says_connection) append_field(out_, "Connection", keep_alive ? "keep-alive" : "close");
  out_ += "\r\n";
}

// No coroutine, since nearly all answers are put together at once. A file follows by send_file().
void HttpSession::put_answer(http::Response& response, bool is_head, bool keep_alive) {
  if (response.status < 200 || response.status > 999) response = refusal(500);
  const std::uint64_t size = response.file ? response.file->size() : response.body.size();
  append_head(response, size, keep_alive);
  ++state_->answered;
  if (!response.file && !is_head && !has_no_body(response.status)) out_ += response.body;
}

Coro<> HttpSession::send_file(const http::FileBody& file) {
  co_await flush();
  std::uint64_t sent = 0;
  while (sent < file.size() && !writer_.is_closing()) {
    const auto piece =
        static_cast<std::size_t>(std::min<std::uint64_t>(kFilePiece, file.size() - sent));
    const auto count =
        co_await move_on_after(state_->options.write_timeout,
                               writer_.sendfile(file.fd(), static_cast<std::size_t>(sent), piece));
    // A client that takes nothing, or a file that became shorter than we promised.
    if (!count || *count == 0) {
      writer_.abort();
      co_return;
    }
    sent += *count;
  }
}

Coro<> HttpSession::refuse(int status) {
  http::Response response = refusal(status);
  put_answer(response, false, false);
  co_await flush();
  co_await linger();
}

// A socket that is closed with unread bytes is reset, and the client may lose our answer.
Coro<> HttpSession::linger() {
  if (writer_.is_closing() || !writer_.can_write_eof()) co_return;  // close() of TLS lingers itself
  writer_.write_eof();
  co_await move_on_after(kLingerTime, discard_input());
}

Coro<> HttpSession::discard_input() {
  std::size_t total = 0;
  reader_.consume(reader_.buffered().size());
  while (total < kLingerBytes) {
    const std::size_t size = (co_await reader_.read_view()).size();
    if (size == 0) co_return;
    reader_.consume(size);
    total += size;
  }
}

void HttpSession::write_out() {
  flush_handle_.cancel();
  flush_handle_ = Handle();
  if (out_.empty()) return;
  writer_.write(out_);
  out_.clear();
}

Coro<> HttpSession::flush() {
  if (out_.empty()) co_return;
  write_out();
  if (!co_await move_on_after(state_->options.write_timeout, writer_.drain())) writer_.abort();
}

// Answers wait for more of the same read, but not for a handler that takes its time.
void HttpSession::flush_soon() {
  if (flush_handle_) return;
  flush_handle_ = get_running_loop().call_soon([this] { write_out(); });
}

}  // namespace asyncio::detail
