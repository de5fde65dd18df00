#include "asyncio/http/messages.hpp"

#include <gtest/gtest.h>

#include "asyncio/base/errors.hpp"

namespace asyncio::http {
namespace {

TEST(HttpMessages, the_query_is_told_from_none) {
  EXPECT_EQ(Request{.target = "/a?b?c"}.query(), "b?c");
  EXPECT_EQ(Request{.target = "/a?"}.query(), "");
  EXPECT_FALSE(Request{.target = "/a"}.query());
}

TEST(HttpMessages, responses_have_their_type) {
  EXPECT_EQ(Response::text("x").headers.get("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(Response::html("x", 404).status, 404);
  EXPECT_EQ(Response::redirect("/a", 301).headers.get("location"), "/a");
  EXPECT_THROW(Response::redirect("/a\r\nX: y"), ValueError);
}

TEST(HttpMessages, only_2xx_is_ok) {
  EXPECT_TRUE(Response{.status = 204}.ok());
  EXPECT_FALSE(Response{.status = 304}.ok());
}

TEST(HttpMessages, say_what_they_are) {
  EXPECT_EQ(repr(Request{.method = "GET", .target = "/a"}), "<Request GET /a>");
  EXPECT_EQ(repr(Response::text("abc")), "<Response 200 OK, 3 bytes>");
  EXPECT_EQ(repr(Response{.status = 599}), "<Response 599, 0 bytes>");
}

}  // namespace
}  // namespace asyncio::http
