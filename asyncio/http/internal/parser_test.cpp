#include "asyncio/http/internal/parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace asyncio::detail {
namespace {

using namespace std::string_view_literals;
using Phase = RequestParser::Phase;

// Feeds all of it, past the end of the head; returns the bytes used.
template <class Parser>
std::size_t feed_all(Parser& parser, std::string_view data) {
  std::size_t used = parser.feed(data);
  while (!parser.ended() && used < data.size()) {
    const std::size_t more = parser.feed(data.substr(used));
    if (more == 0) break;
    used += more;
  }
  return used;
}

int status_for(std::string_view request, ParseLimits limits = {}) {
  RequestParser parser(limits);
  feed_all(parser, request);
  return status_of(parser.error());
}

ParseError error_for_response(std::string_view response) {
  ResponseParser parser;
  feed_all(parser, response);
  return parser.error();
}

TEST(RequestParser, gives_the_parts_of_a_request) {
  RequestParser parser;

  feed_all(parser, "POST /a?b=c HTTP/1.1\r\nHost: h\r\nX-A:  1 2 \r\nContent-Length: 3\r\n\r\nxyz");

  ASSERT_TRUE(parser.complete()) << parser.error_text();
  const RequestMessage& request = parser.message();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/a?b=c");
  EXPECT_EQ(request.version, 11);
  EXPECT_EQ(request.headers,
            (http::Headers{{"Host", "h"}, {"X-A", "1 2"}, {"Content-Length", "3"}}));
  EXPECT_EQ(request.body, "xyz");
  EXPECT_EQ(parser.content_length(), 3u);
  EXPECT_FALSE(parser.is_chunked());
  EXPECT_TRUE(parser.keep_alive());
}

TEST(RequestParser, stops_behind_the_head_and_behind_the_message) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n";
  const std::string next = "GET /next HTTP/1.1\r\n";
  const std::string data = head + "xyz" + next;
  RequestParser parser;

  EXPECT_EQ(parser.feed(data), head.size());
  EXPECT_EQ(parser.phase(), Phase::body);
  EXPECT_EQ(parser.feed(data.substr(head.size())), 3u);
  EXPECT_EQ(parser.phase(), Phase::complete);
  EXPECT_EQ(parser.feed(next), 0u);
}

TEST(RequestParser, pipelined_requests_are_read_one_by_one) {
  std::string data;
  for (int i = 0; i < 16; ++i) {
    data += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  }
  RequestParser parser;

  for (int i = 0; i < 16; ++i) {
    data.erase(0, feed_all(parser, data));
    ASSERT_TRUE(parser.complete());
    EXPECT_EQ(parser.message().target, "/" + std::to_string(i));
    EXPECT_EQ(parser.message().headers.size(), 1u);
    parser.reset();
  }
  EXPECT_TRUE(data.empty());
}

