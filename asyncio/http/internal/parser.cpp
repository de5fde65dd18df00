// Beast 1.81 asserts that a last chunk's line holds five bytes; "0\r\n" in a first read is fine.
#define BOOST_DISABLE_ASSERTS
#include "asyncio/http/internal/parser.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <functional>
#include <type_traits>
#include <utility>

#include "asyncio/http/internal/chars.hpp"
#include "asyncio/http/internal/headers_access.hpp"

namespace asyncio::detail {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;
using BeastText = boost::beast::string_view;

namespace {

constexpr std::size_t kMaxEmptyLines = 4;  // Before a start line; old clients send one after POST.
constexpr int kMaxInterim = 32;            // 1xx responses in a row; more is a peer gone mad.

std::string_view view(BeastText text) { return {text.data(), text.size()}; }

// What stands in the error_code while our own ParseError says more.
error_code refused() { return beast_http::error::bad_value; }

// "HTTP/d.d" with a version other than ours is a version we do not speak; all else is garbage.
bool is_http_version(std::string_view text) {
  return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
         is_digit(text[7]);
}

bool is_valid_target(std::string_view method, std::string_view target) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (!std::all_of(target.begin(), target.end(), is_ascii)) return false;
  if (method == "CONNECT") return target.find('/') == std::string_view::npos;
  if (target == "*") return method == "OPTIONS";
  return target.starts_with('/') || target.find("://") != std::string_view::npos;
}

bool is_valid_host(std::string_view host) {
  return std::all_of(host.begin(), host.end(), [](char c) {
    return is_alpha(c) || is_digit(c) ||
           std::string_view("-._~!$&'()*+;=:[]%").find(c) != std::string_view::npos;
  });
}

// Whether a chunk header that Beast finds unfinished can never become one: there is a bare LF, no
// number, or a quoted string has swallowed the end of the line. Only the line of the last chunk, of
// size 0, may have ended: it waits for the trailers.
bool is_hopeless_chunk(std::string_view pending) {
  if (pending.starts_with("\r\n")) pending.remove_prefix(2);
  for (std::size_t at = pending.find('\n'); at != pending.npos; at = pending.find('\n', at + 1)) {
    if (at == 0 || pending[at - 1] != '\r') return true;
  }
  std::size_t digits = 0;
  while (digits < pending.size() && hex_value(pending[digits]) >= 0) ++digits;
  if (digits == pending.size()) return false;
  if (std::string_view("; \t\r").find(pending[digits]) == std::string_view::npos) return true;
  const bool is_last = pending.find_first_not_of('0') >= digits;
  return pending.find(is_last ? "\r\n\r\n" : "\r\n") != std::string_view::npos;
}

ParseError check_transfer_encoding(std::string_view value) {
  if (iequals(value, "chunked")) return ParseError::none;
  std::string_view last;
  for (std::string_view rest = value; !rest.empty();) {
    if (iequals(last, "chunked")) return ParseError::malformed;  // It must be the last one.
    last = next_item(rest);
    if (!is_token(last)) return ParseError::malformed;
  }
  return iequals(last, "chunked") ? ParseError::unknown_coding : ParseError::malformed;
}

}  // namespace

int status_of(ParseError error) noexcept {
  switch (error) {
    case ParseError::none:
    case ParseError::incomplete:
      return 0;
    case ParseError::malformed:
      return 400;
    case ParseError::body_too_large:
      return 413;
    case ParseError::target_too_long:
      return 414;
    case ParseError::headers_too_large:
      return 431;
    case ParseError::unknown_coding:
      return 501;
    case ParseError::unsupported_version:
      return 505;
  }
  return 400;
}

template <class Message>
struct MessageParser<Message>::Impl {
  static constexpr bool kIsRequest = std::is_same_v<Message, RequestMessage>;
  class Core;

  explicit Impl(const ParseLimits& given) : limits(given) { restart(); }

  void restart();
  std::size_t skip_empty_lines(std::string_view data);
  std::size_t put_short_status_line(std::string_view data);
  std::size_t feed(std::string_view data);
  bool after_put(const error_code& code, std::string_view message, std::string_view left);
  void need_more(std::string_view pending);
  void head_done();
  void fail(ParseError what, std::string why);
  void fail(const error_code& code, std::string_view message);
  bool take_body(std::string_view piece);
  ParseError add_field(std::string_view name, std::string_view value, bool is_folded);
  ParseError check_framing_field(std::string_view name, std::string_view value);
  ParseError check_head() const;
  bool wants_keep_alive() const;

