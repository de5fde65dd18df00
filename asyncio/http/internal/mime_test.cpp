#include "asyncio/http/internal/mime.hpp"

#include <gtest/gtest.h>

namespace asyncio::detail {
namespace {

TEST(Mime, the_type_follows_from_the_last_extension_in_any_case) {
  EXPECT_EQ(mime_type("/a/index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(mime_type("A.HtMl"), "text/html; charset=utf-8");
  EXPECT_EQ(mime_type("a.tar.gz"), "application/gzip");
  EXPECT_EQ(mime_type("a.avif"), "image/avif");
  EXPECT_EQ(mime_type("a.zip"), "application/zip");
}

TEST(Mime, without_a_known_extension_it_is_bytes) {
  for (const char* path : {"", "a", "a.", ".", "a.html/b", "a.unknown", "a.htmlx", "/",
                           "a.an-extension-longer-than-any"}) {
    EXPECT_EQ(mime_type(path), "application/octet-stream") << path;
  }
}

}  // namespace
}  // namespace asyncio::detail