TEST(RequestParser, empty_lines_before_a_request_are_passed_over) {
  RequestParser parser;

  EXPECT_EQ(feed_all(parser, "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), 31u);

  EXPECT_TRUE(parser.complete());
  EXPECT_EQ(status_for("\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
}

TEST(RequestParser, chunks_are_joined_and_trailers_kept_apart) {
  RequestParser parser;

  feed_all(parser,
           "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
           "3;a=b\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-Sum: 1\r\nHost: evil\r\n\r\n");

  ASSERT_TRUE(parser.complete()) << parser.error_text();
  EXPECT_TRUE(parser.is_chunked());
  EXPECT_EQ(parser.message().body, "abc0123456789");
  EXPECT_EQ(parser.message().trailers, (http::Headers{{"X-Sum", "1"}, {"Host", "evil"}}));
  EXPECT_EQ(parser.message().headers.get_all("Host"), (std::vector<std::string_view>{"h"}));
}

TEST(RequestParser, a_sink_gets_the_body_instead_of_the_message) {
  std::string taken;
  RequestParser parser;
  const std::string data =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";

  const std::size_t head = parser.feed(data);
  parser.set_body_sink([&](std::string_view piece) { taken += piece; });
  feed_all(parser, data.substr(head));

  EXPECT_TRUE(parser.complete());
  EXPECT_EQ(taken, "abcd");
  EXPECT_EQ(parser.message().body, "");
  EXPECT_EQ(parser.body_size(), 4u);
}

TEST(RequestParser, nothing_of_a_message_is_left_after_reset) {
  RequestParser parser;
  feed_all(parser, "POST /a HTTP/1.0\r\nX: y\r\nContent-Length: 1\r\n\r\nz");

  parser.reset();
  feed_all(parser, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");

  EXPECT_TRUE(parser.complete());
  EXPECT_EQ(parser.message().headers, (http::Headers{{"Host", "h"}}));
  EXPECT_EQ(parser.message().body, "");
  EXPECT_EQ(parser.content_length(), std::nullopt);
}

TEST(RequestParser, keep_alive_follows_version_and_connection) {
  const std::pair<const char*, bool> cases[] = {
      {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, close\r\n\r\n", false},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
      {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
  };
  for (const auto& [text, expected] : cases) {
    RequestParser parser;
    feed_all(parser, text);
    EXPECT_TRUE(parser.complete()) << text;
    EXPECT_EQ(parser.keep_alive(), expected) << text;
  }
}

TEST(RequestParser, the_body_can_wait_for_100_continue) {
  RequestParser parser;
  feed_all(parser,
           "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_TRUE(parser.expects_continue());
  feed_all(parser, "x");
  EXPECT_FALSE(parser.expects_continue());

  RequestParser old;
  feed_all(old, "PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_FALSE(old.expects_continue());
}

// RFC 9112 sections 6.1 and 6.3: two readers could see two different bodies.
TEST(RequestParser, framing_that_can_be_read_in_two_ways_is_400) {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
  for (const char* lines : {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
                            "Content-Length: 3\r\nContent-Length: 4\r\n",
                            "Content-Length: 3\r\nContent-Length: 3\r\n",
                            "Content-Length: 3, 3\r\n",
                            "Content-Length: +3\r\n",
                            "Content-Length: -1\r\n",
                            "Content-Length: 0x3\r\n",
                            "Content-Length: 3 \t3\r\n",
                            "Content-Length:\r\n",
                            "Content-Length: 18446744073709551616\r\n",
                            "Transfer-Encoding: identity\r\n",
                            "Transfer-Encoding: chunked, identity\r\n",
                            "Transfer-Encoding: chunked, chunked\r\n",
                            "Transfer-Encoding: \r\n",
                            "Transfer-Encoding: xchunked\r\n",
                            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                            "Transfer-Encoding: \"chunked\"\r\n",
                            "Transfer-Encoding : chunked\r\n",
                            " Transfer-Encoding: chunked\r\n",
                            "Transfer-Encoding:\r\n chunked\r\n",
                            "X: a\r\n b\r\n",
                            "X:\r\n\tb\r\n",
                            "X: a\nTransfer-Encoding: chunked\r\n",
                            "X: a\rb\r\n"}) {
    EXPECT_EQ(status_for(start + lines + "\r\n0\r\n\r\n"), 400) << lines;
  }
  EXPECT_EQ(status_for("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(RequestParser, what_is_not_a_request_is_400) {
  for (const char* text :
       {"GET /\r\n\r\n", "GET  / HTTP/1.1\r\n", "GET / HTTP/1.1 \r\n", "GET /a b HTTP/1.1\r\n",
        "G(T / HTTP/1.1\r\n", " GET / HTTP/1.1\r\n", "GET a HTTP/1.1\r\n", "GET * HTTP/1.1\r\n",
        "GET /\xc3\xa9 HTTP/1.1\r\n", "GET / HTTP/1.1\nX", "GET / http/1.1\r\n",
        "GET / HTTP/1.x\r\n", "\x16\x03\x01\x02\x01\x01", "CONNECT /a HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX: a\x01\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX: \x7f\r\n\r\n"}) {
    EXPECT_EQ(status_for(text), 400) << text;
  }
  EXPECT_EQ(status_for("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"sv), 400);
}

TEST(RequestParser, exactly_one_host_is_named) {
  EXPECT_EQ(status_for("GET / HTTP/1.1\r\nAccept: x\r\n\r\n"), 400);
  EXPECT_EQ(status_for("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n"), 400);
  EXPECT_EQ(status_for("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
  EXPECT_EQ(status_for("GET / HTTP/1.1\r\nHost: me@a\r\n\r\n"), 400);
  EXPECT_EQ(status_for("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), 0);
  EXPECT_EQ(status_for("GET / HTTP/1.0\r\n\r\n"), 0);
  EXPECT_EQ(status_for("GET / HTTP/1.1\r\n\r\n", {.require_host = false}), 0);
}

TEST(RequestParser, other_versions_of_http_are_505) {
  EXPECT_EQ(status_for("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505);
  EXPECT_EQ(status_for("GET / HTTP/0.9\r\n\r\n"), 505);
  EXPECT_EQ(status_for("GET / HTTP/1.2\r\n\r\n"), 505);
}

TEST(RequestParser, codings_we_lack_are_501) {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(status_for(start + "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501);
}

TEST(RequestParser, a_long_start_line_is_414_complete_or_not) {
  const std::string line = "GET /" + std::string(100, 'a');
  const std::string whole = line + " HTTP/1.1\r\nHost: h\r\n\r\n";

  EXPECT_EQ(status_for(whole, {.start_line = 100}), 414);
  EXPECT_EQ(status_for(line, {.start_line = 100}), 414);
  EXPECT_EQ(status_for(whole, {.start_line = 200}), 0);
}

TEST(RequestParser, large_headers_are_431_complete_or_not) {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
  const std::string line = "X: " + std::string(100, 'a');
  const ParseLimits small{.headers = 100};

  EXPECT_EQ(status_for(start + line + "\r\n\r\n", small), 431);
  EXPECT_EQ(status_for(start + line, small), 431);
  EXPECT_EQ(status_for(start + line + "\r\n\r\n", {.headers = 200}), 0);
  EXPECT_EQ(status_for(start + "A: 1\r\nB: 2\r\n\r\n", {.header_count = 2}), 431);
  EXPECT_EQ(status_for(start + "A: 1\r\n\r\n", {.header_count = 2}), 0);
}

// Beast waits for the whole head then; the start line must not be blamed for its size.
TEST(RequestParser, a_start_line_that_came_in_pieces_may_have_many_headers) {
  RequestParser parser({.start_line = 100, .headers = 1000});
  const std::string data = "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(500, 'a') + "\r\n\r\n";
  std::string pending;

  for (const char c : data) {
    pending += c;
    pending.erase(0, parser.feed(pending));
  }

  EXPECT_TRUE(parser.complete()) << parser.error_text();
}

// The limits hold together however slowly the lines come.
TEST(RequestParser, headers_that_come_one_by_one_count_together) {
  RequestParser parser({.headers = 300});
  std::string pending = "GET / HTTP/1.1\r\n";

  int lines = 0;
  for (; lines < 100 && !parser.ended(); ++lines) {
    pending += "Name: 0123456789\r\n";
    pending.erase(0, parser.feed(pending));
  }

  EXPECT_EQ(status_of(parser.error()), 431);
  EXPECT_LT(lines, 25);
}

TEST(RequestParser, a_body_over_the_limit_is_413_before_it_is_read) {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
  const ParseLimits small{.body = 4};

  EXPECT_EQ(status_for(start + "Content-Length: 5\r\n\r\n", small), 413);
  EXPECT_EQ(status_for(start + "Content-Length: 4\r\n\r\n1234", small), 0);

  const std::string chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(status_for(chunked + "5\r\n", small), 413);
  EXPECT_EQ(status_for(chunked + "4\r\n1234\r\n1\r\n", small), 413);
  EXPECT_EQ(status_for(chunked + "4\r\n1234\r\n0\r\n\r\n", small), 0);
  EXPECT_EQ(status_for(chunked + "ffffffffffffffff\r\n"), 413);
}

TEST(RequestParser, the_body_limit_can_be_chosen_when_the_head_is_known) {
  RequestParser parser;

  feed_all(parser, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
  parser.set_body_limit(4);

  EXPECT_EQ(parser.error(), ParseError::body_too_large);
  EXPECT_EQ(parser.error_text(), "413: the body is too large");
}

TEST(RequestParser, damaged_chunks_are_400) {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* body :
       {"x\r\n", "-1\r\n", " 1\r\na\r\n", "1 \r\na\r\n0\r\n\r\n", "1\na\n0\n\n", "1\r\nab\r\n",
        "0x1\r\na\r\n", "1;\r\na\r\n", "1;a=\"b\r\na\r\n0\r\n", "1;a=\"\n\"\r\na\r\n",
        "1;\x01\r\na\r\n", "0\r\nContent-Length: 3\r\n\r\n", "0\r\nX : y\r\n\r\n",
        "0\r\nX: y\r\n z\r\n\r\n", "0;a=\"\r\n\r\n"}) {
    EXPECT_EQ(status_for(start + body), 400) << body;
  }
  std::string extensions;
  for (int i = 0; i < 100; ++i) extensions += "1;" + std::string(100, 'a') + "\r\nx\r\n";
  EXPECT_EQ(status_for(start + extensions, {.chunk_overhead = 1000}), 400);
  EXPECT_EQ(status_for(start + "1;" + std::string(100'000, 'a')), 431);
}

TEST(RequestParser, the_end_of_the_stream_between_requests_is_no_error) {
  RequestParser idle;
  idle.feed("\r\n");
  idle.finish();
  EXPECT_FALSE(idle.started());
  EXPECT_EQ(idle.phase(), Phase::head);

  for (const char* text :
       {"G", "GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"}) {
    RequestParser parser;
    feed_all(parser, text);
    EXPECT_TRUE(parser.started());
    parser.finish();
    EXPECT_EQ(parser.error(), ParseError::incomplete) << text;
    EXPECT_EQ(status_of(parser.error()), 0);
  }
}

TEST(ResponseParser, gives_the_parts_of_a_response) {
  ResponseParser parser;

  feed_all(parser, "HTTP/1.1 404 Not  Found\r\nServer: x\r\nContent-Length: 2\r\n\r\nno");

  ASSERT_TRUE(parser.complete()) << parser.error_text();
  EXPECT_EQ(parser.message().status, 404);
  EXPECT_EQ(parser.message().reason, "Not  Found");
  EXPECT_EQ(parser.message().headers.get("server"), "x");
  EXPECT_EQ(parser.message().body, "no");
  EXPECT_TRUE(parser.keep_alive());
}

TEST(ResponseParser, a_status_line_may_lack_its_reason) {
  for (const char* line : {"HTTP/1.1 200\r\n", "HTTP/1.1 200 \r\n"}) {
    for (const std::size_t step : {1u, 5u, 100u}) {
      const std::string data = std::string(line) + "Content-Length: 2\r\n\r\nok";
      ResponseParser parser;
      std::string pending;
      for (std::size_t at = 0; at < data.size(); at += step) {
        pending += data.substr(at, step);
        pending.erase(0, feed_all(parser, pending));
      }
      EXPECT_TRUE(parser.complete()) << line << parser.error_text();
      EXPECT_EQ(parser.message().reason, "");
      EXPECT_EQ(parser.message().body, "ok");
    }
  }
}

TEST(ResponseParser, without_length_the_end_of_the_stream_ends_the_body) {
  ResponseParser parser;

  feed_all(parser, "HTTP/1.1 200 OK\r\n\r\nall of");
  feed_all(parser, " this");
  EXPECT_FALSE(parser.complete());
  EXPECT_TRUE(parser.ends_with_stream());
  EXPECT_FALSE(parser.keep_alive());
  parser.finish();

  EXPECT_TRUE(parser.complete());
  EXPECT_EQ(parser.message().body, "all of this");
}

TEST(ResponseParser, an_endless_body_is_stopped_at_the_limit) {
  ResponseParser parser({.body = 1000});

  feed_all(parser, "HTTP/1.1 200 OK\r\n\r\n");
  for (int i = 0; i < 20 && !parser.ended(); ++i) parser.feed(std::string(100, 'x'));

  EXPECT_EQ(parser.error(), ParseError::body_too_large);
  EXPECT_LE(parser.message().body.size(), 1000u);
}

TEST(ResponseParser, a_cut_body_is_incomplete) {
  for (const char* text : {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n",
                           "HTTP/1.1 200 OK\r\nServer: x\r\n", "HTTP/1.1 2", "HT"}) {
    ResponseParser parser;
    feed_all(parser, text);
    parser.finish();
    EXPECT_EQ(parser.error(), ParseError::incomplete) << text;
  }
}

TEST(ResponseParser, some_responses_have_no_body_whatever_they_say) {
  const std::string next = "HTTP/1.1 200 OK\r\n";
  for (const char* head : {"HTTP/1.1 204 No Content\r\n\r\n",
                           "HTTP/1.1 304 Not Modified\r\n"
                           "Content-Length: 100\r\n\r\n",
                           "HTTP/1.1 101 Switching\r\n\r\n"}) {
    ResponseParser parser;
    EXPECT_EQ(feed_all(parser, head + next), std::string_view(head).size());
    EXPECT_TRUE(parser.complete()) << head;
  }

  ResponseParser head_response;
  head_response.expect_no_body();
  feed_all(head_response, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  EXPECT_TRUE(head_response.complete());
  EXPECT_TRUE(head_response.keep_alive());
  EXPECT_EQ(head_response.content_length(), 100u);

  head_response.reset();
  feed_all(head_response, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  EXPECT_FALSE(head_response.complete());
}

// What follows could be the announced body: using the connection again could answer a request
// with bytes of this response.
TEST(ResponseParser, a_204_that_announces_a_body_ends_the_connection) {
  ResponseParser parser;
  feed_all(parser, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(parser.complete());
  EXPECT_FALSE(parser.keep_alive());
}

TEST(ResponseParser, interim_responses_are_passed_over) {
  const std::string early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  ResponseParser parser;
  parser.expect_no_body();

  feed_all(parser, "HTTP/1.1 100 Continue\r\n\r\n" + early +
                       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");

  EXPECT_TRUE(parser.complete());
  EXPECT_EQ(parser.message().status, 200);
  EXPECT_FALSE(parser.message().headers.contains("Link"));
  EXPECT_EQ(parser.interim_responses(), 2);

  ResponseParser flooded;
  std::string flood;
  for (int i = 0; i < 100; ++i) flood += early;
  feed_all(flooded, flood);
  EXPECT_EQ(flooded.error(), ParseError::malformed);
}

TEST(ResponseParser, equal_lengths_are_one_and_different_ones_an_error) {
  const std::string start = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: ";
  EXPECT_EQ(error_for_response(start + "2\r\n\r\nok"), ParseError::none);
  EXPECT_EQ(error_for_response(start + "3\r\n\r\nok"), ParseError::malformed);
}

TEST(ResponseParser, what_is_not_http_is_refused_early) {
  EXPECT_EQ(error_for_response("SSH-2.0-OpenSSH_9.2p1\r\n"), ParseError::malformed);
  EXPECT_EQ(error_for_response("<html><body>"), ParseError::malformed);
  EXPECT_EQ(error_for_response("HTTP/1.1 20 OK\r\n\r\n"), ParseError::malformed);
  EXPECT_EQ(error_for_response("HTTP/1.1 099 OK\r\n\r\n"), ParseError::malformed);
  EXPECT_EQ(error_for_response("HTTP/3.0 200 OK\r\n\r\n"), ParseError::unsupported_version);
}

}  // namespace
}  // namespace asyncio::detail
