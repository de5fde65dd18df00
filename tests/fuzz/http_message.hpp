// http_message.hpp: what must hold for every message that a parser of ours accepts.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "asyncio/http/internal/parser.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace asyncio::fuzz {

struct Seen {
  std::vector<std::string> messages;  // Status or method, target, headers, body of each.
  detail::ParseError error = detail::ParseError::none;
};

template <class Message>
std::string describe(const Message& message) {
  std::string out;
  if constexpr (std::is_same_v<Message, detail::RequestMessage>) {
    out = message.method + " " + message.target;
  } else {
    out = std::to_string(message.status) + " " + message.reason;
  }
  for (const http::Headers* headers : {&message.headers, &message.trailers}) {
    for (const auto field : *headers) {
      out.append("\n").append(field.name).append(": ").append(field.value);
    }
    out += '\n';
  }
  return out + message.body;
}

inline void check(const http::Headers& headers) {
  http::Headers copy;
  for (const auto field : headers) copy.add(field.name, field.value);  // Throws what is no header.
  require(copy == headers, "what the parser accepts, Headers accepts unchanged");
}

template <class Message>
void check(const detail::MessageParser<Message>& parser, const detail::ParseLimits& limits) {
  const Message& message = parser.message();
  check(message.headers);
  check(message.trailers);
  require(message.headers.size() + message.trailers.size() <= limits.header_count, "count limit");
  require(message.body.size() <= limits.body, "body limit");
  require(message.headers.count("Transfer-Encoding") == 0 ||
              message.headers.count("Content-Length") == 0,
          "a message has one framing");
  if (const auto length = parser.content_length(); length && *length == message.body.size()) return;
  require(!parser.content_length() || message.body.empty(), "the body has the announced length");
}

// Reads the input in pieces of `step` bytes.
template <class Message>
Seen read(std::string_view input, std::size_t step, bool no_body) {
  detail::ParseLimits limits;
  limits.start_line = 512;
  limits.headers = 2048;
  limits.header_count = 16;
  limits.chunk_overhead = 256;
  limits.body = 4096;
  detail::MessageParser<Message> parser(limits);
  if (no_body) parser.expect_no_body();
  Seen seen;
  std::string pending;
  while (!input.empty() || !pending.empty()) {
    pending += input.substr(0, step);
    input.remove_prefix(std::min(step, input.size()));
    for (bool progress = true; progress && !parser.ended();) {
      const auto phase = parser.phase();
      const std::size_t used = parser.feed(pending);
      require(used <= pending.size(), "no more is taken than was given");
      pending.erase(0, used);
      progress = (used > 0 || phase != parser.phase()) && !pending.empty();
    }
    require(pending.size() < 16 * 1024, "what waits is bounded");
    if (parser.error() != detail::ParseError::none) break;
    if (parser.complete()) {
      check(parser, limits);
      seen.messages.push_back(describe(parser.message()));
      parser.reset();
      if (no_body) parser.expect_no_body();
    } else if (input.empty()) {
      break;
    }
  }
  parser.finish();
  if (parser.complete()) {
    check(parser, limits);
    seen.messages.push_back(describe(parser.message()));
  }
  seen.error = parser.error();
  return seen;
}

// The first bytes choose how the rest is cut; the meaning must be that of the uncut input.
template <class Message>
void compare_cuts(std::string_view input) {
  const std::size_t step = 1 + choose(input, 32);
  const bool no_body = choose(input, 8) == 7;
  const Seen whole = read<Message>(input, input.size() + 1, no_body);
  const Seen cut = read<Message>(input, step, no_body);
  require(whole.messages == cut.messages, "cutting changes no message");
  const auto fine = detail::ParseError::none;
  require((whole.error == fine) == (cut.error == fine), "cutting makes no error, and mends none");
}

}  // namespace asyncio::fuzz
