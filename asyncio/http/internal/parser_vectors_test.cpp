// The parsers against messages that others have collected; see tests/vectors/README.md.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/http/internal/parser.hpp"
#include "tests/vectors/vectors.hpp"

namespace asyncio::detail {
namespace {

struct Outcome {
  bool rejected = false;
  std::string error;
  std::vector<std::pair<std::string, std::string>> messages;  // Target and body of each.
};

template <class Parser>
class Reader {
 public:
  explicit Reader(ParseLimits limits) : parser_(limits) {}

  void read(std::string_view piece) {
    pending_ += piece;
    while (!outcome_.rejected) {
      const std::size_t used = parser_.feed(pending_);
      pending_.erase(0, used);
      if (parser_.phase() == Parser::Phase::failed) return reject();
      if (parser_.complete()) {
        take();
      } else if (used == 0 || pending_.empty()) {
        return;
      }
    }
  }

  Outcome finish(bool at_end) {
    if (at_end) {
      parser_.finish();
      if (parser_.phase() == Parser::Phase::failed) reject();
      if (parser_.complete()) take();
    }
    return std::move(outcome_);
  }

 private:
  void reject() {
    outcome_.rejected = true;
    outcome_.error = parser_.error_text();
  }
  void take() {
    std::string target;
    if constexpr (std::is_same_v<Parser, RequestParser>) target = parser_.message().target;
    outcome_.messages.emplace_back(target, parser_.message().body);
    parser_.reset();
  }

