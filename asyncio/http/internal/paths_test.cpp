#include "asyncio/http/internal/paths.hpp"

#include <gtest/gtest.h>

namespace asyncio::detail {
namespace {

TEST(SafeJoin, names_a_file_below_the_root) {
  EXPECT_EQ(safe_join("/srv", "/a/b.html"), "/srv/a/b.html");
  EXPECT_EQ(safe_join("/srv/", "/a%20b%C3%A9?q=/../x#/.."), "/srv/a b\xc3\xa9");
  EXPECT_EQ(safe_join("/srv", "/"), "/srv/");
  EXPECT_EQ(safe_join("/srv", "/a/"), "/srv/a/");
  EXPECT_EQ(safe_join("/srv", "/./a//b/."), "/srv/a/b/");
  EXPECT_EQ(safe_join("/", "/a"), "/a");
  EXPECT_EQ(safe_join(".", "/a"), "./a");
  EXPECT_EQ(safe_join("/srv", "/..a/b../..."), "/srv/..a/b../...");
}

// Otherwise GET /../../etc/passwd is answered.
TEST(SafeJoin, no_target_leaves_the_root) {
  for (const char* target :
       {"/..",        "/../",       "/../etc/passwd", "/a/../../b", "/a/..",
        "/%2e%2e/x",  "/.%2E/x",    "/%2E./x",        "/..%2fetc",  "/a%2f..%2f..%2fetc",
        "/a%5c..",    "/a\\..\\b",  "/a%00.html",     "/a%0a",      "",
        "etc/passwd", "*",          "http://h/a",     "/%",         "/%zz",
        "?/a",        "/a/%2e%2e?x"}) {
    EXPECT_EQ(safe_join("/srv", target), std::nullopt) << target;
  }
}

// Decoding once is decoding enough: what it gives is a name, not another encoding.
TEST(SafeJoin, a_name_is_decoded_once) {
  EXPECT_EQ(safe_join("/srv", "/%252e%252e/x"), "/srv/%2e%2e/x");
}

}  // namespace
}  // namespace asyncio::detail
