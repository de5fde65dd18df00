#include "apps/harvest/page.hpp"

#include <gtest/gtest.h>

#include <string>

#include "apps/harvest/options.hpp"

namespace harvest {
namespace {

std::string links_of(const std::string& html, bool follow_all = false) {
  std::string all;
  for (const Url& link : analyse(html, "", Url::parse("http://h/dir/page.html"), follow_all).links)
    all += link.str() + "\n";
  return all;
}

TEST(Page, links_are_absolute_distinct_and_without_fragments) {
  EXPECT_EQ(links_of("<a href=b.html>1</a><a href='b.html#x'>2</a><a href=/c>3</a>"
                     "<a href='mailto:x@y'>4</a><a href='javascript:x()'>5</a>"
                     "<a href=\"//other/\">6</a>"),
            "http://h/dir/b.html\nhttp://h/c\nhttp://other/\n");
}

TEST(Page, the_base_element_counts) {
  EXPECT_EQ(links_of("<base href='/x/'><a href=b>1</a>"), "http://h/x/b\n");
}

TEST(Page, nofollow_is_respected_unless_told_otherwise) {
  const std::string link = "<a href=/a rel='noopener NoFollow'>1</a><a href=/b>2</a>";
  EXPECT_EQ(links_of(link), "http://h/b\n");
  EXPECT_EQ(links_of(link, true), "http://h/a\nhttp://h/b\n");
  EXPECT_EQ(links_of("<meta name=robots content='noindex,nofollow'><a href=/a>1</a>"), "");
  EXPECT_EQ(links_of("<meta name=robots content='donofollow'><a href=/a>1</a>"), "http://h/a\n");
}

TEST(Page, the_charset_of_the_transport_is_used) {
  const auto contents =
      analyse("<title>caf\xe9</title>", "iso-8859-1", Url::parse("http://h/"), false);
  EXPECT_EQ(contents.title, "caf\xc3\xa9");
}

TEST(Page, content_types_are_understood) {
  EXPECT_TRUE(is_html("Text/HTML; charset=x"));
  EXPECT_TRUE(is_html("application/xhtml+xml"));
  EXPECT_FALSE(is_html("text/plain"));
  EXPECT_FALSE(is_html(""));
  EXPECT_EQ(charset_of("text/html; Charset=\"UTF-8\"; x=y"), "UTF-8");
  EXPECT_EQ(charset_of("text/html"), "");
}

TEST(Options, the_product_token_is_the_name_alone) {
  EXPECT_EQ(product_token("harvest/0.1 (+http://h)"), "harvest");
  EXPECT_EQ(product_token("bot"), "bot");
}

TEST(Options, mistakes_exit_with_two_and_help_with_none) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  for (const auto& words : {std::vector<const char*>{"harvest"},
                            {"harvest", "http://h/", "--concurrency", "0"},
                            {"harvest", "http://h/", "--nonsense"}}) {
    const auto parsed = parse_options(static_cast<int>(words.size()), words.data());
    ASSERT_TRUE(std::holds_alternative<int>(parsed));
    EXPECT_EQ(std::get<int>(parsed), 2);
  }
  const char* help[] = {"harvest", "--help"};
  EXPECT_EQ(std::get<int>(parse_options(2, help)), 0);
  EXPECT_NE(testing::internal::GetCapturedStdout().find("--per-host"), std::string::npos);
  testing::internal::GetCapturedStderr();
}

}  // namespace
}  // namespace harvest
