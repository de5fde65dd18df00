#include "asyncio/http/robots.hpp"

#include <gtest/gtest.h>

#include <string>

namespace asyncio::http {
namespace {

using namespace std::chrono_literals;

bool allowed(std::string_view rules, std::string_view target) {
  return Robots::parse("User-agent: *\n" + std::string(rules)).is_allowed("harvest", target);
}

TEST(Robots, without_rules_everything_is_allowed) {
  EXPECT_TRUE(Robots().is_allowed("harvest", "/"));
  EXPECT_TRUE(Robots::parse("").is_allowed("harvest", "/a"));
  EXPECT_TRUE(allowed("Disallow:", "/a"));
  EXPECT_TRUE(allowed("Disallow:  # nothing", "/a"));
}

TEST(Robots, a_rule_is_a_prefix_of_path_and_query) {
  EXPECT_FALSE(allowed("Disallow: /", "/a"));
  EXPECT_FALSE(allowed("Disallow: /a", "/a"));
  EXPECT_FALSE(allowed("Disallow: /a", "/abc/d"));
  EXPECT_TRUE(allowed("Disallow: /a/", "/a"));
  EXPECT_TRUE(allowed("Disallow: /a", "/A"));
  EXPECT_FALSE(allowed("Disallow: /a?x", "/a?x=1"));
  EXPECT_TRUE(allowed("Disallow: /a?x", "/a?y"));
}

// RFC 9309 section 5.1 and 5.2.
TEST(Robots, the_longest_rule_decides_and_allow_wins_a_tie) {
  const std::string_view rules = "Allow: /example/page/\nDisallow: /example/page/disallowed.gif";
  EXPECT_FALSE(allowed(rules, "/example/page/disallowed.gif"));
  EXPECT_TRUE(allowed(rules, "/example/page/other.gif"));
  EXPECT_FALSE(allowed("Disallow: /a/b\nAllow: /a", "/a/b"));
  EXPECT_TRUE(allowed("Disallow: /a\nAllow: /a", "/a"));
  EXPECT_TRUE(allowed("Allow: /a\nDisallow: /a", "/a"));
  EXPECT_TRUE(allowed("Disallow: /\nAllow: /$", "/"));
  EXPECT_FALSE(allowed("Disallow: /\nAllow: /$", "/a"));
}

TEST(Robots, a_star_stands_for_anything_and_a_dollar_for_the_end) {
  EXPECT_FALSE(allowed("Disallow: /*.gif$", "/a/b.gif"));
  EXPECT_TRUE(allowed("Disallow: /*.gif$", "/a/b.gif?x"));
  EXPECT_FALSE(allowed("Disallow: /*.gif", "/a/b.gif?x"));
  EXPECT_FALSE(allowed("Disallow: /a*b*c", "/aXbXXcX"));
  EXPECT_TRUE(allowed("Disallow: /a*b*c", "/aXcXb"));
  EXPECT_FALSE(allowed("Disallow: *", "/a"));
  EXPECT_FALSE(allowed("Disallow: */b", "/a/b"));
  EXPECT_FALSE(allowed("Disallow: /a*$", "/abc"));
  EXPECT_FALSE(allowed("Disallow: /a**b$", "/aXbXb"));
  EXPECT_TRUE(allowed("Disallow: /a$", "/ab"));
  EXPECT_TRUE(allowed("Disallow: /*ab$", "/b"));
  EXPECT_FALSE(allowed("Disallow: /a$b", "/a$bc"));
}

TEST(Robots, spellings_of_a_path_are_one) {
  EXPECT_FALSE(allowed("Disallow: /\xe3\x83\x84", "/%E3%83%84"));
  EXPECT_FALSE(allowed("Disallow: /%e3%83%84", "/\xe3\x83\x84"));
  EXPECT_FALSE(allowed("Disallow: /%61%7e", "/a~"));
  EXPECT_FALSE(allowed("Disallow: /a~", "/%61%7E"));
  EXPECT_TRUE(allowed("Disallow: /a/b", "/a%2Fb"));
  EXPECT_FALSE(allowed("Disallow: /a%2fb", "/a%2Fb"));
  EXPECT_FALSE(allowed("Disallow: /%2A", "/%2a"));
  EXPECT_TRUE(allowed("Disallow: /%2A", "/b"));
}

TEST(Robots, the_group_that_names_the_crawler_counts_alone) {
  const auto robots = Robots::parse(
      "User-agent: other\nDisallow: /\n"
      "User-agent: *\nDisallow: /star\n"
      "User-Agent : HARVEST/2.0 (x)\nuser-agent: third\nDisallow: /one\n"
      "Sitemap: http://h/map\nDisallow: /two\n"
      "User-agent: harvest\nDisallow: /three");

  for (const char* path : {"/one", "/two", "/three"}) {
    EXPECT_FALSE(robots.is_allowed("harvest", path)) << path;
  }
  EXPECT_TRUE(robots.is_allowed("Harvest", "/star"));
  EXPECT_FALSE(robots.is_allowed("third", "/two"));
  EXPECT_TRUE(robots.is_allowed("third", "/three"));
  EXPECT_FALSE(robots.is_allowed("unknown", "/star"));
  EXPECT_TRUE(robots.is_allowed("unknown", "/one"));
  EXPECT_FALSE(robots.is_allowed("other", "/x"));
  EXPECT_TRUE(robots.is_allowed("oth", "/one"));
}

TEST(Robots, a_group_that_names_the_crawler_without_rules_allows_everything) {
  const auto robots = Robots::parse("User-agent: *\nDisallow: /\n\nUser-agent: harvest\nDisallow:");

  EXPECT_TRUE(robots.is_allowed("harvest", "/a"));
}

TEST(Robots, its_own_file_is_always_allowed) {
  EXPECT_TRUE(Robots::deny_all().is_allowed("harvest", "/robots.txt"));
  EXPECT_FALSE(Robots::deny_all().is_allowed("harvest", "/"));
  EXPECT_FALSE(Robots::deny_all().is_allowed("harvest", "/robots.txt2"));
}

TEST(Robots, lines_that_make_no_sense_are_passed_over) {
  EXPECT_FALSE(allowed("nonsense\n: x\nDisallow\n\n\n# note\nFoo: /b\nDisallow: /a # why", "/a"));
  EXPECT_TRUE(Robots::parse("Disallow: /a").is_allowed("harvest", "/a"));
  EXPECT_FALSE(Robots::parse("\xef\xbb\xbfUser-agent:*\r\nDisallow:/a\rAllow:/b")
                   .is_allowed("harvest", "/a"));
}

TEST(Robots, what_lies_beyond_500_kib_is_not_read) {
  const std::string head = "User-agent: *\nDisallow: /a\n";
  const std::string filler(Robots::kMaxSize - head.size(), '#');
  const auto robots = Robots::parse(head + filler + "\nDisallow: /b\n");

  EXPECT_FALSE(robots.is_allowed("harvest", "/a"));
  EXPECT_TRUE(robots.is_allowed("harvest", "/b"));
}

TEST(Robots, delays_and_sitemaps_are_given) {
  const auto robots = Robots::parse(
      "Sitemap: https://h/a.xml\nUser-agent: *\nCrawl-delay: 0.5\nUser-agent: slow\n"
      "Crawl-delay: 1e9\nUser-agent: bad\nCrawl-delay: soon\nsitemap: /b.xml\n");

  EXPECT_EQ(robots.crawl_delay("harvest"), 500ms);
  EXPECT_EQ(robots.crawl_delay("slow"), 24h);
  EXPECT_EQ(robots.crawl_delay("bad"), std::nullopt);
  EXPECT_EQ(Robots().crawl_delay("x"), std::nullopt);
  EXPECT_EQ(robots.sitemaps(), (std::vector<std::string>{"https://h/a.xml", "/b.xml"}));
}

// A pattern of many stars must not take for ever; it would with a matcher that goes back.
TEST(Robots, patterns_of_many_stars_are_matched_at_once) {
  std::string stars;
  for (int i = 0; i < 10'000; ++i) stars += "*a";

  EXPECT_TRUE(allowed("Disallow: /" + stars + "b", "/" + std::string(20'000, 'a')));
}

}  // namespace
}  // namespace asyncio::http
