#include "asyncio/http/internal/serialize.hpp"

#include <gtest/gtest.h>

#include <string>

#include "asyncio/base/errors.hpp"
#include "asyncio/http/internal/parser.hpp"

namespace asyncio::detail {
namespace {

using namespace std::string_view_literals;

TEST(Serialize, heads_are_lines_in_the_order_of_the_headers) {
  std::string request;
  std::string response;

  append_request_head(request, "GET", "/a?b", {{"Host", "h"}, {"Accept", "*/*"}});
  append_response_head(response, 404, "", {{"Content-Length", "0"}});
  append_response_head(response, 299, "", {});
  append_response_head(response, 200, "Fine", {});

  EXPECT_EQ(request, "GET /a?b HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n");
  EXPECT_EQ(response,
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
            "HTTP/1.1 299 \r\n\r\n"
            "HTTP/1.1 200 Fine\r\n\r\n");
}

// Otherwise a link from a page could send a request of its own making.
TEST(Serialize, no_part_of_a_start_line_can_end_it) {
  std::string out = "before";

  for (const std::string_view target :
       {"/a b"sv, "/\r\nX: y"sv, "/\n"sv, "/\0"sv, "/\xc3\xa9"sv, "/\x7f"sv, ""sv, "/\t"sv}) {
    EXPECT_THROW(append_request_head(out, "GET", target, {}), ValueError) << target;
  }
  for (const std::string_view method : {""sv, "GET "sv, "GET /\r\n"sv, "G\0T"sv}) {
    EXPECT_THROW(append_request_head(out, method, "/", {}), ValueError) << method;
  }
  EXPECT_THROW(append_response_head(out, 200, "OK\r\nX: y", {}), ValueError);
  EXPECT_THROW(append_response_head(out, 200, "O\nK", {}), ValueError);
  EXPECT_THROW(append_response_head(out, 99, "", {}), ValueError);
  EXPECT_THROW(append_response_head(out, 1000, "", {}), ValueError);
  EXPECT_EQ(out, "before");
}

TEST(Serialize, an_empty_chunk_does_not_end_the_body) {
  std::string out;

  append_chunk(out, "0123456789abcdef");
  append_chunk(out, "");
  append_chunk(out, "x");
  append_last_chunk(out, {{"X-Sum", "17"}});

  EXPECT_EQ(out, "10\r\n0123456789abcdef\r\n1\r\nx\r\n0\r\nX-Sum: 17\r\n\r\n");
}

TEST(Serialize, what_is_written_is_what_the_parser_reads) {
  std::string out;
  append_request_head(out, "PUT", "/x", {{"Host", "h"}, {"Transfer-Encoding", "chunked"}});
  append_chunk(out, std::string(70'000, 'a'));
  append_chunk_head(out, 2);
  out.append("bc").append(kChunkEnd);
  append_last_chunk(out);

  RequestParser parser;
  std::size_t used = parser.feed(out);
  used += parser.feed(std::string_view(out).substr(used));

  EXPECT_TRUE(parser.complete()) << parser.error_text();
  EXPECT_EQ(used, out.size());
  EXPECT_EQ(parser.message().body, std::string(70'000, 'a') + "bc");
}

TEST(Serialize, registered_statuses_have_their_phrase) {
  EXPECT_EQ(reason_phrase(100), "Continue");
  EXPECT_EQ(reason_phrase(451), "Unavailable For Legal Reasons");
  EXPECT_EQ(reason_phrase(500), "Internal Server Error");
  EXPECT_EQ(reason_phrase(505), "HTTP Version Not Supported");
  EXPECT_EQ(reason_phrase(506), "");
  EXPECT_EQ(reason_phrase(299), "");
  EXPECT_EQ(reason_phrase(-1), "");
}

}  // namespace
}  // namespace asyncio::detail