  Parser parser_;
  std::string pending_;
  Outcome outcome_;
};

template <class Parser>
Outcome read_in_steps(std::string_view input, std::size_t step, bool at_end) {
  ParseLimits limits;
  limits.require_host = false;  // The vectors are for a parser, not for a server.
  Reader<Parser> reader(limits);
  for (; !input.empty(); input.remove_prefix(std::min(step, input.size()))) {
    reader.read(input.substr(0, step));
  }
  return reader.finish(at_end);
}

Outcome read_in_steps(bool is_request, std::string_view input, std::size_t step, bool at_end) {
  return is_request ? read_in_steps<RequestParser>(input, step, at_end)
                    : read_in_steps<ResponseParser>(input, step, at_end);
}

struct Difference {
  std::string_view in;  // Part of the name or of the reason of the vector.
  std::string_view why;
};

// Where we differ from llhttp's verdict; whatever differs elsewhere fails the test.
constexpr std::array kDifferences = {
    // It refuses; we do not.
    Difference{"Data after `Connection: close`",
               "what follows a last message is the caller's to drop: keep_alive() is false"},
    Difference{"Pause on CONNECT/Upgrade", "the server decides; the rest stays in its buffer"},
    Difference{"Invalid method for HTTP/x.x", "any token is a method; the server answers 501"},
    Difference{"Invalid method", "any token is a method; the server answers 501"},
    Difference{"Pause on PRI/Upgrade", "refused as a target: * is for OPTIONS"},
    Difference{"Content-Length overflow", "known when the head is complete, which it is not here"},
    Difference{"Duplicate Content-Length", "known when the head is complete, which it is not here"},
    Difference{"Expected LF after chunk data", "known with the next four bytes, not sent here"},
    // It accepts; we do not.
    Difference{"unsafe to finish", "it reports another way that the message is incomplete"},
    Difference{"M-SEARCH request", "* is a target for OPTIONS only"},
    Difference{"ICE", "we speak HTTP only"},
    Difference{"RTSP", "we speak HTTP only"},
    Difference{"No HTTP version", "HTTP/0.9 ended long ago"},
    Difference{"HTTP version 0.9", "HTTP/0.9 ended long ago"},
    Difference{"POST with `chunked` as last", "codings under chunked are not implemented: 501"},
    Difference{"`chunked` before other", "a last coding other than chunked is a smuggling risk"},
    Difference{"chunked is not the last one", "a second Transfer-Encoding is a smuggling risk"},
    Difference{"`chunkedchunked`", "an unknown last coding is a smuggling risk"},
    // It counts the interim response, or not the one that only the end of the stream completes.
    Difference{"HTTP 100 first", "interim responses are passed over"},
    Difference{"HTTP 103 first", "interim responses are passed over"},
    Difference{"safe to finish with cb", "the end of the stream completes the body"},
};

bool differs_on_purpose(std::string_view name, std::string_view reason) {
  for (const Difference& known : kDifferences) {
    if (name.find(known.in) != name.npos || reason.find(known.in) != reason.npos) return true;
  }
  return false;
}

TEST(ParserVectors, verdicts_agree_with_those_of_llhttp) {
  int agreed = 0;
  const auto vectors = load_vectors("llhttp/messages.json");

  for (const auto& row : vectors.as_array()) {
    const std::string name(row.at("name").as_string());
    if (differs_on_purpose(name, row.at("reason").as_string().c_str())) continue;
    const std::string input = base64_decode(row.at("input").as_string());
    const bool is_request = row.at("kind").as_string() == "request";

    const Outcome got = read_in_steps(is_request, input, input.size(), row.at("finish").as_bool());

    EXPECT_EQ(got.rejected, row.at("rejected").as_bool()) << name << ": " << got.error;
    ++agreed;
    if (got.rejected) continue;
    ASSERT_EQ(got.messages.size(), row.at("messages").as_array().size()) << name;
    for (std::size_t i = 0; i < got.messages.size(); ++i) {
      const auto& expected = row.at("messages").at(i);
      EXPECT_EQ(got.messages[i].first, expected.at(0).as_string()) << name;
      EXPECT_EQ(got.messages[i].second, expected.at(1).as_string()) << name;
    }
  }
  EXPECT_GE(agreed, 140);
}

// Otherwise the meaning of a message would depend on how the network cut it.
TEST(ParserVectors, a_message_means_the_same_however_it_is_cut) {
  const auto vectors = load_vectors("llhttp/messages.json");

  for (const auto& row : vectors.as_array()) {
    const std::string input = base64_decode(row.at("input").as_string());
    const bool is_request = row.at("kind").as_string() == "request";
    const Outcome whole = read_in_steps(is_request, input, input.size(), true);

    for (const std::size_t step : {1, 2, 3, 7}) {
      const Outcome cut = read_in_steps(is_request, input, step, true);
      // An error may be found later, or at the end of the stream, but it is an error.
      EXPECT_EQ(cut.rejected, whole.rejected) << row.at("name") << cut.error << whole.error;
      EXPECT_EQ(cut.messages, whole.messages) << row.at("name");
    }
  }
}

std::string with_length(std::string head, std::string_view length) {
  constexpr std::string_view kPlace = "__REPLACE_CL__";
  if (const auto at = head.find(kPlace); at != head.npos) head.replace(at, kPlace.size(), length);
  return head + "\r\n";
}

// Each head is damaged so that some reader sees chunks and another a length. We may refuse it, or
// see exactly one thing; the second request, hidden in the body, must never be seen.
TEST(ParserVectors, no_mutated_head_smuggles_a_request) {
  const auto vectors = load_vectors("smuggling/te-mutations.json");
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string body = "0\r\n\r\n" + hidden;  // For a reader of chunks, the body is empty.
  int refused = 0;

  for (const auto& row : vectors.as_array()) {
    const std::string head = base64_decode(row.at("head").as_string());
    const std::string input = with_length(head, std::to_string(body.size())) + body;

    RequestParser parser;
    std::size_t used = parser.feed(input);
    while (parser.phase() == RequestParser::Phase::body) {
      const std::size_t more = parser.feed(std::string_view(input).substr(used));
      if (more == 0) break;
      used += more;
    }

    if (parser.phase() == RequestParser::Phase::failed) {
      ++refused;
      EXPECT_GE(status_of(parser.error()), 400) << row.at("name");
      continue;
    }
    EXPECT_TRUE(parser.complete()) << row.at("name");
    EXPECT_FALSE(parser.is_chunked()) << row.at("name");
    EXPECT_FALSE(parser.message().headers.contains("Transfer-Encoding")) << row.at("name");
    EXPECT_EQ(parser.message().body, body) << row.at("name");
    EXPECT_EQ(used, input.size()) << row.at("name");
  }
  EXPECT_GE(refused + 6, static_cast<int>(vectors.as_array().size()));
}

}  // namespace
}  // namespace asyncio::detail