  ParseLimits limits;
  std::optional<Core> core;  // Beast's part; a new one for each message.
  Message message;
  BodySink sink;
  std::uint64_t body_limit = 0;
  std::uint64_t body_size = 0;
  std::size_t header_bytes = 0;
  std::size_t chunk_bytes = 0;
  std::size_t empty_lines = 0;
  Phase phase = Phase::head;
  ParseError error = ParseError::none;
  std::string error_text;
  int interim = 0;
  bool has_begun = false;  // Some byte of this message has been seen, taken or not.
  bool has_start_line = false;
  bool is_in_trailers = false;
  bool has_no_body = false;
  bool keeps_alive = false;
};

// Beast calls back here; each callback checks, stores, and refuses through the error_code.
template <class Message>
class MessageParser<Message>::Impl::Core final : public beast_http::basic_parser<kIsRequest> {
 public:
  explicit Core(Impl& owner) : owner_(owner) {
    this->body_limit(boost::none);  // Ours counts what Beast's does not: see take_body().
    // Beast counts what is pending at one call; the exact limits are checked in Impl.
    this->header_limit(std::numeric_limits<std::uint32_t>::max());
  }

 private:
  void refuse(ParseError what, const char* why, error_code& code) {
    owner_.fail(what, why);
    code = refused();
  }

  void on_request_impl(beast_http::verb, BeastText method, BeastText target, int version,
                       error_code& code) override {
    owner_.has_start_line = true;
    if (method.size() + target.size() + 12 > owner_.limits.start_line) {
      return refuse(ParseError::target_too_long, "the request line is too long", code);
    }
    if (!is_valid_target(view(method), view(target))) {
      return refuse(ParseError::malformed, "bad target", code);
    }
    if constexpr (kIsRequest) {
      owner_.message.method = view(method);
      owner_.message.target = view(target);
    }
    owner_.message.version = version;
  }

  void on_response_impl(int status, BeastText reason, int version, error_code& code) override {
    owner_.has_start_line = true;
    if (status < 100) return refuse(ParseError::malformed, "bad status", code);
    if constexpr (!kIsRequest) {
      owner_.message.status = status;
      owner_.message.reason = view(reason);
    }
    owner_.message.version = version;
  }

  void on_field_impl(beast_http::field, BeastText name, BeastText value,
                     error_code& code) override {
    // Beast joins folded lines, in a buffer of its own where both lines hold text; in our input
    // there is a line end between name and value otherwise. Either way we refuse them.
    const char* const name_end = name.data() + name.size();
    const char* const value_at = value.data();
    const std::less<const char*> before;
    const bool is_elsewhere = before(value_at, name_end) || before(input_end_, value_at);
    const bool is_folded =
        is_elsewhere ||
        std::memchr(name_end, '\r', static_cast<std::size_t>(value_at - name_end)) != nullptr;
    const ParseError problem = owner_.add_field(view(name), view(value), is_folded);
    if (problem != ParseError::none) code = refused();
  }

  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

  std::size_t on_body_impl(BeastText piece, error_code& code) override {
    if (!owner_.take_body(view(piece))) code = refused();
    return piece.size();
  }

  void on_chunk_header_impl(std::uint64_t size, BeastText extension, error_code& code) override {
    const std::string_view text = view(extension);
    owner_.is_in_trailers = size == 0;
    owner_.chunk_bytes += text.size();
    if (owner_.chunk_bytes > owner_.limits.chunk_overhead) {
      return refuse(ParseError::malformed, "too many chunk extensions", code);
    }
    if (std::any_of(text.begin(), text.end(), is_forbidden_in_value)) {
      return refuse(ParseError::malformed, "bad chunk extension", code);
    }
    if (size > owner_.body_limit - std::min(owner_.body_limit, owner_.body_size)) {
      return refuse(ParseError::body_too_large, "the body is too large", code);
    }
  }

  std::size_t on_chunk_body_impl(std::uint64_t, BeastText piece, error_code& code) override {
    return on_body_impl(piece, code);
  }

  void on_finish_impl(error_code&) override {}

