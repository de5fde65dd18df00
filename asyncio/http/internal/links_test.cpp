#include "asyncio/http/internal/links.hpp"

#include <gtest/gtest.h>

namespace asyncio::detail {
namespace {

std::string repaired(std::string_view href, std::string_view scheme = "http") {
  return link_to_reference(href, scheme).value_or("none");
}

TEST(Links, a_colon_in_a_relative_link_does_not_make_a_scheme) {
  EXPECT_EQ(repaired(":80"), "./:80");
  EXPECT_EQ(repaired("1:2"), "./1:2");
  EXPECT_EQ(repaired("a/b:c"), "./a/b:c");
  EXPECT_EQ(repaired("a:b"), "none");
}

TEST(Links, backslashes_are_slashes_up_to_the_query_only) {
  EXPECT_EQ(repaired("\\a\\b?c\\d#e\\f"), "/a/b?c%5Cd#e%5Cf");
  EXPECT_EQ(repaired("\\\\h\\p"), "//h/p");
}

TEST(Links, any_number_of_slashes_may_stand_before_the_host) {
  EXPECT_EQ(repaired("http:///h/p"), "http://h/p");
  EXPECT_EQ(repaired("https:h/p"), "https://h/p");
  EXPECT_EQ(repaired("////h"), "//h");
  EXPECT_EQ(repaired("http:p"), "./p");
}

TEST(Links, line_ends_and_tabs_inside_a_link_are_dropped) {
  EXPECT_EQ(repaired(" ht\ntp:\r//h\t/a b "), "http://h/a%20b");
}

TEST(Links, only_the_last_at_sign_ends_the_userinfo) {
  EXPECT_EQ(repaired("http://a@b@h/"), "http://a%40b@h/");
}

TEST(Links, escapes_are_kept_and_stray_percent_signs_encoded) {
  EXPECT_EQ(repaired("/%41%zz%"), "/%41%25zz%25");
}

TEST(Links, a_port_that_is_no_number_makes_no_link) {
  EXPECT_EQ(repaired("http://h:8x/"), "none");
  EXPECT_EQ(repaired("http://[::1]x/"), "none");
  EXPECT_EQ(repaired("http://h:/"), "http://h/");
}

}  // namespace
}  // namespace asyncio::detail
