#include "apps/harvest/frontier.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace harvest {
namespace {

Url url(const std::string& text) { return Url::parse(text); }

TEST(Frontier, gives_each_page_once) {
  Frontier frontier;
  EXPECT_TRUE(frontier.add(url("http://a/1"), 0));
  EXPECT_FALSE(frontier.add(url("http://a/1"), 3));
  EXPECT_FALSE(frontier.add(url("HTTP://A:80/x/../1"), 0));

  const auto job = frontier.next();

  ASSERT_TRUE(job);
  EXPECT_EQ(job->url.str(), "http://a/1");
  EXPECT_FALSE(frontier.next());
  EXPECT_FALSE(frontier.add(job->url, 0));
}

TEST(Frontier, hosts_take_turns_and_pages_of_one_come_in_order) {
  Frontier frontier;
  for (const char* page : {"http://a/1", "http://a/2", "http://a/3", "http://b/1"})
    frontier.add(url(page), 0);

  std::vector<std::string> order;
  while (auto job = frontier.next()) order.push_back(job->url.str());

  EXPECT_EQ(order,
            (std::vector<std::string>{"http://a/1", "http://b/1", "http://a/2", "http://a/3"}));
}

TEST(Frontier, a_busy_host_waits_and_the_others_go_on) {
  Frontier frontier({.per_host = 1});
  for (const char* page : {"http://a/1", "http://a/2", "http://b/1"}) frontier.add(url(page), 0);
  const auto first = frontier.next();
  ASSERT_TRUE(first);

  EXPECT_EQ(frontier.next()->url.str(), "http://b/1");
  EXPECT_FALSE(frontier.next());
  frontier.finished(*first);
  EXPECT_EQ(frontier.next()->url.str(), "http://a/2");
}

TEST(Frontier, is_done_when_nothing_waits_and_nothing_runs) {
  Frontier frontier;
  EXPECT_TRUE(frontier.is_done());
  frontier.add(url("http://a/1"), 0);
  EXPECT_FALSE(frontier.is_done());
  const auto job = frontier.next();
  EXPECT_FALSE(frontier.is_done());
  frontier.finished(*job);
  EXPECT_TRUE(frontier.is_done());
}

TEST(Frontier, leaves_out_what_lies_too_deep) {
  Frontier frontier({.depth = 1});
  EXPECT_TRUE(frontier.add(url("http://a/1"), 1));
  EXPECT_FALSE(frontier.add(url("http://a/2"), 2));
  // By a shorter way it counts.
  EXPECT_TRUE(frontier.add(url("http://a/2"), 1));
}

TEST(Frontier, ends_at_the_page_limit_and_keeps_the_rest) {
  Frontier frontier({.pages = 1});
  frontier.add(url("http://a/1"), 0);
  frontier.add(url("http://a/2"), 0);
  const auto job = frontier.next();

  EXPECT_FALSE(frontier.next());
  EXPECT_FALSE(frontier.is_done());
  frontier.finished(*job);
  EXPECT_TRUE(frontier.is_done());
  EXPECT_EQ(frontier.waiting(), 1U);
}

TEST(Scope, is_the_host_and_its_port) {
  Scope scope;
  scope.add(url("http://a.example/deep/page"));

  EXPECT_TRUE(scope.contains(url("http://a.example/")));
  EXPECT_TRUE(scope.contains(url("https://a.example/")));
  EXPECT_FALSE(scope.contains(url("http://a.example:8080/")));
  EXPECT_FALSE(scope.contains(url("http://b.a.example/")));
}

}  // namespace
}  // namespace harvest