 public:
  std::size_t put_text(std::string_view text, error_code& code) {
    input_end_ = text.data() + text.size();
    return this->put(boost::asio::const_buffer(text.data(), text.size()), code);
  }

 private:
  Impl& owner_;
  const char* input_end_ = nullptr;
};

template <class Message>
void MessageParser<Message>::Impl::restart() {
  core.emplace(*this);
  if constexpr (kIsRequest) {
    message.method.clear();
    message.target.clear();
  } else {
    message.status = 0;
    message.reason.clear();
  }
  message.headers.clear();
  message.trailers.clear();
  message.body.clear();
  sink = nullptr;
  body_limit = limits.body;
  body_size = 0;
  header_bytes = chunk_bytes = empty_lines = 0;
  phase = Phase::head;
  error = ParseError::none;
  error_text.clear();
  has_begun = has_start_line = is_in_trailers = keeps_alive = false;
}

template <class Message>
void MessageParser<Message>::Impl::fail(ParseError what, std::string why) {
  phase = Phase::failed;
  error = what;
  error_text = std::move(why);
}

// Beast's reason, unless one of our callbacks has given a better one.
template <class Message>
void MessageParser<Message>::Impl::fail(const error_code& code, std::string_view data) {
  if (phase == Phase::failed) return;
  auto what = ParseError::malformed;
  if (code == beast_http::error::bad_version) {
    const std::string_view line = data.substr(0, data.find('\r'));
    const std::string_view version =
        kIsRequest ? line.substr(line.rfind(' ') + 1) : line.substr(0, 8);
    if (is_http_version(version) && version != "HTTP/1.1" && version != "HTTP/1.0") {
      what = ParseError::unsupported_version;
    }
  } else if (code == beast_http::error::header_limit) {
    what = ParseError::headers_too_large;  // Beast's buffer for folded lines is full.
  }
  fail(what, code.message());
}

template <class Message>
bool MessageParser<Message>::Impl::take_body(std::string_view piece) {
  if (piece.size() > body_limit - std::min(body_limit, body_size)) {
    fail(ParseError::body_too_large, "the body is too large");
    return false;
  }
  body_size += piece.size();
  if (sink) {
    sink(piece);
  } else {
    message.body += piece;
  }
  return true;
}

template <class Message>
ParseError MessageParser<Message>::Impl::add_field(std::string_view name, std::string_view value,
                                                   bool is_folded) {
  header_bytes += name.size() + value.size() + 4;
  const std::size_t count = message.headers.size() + message.trailers.size();
  if (header_bytes > limits.headers || count >= limits.header_count) {
    fail(ParseError::headers_too_large, "the headers are too large");
  } else if (is_folded) {
    fail(ParseError::malformed, "folded header line");
  } else if (is_in_trailers) {
    HeadersAccess::add_unchecked(message.trailers, name, value);
  } else if (const auto problem = check_framing_field(name, value); problem != ParseError::none) {
    fail(problem, "bad " + std::string(name));
  } else {
    HeadersAccess::add_unchecked(message.headers, name, value);
  }
  return error;
}

// The fields that say where the message ends and whom it is for stand once, in one form only.
template <class Message>
ParseError MessageParser<Message>::Impl::check_framing_field(std::string_view name,
                                                             std::string_view value) {
  if (iequals(name, "Transfer-Encoding")) {
    if (message.headers.contains(name)) return ParseError::malformed;
    // A 1.0 peer cannot mean it (RFC 9112 section 6.1); from a server we read on, then close.
    if (kIsRequest && message.version == 10) return ParseError::malformed;
    return check_transfer_encoding(value);
  }
  if (iequals(name, "Content-Length")) {
    // Beast refuses lengths that differ. Equal ones are common from servers, never from clients.
    const bool is_repeated = message.headers.contains(name) || value.find(',') != value.npos;
    return kIsRequest && is_repeated ? ParseError::malformed : ParseError::none;
  }
  if (kIsRequest && iequals(name, "Host")) {
    const bool is_fine = is_valid_host(value) && !message.headers.contains(name);
    return is_fine ? ParseError::none : ParseError::malformed;
  }
  return ParseError::none;
}

template <class Message>
ParseError MessageParser<Message>::Impl::check_head() const {
  if (kIsRequest && limits.require_host && message.version == 11 &&
      !message.headers.contains("Host")) {
    return ParseError::malformed;
  }
  return ParseError::none;
}

