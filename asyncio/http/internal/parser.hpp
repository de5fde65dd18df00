// parser.hpp: RequestParser and ResponseParser, HTTP/1.0 and 1.1 from bytes that come in pieces.
// The grammar is Boost.Beast's; what is added here refuses every message that two readers could
// understand differently, since that is how requests are smuggled past a proxy.
//
//   RequestParser parser({.body = 1 << 20});
//   while (!parser.ended()) {
//     buffer.consume(parser.feed(buffer.view()));        // may use nothing: then it needs more
//     ...read more into the buffer, or parser.finish() at its end...
//   }
//   if (parser.error() != ParseError::none) respond(status_of(parser.error()));
//   serve(parser.message());
//   parser.reset();                                       // the buffer may hold the next request
//
// Refused: Transfer-Encoding together with Content-Length, either of them twice, a last coding
// other than chunked, lines that end in a bare LF or CR, folded lines, blanks before the colon,
// control characters, more than one Host. See RFC 9112 sections 2.2, 5, 6.3 and 11.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "asyncio/http/headers.hpp"

namespace asyncio::detail {

enum class ParseError : std::uint8_t {
  none,
  malformed,            // 400
  body_too_large,       // 413
  target_too_long,      // 414
  headers_too_large,    // 431
  unknown_coding,       // 501: a transfer coding that is valid but not implemented
  unsupported_version,  // 505
  incomplete,           // The peer went away in the middle: there is nobody to answer.
};

// The status a server answers with; 0 for none and incomplete.
int status_of(ParseError error) noexcept;

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

struct ParseLimits {
  std::size_t start_line = 8 * 1024;  // Bytes.
  std::size_t headers = 64 * 1024;    // Bytes of all lines of head and trailers.
  std::size_t header_count = 128;
  std::size_t chunk_overhead = 16 * 1024;  // Bytes of chunk extensions in one message.
  std::uint64_t body = 8 * 1024 * 1024;    // Bytes after the chunks have been joined.
  bool require_host = true;                // HTTP/1.1 requests name their host (RFC 9112 3.2).
};

struct MessageBase {
  int version = 11;  // 10 or 11.
  http::Headers headers;
  http::Headers trailers;  // Those behind a chunked body; never mixed with the headers.
  std::string body;        // Empty where a sink takes the body.
};

struct RequestMessage : MessageBase {
  std::string method;
  std::string target;
};

struct ResponseMessage : MessageBase {
  int status = 0;
  std::string reason;
};

// One connection's parser, used for one message after the other.
//
// Diagram of its phases; feed() does all transitions but the marked one:
//
//   head --> body --> complete --reset()--> head
//     |        |         ^
//     |        +---------+-- finish(): where only the end of the stream ends the body
//     +--------+--> failed (stays until reset)
template <class Message>
class MessageParser {
 public:
  enum class Phase : std::uint8_t { head, body, complete, failed };
  using BodySink = std::function<void(std::string_view)>;

  explicit MessageParser(ParseLimits limits = {});
  MessageParser(MessageParser&&) noexcept;
  MessageParser& operator=(MessageParser&&) noexcept;
  ~MessageParser();

  // Takes bytes from the front of `data` and says how many. It stops at the end of the head, so
  // that the caller can look at it and say where the body goes, and at the end of the message.
  // What it did not take must be passed again, with more behind it: while the phase is unchanged
  // and bytes are left, more are needed. Keeps no reference to `data`.
  std::size_t feed(std::string_view data);
  // The stream has ended. Completes a body that only this ends; otherwise `incomplete`, unless no
  // message had begun.
  void finish();
  // Ready for the next message. Sink and body limit are those of the constructor again.
  void reset();

  Phase phase() const noexcept;
  bool ended() const noexcept { return phase() >= Phase::complete; }
  bool complete() const noexcept { return phase() == Phase::complete; }
  bool head_complete() const noexcept {
    return phase() == Phase::body || phase() == Phase::complete;
  }
  bool started() const noexcept;  // Whether any byte of this message has been seen.
  ParseError error() const noexcept;
  std::string error_text() const;  // "400: bad Content-Length"

  // Valid once the head is complete.
  Message& message() noexcept;
  const Message& message() const noexcept;
  bool keep_alive() const noexcept;  // Whether the connection can be used for another message.
  bool is_chunked() const noexcept;
  bool ends_with_stream() const noexcept;  // Neither length nor chunks: finish() ends the body.
  std::optional<std::uint64_t> content_length() const noexcept;
  // Requests: the client waits for "100 Continue" before it sends the body.
  bool expects_continue() const noexcept;

  // For this message, to be called when the head is complete. The sink gets the body in pieces
  // instead of message().body. A limit that Content-Length exceeds fails at once.
  void set_body_sink(BodySink sink);
  void set_body_limit(std::uint64_t bytes);
  std::uint64_t body_size() const noexcept;  // Bytes of the body so far.

  // Responses: this one answers a HEAD request, or a successful CONNECT; to be called before
  // feed(). It has no body whatever its headers say. reset() forgets it.
  void expect_no_body();
  // Responses: interim ones (100, 103) passed over before this one; 101 is a final one.
  int interim_responses() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

extern template class MessageParser<RequestMessage>;
extern template class MessageParser<ResponseMessage>;
using RequestParser = MessageParser<RequestMessage>;
using ResponseParser = MessageParser<ResponseMessage>;

}  // namespace asyncio::detail
