// robots.hpp: Robots, what a site asks crawlers to leave alone (RFC 9309).
//
//   auto robots = http::Robots::parse(body);
//   if (robots.is_allowed("harvest", "/private/list?page=2")) ...
//   robots.crawl_delay("harvest");      // seconds between requests, where the site says so
//
// What to do with a robots.txt that is not there is the caller's: without one (4xx) everything is
// allowed, as by a Robots without rules; while the server fails (5xx) nothing is: deny_all().
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace asyncio::http {

class Robots {
 public:
  static constexpr std::size_t kMaxSize = 500 * 1024;  // Bytes; what lies beyond is not read.

  Robots() = default;  // Allows everything.
  // Never fails: lines that make no sense are passed over.
  static Robots parse(std::string_view text);
  static Robots deny_all();

  // Whether the crawler may fetch the target ("/path?query"). `agent` is its product token, such
  // as "harvest", compared in any case; the groups for "*" count where none names it. The longest
  // matching rule decides; of equally long ones, Allow. "/robots.txt" itself is always allowed.
  bool is_allowed(std::string_view agent, std::string_view target) const;
  // Crawl-delay of the crawler's group; not in the RFC, but in many files.
  std::optional<std::chrono::milliseconds> crawl_delay(std::string_view agent) const;
  // The URLs of Sitemap lines, as written.
  const std::vector<std::string>& sitemaps() const noexcept { return sitemaps_; }

 private:
  struct Rule {
    std::string pattern;  // Percent-encoding in normal form; "*" and a "$" at the end are special.
    bool allow = false;
  };
  // The lines below one run of User-agent lines.
  struct Group {
    std::vector<std::string> agents;  // In small letters.
    std::vector<Rule> rules;
    std::optional<std::chrono::milliseconds> delay;
  };
  class Reader;

  std::vector<const Group*> groups_for(std::string_view agent) const;

  std::vector<Group> groups_;
  std::vector<std::string> sitemaps_;
};

}  // namespace asyncio::http