template <class Message>
bool MessageParser<Message>::Impl::wants_keep_alive() const {
  const http::Headers& headers = message.headers;
  if (core->need_eof() || headers.has_token("Connection", "close")) return false;
  if (message.version == 10 && !headers.has_token("Connection", "keep-alive")) return false;
  if constexpr (!kIsRequest) {
    if (message.version == 10 && headers.contains("Transfer-Encoding")) return false;
    // No body may follow, but one is announced: what comes next cannot be trusted.
    const bool announces_body =
        headers.contains("Transfer-Encoding") || headers.get("Content-Length", "0") != "0";
    if (message.status == 204 && announces_body) return false;
  }
  return true;
}

template <class Message>
void MessageParser<Message>::Impl::head_done() {
  if (check_head() != ParseError::none) return fail(ParseError::malformed, "no Host header");
  if (const auto length = core->content_length();
      length && *length > body_limit && !core->is_done()) {
    return fail(ParseError::body_too_large, "the body is too large");
  }
  keeps_alive = wants_keep_alive();
  phase = Phase::body;
}

// Bytes are left that make no whole element: they may not grow for ever.
template <class Message>
void MessageParser<Message>::Impl::need_more(std::string_view pending) {
  // Where the start line came in pieces, Beast looks at it again when the whole head is there.
  const bool is_in_start_line =
      phase == Phase::head && !has_start_line && pending.find("\r\n") == pending.npos;
  if (is_in_start_line) {
    if (pending.size() >= limits.start_line) {
      fail(ParseError::target_too_long, "the start line is too long");
    }
  } else if (phase == Phase::head) {
    if (header_bytes + pending.size() > limits.headers + (has_start_line ? 0 : limits.start_line)) {
      fail(ParseError::headers_too_large, "the headers are too large");
    }
  } else if (is_hopeless_chunk(pending)) {
    fail(ParseError::malformed, "bad chunk");
  } else if (pending.size() > limits.chunk_overhead + limits.headers) {
    fail(ParseError::headers_too_large, "the trailers are too large");
  }
}

template <class Message>
std::size_t MessageParser<Message>::Impl::skip_empty_lines(std::string_view data) {
  std::size_t skipped = 0;
  while (data.substr(skipped).starts_with("\r\n")) {
    skipped += 2;
    if (++empty_lines > kMaxEmptyLines) fail(ParseError::malformed, "too many empty lines");
  }
  return skipped;
}

// "HTTP/1.1 200" without the blank behind it is common enough; Beast wants the blank. Returns how
// much of `data` was used up, 0 where there is nothing to repair.
template <class Message>
std::size_t MessageParser<Message>::Impl::put_short_status_line(std::string_view data) {
  constexpr std::size_t kSize = std::string_view("HTTP/1.1 200").size();
  if (data.size() < kSize + 2 || data.substr(kSize, 2) != "\r\n") return 0;
  const std::string line = std::string(data.substr(0, kSize)) + " \r\n";
  error_code code;
  core->put_text(line, code);
  if (code && code != beast_http::error::need_more) fail(code, line);
  return kSize + 2;
}

// True where feed() goes on.
template <class Message>
bool MessageParser<Message>::Impl::after_put(const error_code& code, std::string_view data,
                                             std::string_view left) {
  if (code == beast_http::error::need_more) {
    need_more(left);
    return false;
  }
  if (code) {
    fail(code, data);
    return false;
  }
  const bool was_head = phase == Phase::head;
  if (was_head && core->is_header_done()) head_done();
  if (phase == Phase::failed) return false;
  if (!core->is_done()) return !was_head;
  if constexpr (!kIsRequest) {
    if (message.status / 100 == 1 && message.status != 101) {
      const int count = interim + 1;
      restart();
      interim = count;
      if (has_no_body) core->skip(true);
      if (count > kMaxInterim) fail(ParseError::malformed, "too many interim responses");
      return count <= kMaxInterim;
    }
  }
  phase = Phase::complete;
  return false;
}

