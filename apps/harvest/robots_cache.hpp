// robots_cache.hpp: RobotsCache, the robots.txt of each host, fetched once when it is first needed.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "asyncio/core/coroutines.hpp"
#include "asyncio/core/tasks.hpp"
#include "asyncio/http/client.hpp"
#include "asyncio/http/robots.hpp"
#include "asyncio/sync/locks.hpp"

namespace harvest {

using asyncio::http::Url;

class RobotsCache {
 public:
  // `token` is the crawler's name in robots.txt. Both must outlive the cache's calls.
  RobotsCache(asyncio::http::Client& client, std::string token)
      : client_(client), token_(std::move(token)) {}

  // Whether the page may be fetched; waits for its host's turn where that asks for pauses.
  // RFC 9309: no robots.txt (4xx) allows all, a failing server (5xx) nothing. Where the host cannot
  // be reached, what that threw is thrown, and the next page tries again.
  asyncio::Coro<bool> enter(Url url);
  // Without waiting; true where the host's rules are not known.
  bool allows_as_known(const Url& url) const;

 private:
  struct Site {
    std::optional<asyncio::http::Robots> rules;
    asyncio::Lock fetching;
    asyncio::TimePoint next_turn{};
  };

  asyncio::Coro<> load(Site& site, Url url);
  asyncio::Coro<> wait_for_turn(Site& site);

  asyncio::http::Client& client_;
  std::string token_;
  std::map<std::string, std::unique_ptr<Site>> sites_;  // By origin; never erased.
};

}  // namespace harvest