template <class Message>
std::size_t MessageParser<Message>::Impl::feed(std::string_view data) {
  std::size_t used = 0;
  while (phase < Phase::complete && used < data.size()) {
    if (!core->got_some()) {
      used += skip_empty_lines(data.substr(used));
      const std::string_view rest = data.substr(used);
      if (phase == Phase::failed || rest.empty() || rest == "\r") break;
      has_begun = true;
      if constexpr (!kIsRequest) {
        constexpr std::size_t kStatusLine = std::string_view("HTTP/1.1 200\r\n").size();
        const bool is_prefix = std::string_view("HTTP/").starts_with(rest.substr(0, 5));
        if (is_prefix && rest.size() < kStatusLine) break;
        used += put_short_status_line(rest);
        if (used == data.size()) break;
      }
    }
    const std::string_view rest = data.substr(used);
    error_code code;
    const std::size_t count = core->put_text(rest, code);
    used += count;
    if (!after_put(code, rest, rest.substr(count))) break;
  }
  return used;
}

template <class Message>
MessageParser<Message>::MessageParser(ParseLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
template <class Message>
MessageParser<Message>::MessageParser(MessageParser&&) noexcept = default;
template <class Message>
MessageParser<Message>& MessageParser<Message>::operator=(MessageParser&&) noexcept = default;
template <class Message>
MessageParser<Message>::~MessageParser() = default;

template <class Message>
std::size_t MessageParser<Message>::feed(std::string_view data) {
  return impl_->feed(data);
}

template <class Message>
void MessageParser<Message>::finish() {
  if (ended() || !started()) return;
  error_code code = beast_http::error::partial_message;
  if (impl_->phase == Phase::body) impl_->core->put_eof(code);
  if (code) {
    impl_->fail(ParseError::incomplete, "the peer closed the connection within a message");
  } else {
    impl_->phase = Phase::complete;
  }
}

template <class Message>
void MessageParser<Message>::reset() {
  impl_->has_no_body = false;
  impl_->interim = 0;
  impl_->restart();
}

template <class Message>
auto MessageParser<Message>::phase() const noexcept -> Phase {
  return impl_->phase;
}

template <class Message>
bool MessageParser<Message>::started() const noexcept {
  return impl_->has_begun;
}

template <class Message>
ParseError MessageParser<Message>::error() const noexcept {
  return impl_->error;
}

template <class Message>
std::string MessageParser<Message>::error_text() const {
  const int status = status_of(impl_->error);
  return status == 0 ? impl_->error_text : std::to_string(status) + ": " + impl_->error_text;
}

template <class Message>
Message& MessageParser<Message>::message() noexcept {
  return impl_->message;
}

template <class Message>
const Message& MessageParser<Message>::message() const noexcept {
  return impl_->message;
}

template <class Message>
bool MessageParser<Message>::keep_alive() const noexcept {
  return impl_->keeps_alive;
}

template <class Message>
bool MessageParser<Message>::is_chunked() const noexcept {
  return head_complete() && impl_->core->chunked();
}

template <class Message>
bool MessageParser<Message>::ends_with_stream() const noexcept {
  return head_complete() && impl_->core->need_eof();
}

template <class Message>
std::optional<std::uint64_t> MessageParser<Message>::content_length() const noexcept {
  if (!head_complete()) return std::nullopt;
  const auto length = impl_->core->content_length();
  return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}

template <class Message>
bool MessageParser<Message>::expects_continue() const noexcept {
  return phase() == Phase::body && impl_->message.version == 11 &&
         impl_->message.headers.has_token("Expect", "100-continue");
}

template <class Message>
void MessageParser<Message>::set_body_sink(BodySink sink) {
  impl_->sink = std::move(sink);
}

template <class Message>
void MessageParser<Message>::set_body_limit(std::uint64_t bytes) {
  impl_->body_limit = bytes;
  if (phase() == Phase::body && content_length().value_or(0) > bytes) {
    impl_->fail(ParseError::body_too_large, "the body is too large");
  }
}

template <class Message>
std::uint64_t MessageParser<Message>::body_size() const noexcept {
  return impl_->body_size;
}

template <class Message>
void MessageParser<Message>::expect_no_body() {
  impl_->has_no_body = true;
  impl_->core->skip(true);
}

template <class Message>
int MessageParser<Message>::interim_responses() const noexcept {
  return impl_->interim;
}

template class MessageParser<RequestMessage>;
template class MessageParser<ResponseMessage>;

}  // namespace asyncio::detail
