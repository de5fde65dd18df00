#include "apps/harvest/robots_cache.hpp"

#include <algorithm>
#include <chrono>

#include "asyncio/asyncio.hpp"

namespace harvest {

using asyncio::Coro;
using asyncio::Duration;
namespace http = asyncio::http;

Coro<bool> RobotsCache::enter(Url url) {
  auto& place = sites_[url.origin()];
  if (!place) place = std::make_unique<Site>();
  Site& site = *place;
  if (!site.rules) co_await load(site, url);
  if (!site.rules->is_allowed(token_, url.target())) co_return false;
  if (site.rules->crawl_delay(token_)) co_await wait_for_turn(site);
  co_return true;
}

bool RobotsCache::allows_as_known(const Url& url) const {
  const auto found = sites_.find(url.origin());
  if (found == sites_.end() || !found->second->rules) return true;
  return found->second->rules->is_allowed(token_, url.target());
}

Coro<> RobotsCache::load(Site& site, Url url) {
  const auto turn = co_await site.fetching.scoped();
  if (site.rules) co_return;  // Another page of the host has fetched it meanwhile.
  // What is too long is cut by RFC 9309, but nobody is to send us megabytes.
  const http::RequestOptions options{.max_body = 4 * http::Robots::kMaxSize};
  try {
    const http::Response response = co_await client_.get(url.resolve("/robots.txt"), options);
    if (response.ok())
      site.rules = http::Robots::parse(response.body);
    else
      site.rules = response.status >= 500 ? http::Robots::deny_all() : http::Robots();
  } catch (const http::Error& error) {
    if (error.kind() == http::ErrorKind::unsupported_scheme) throw;
    site.rules = http::Robots();  // No robots.txt that one could read.
  }
}

Coro<> RobotsCache::wait_for_turn(Site& site) {
  constexpr Duration kLongest = std::chrono::seconds(30);
  const Duration pause = std::min<Duration>(*site.rules->crawl_delay(token_), kLongest);
  const auto now = asyncio::get_running_loop().time();
  const auto turn = std::max(now, site.next_turn);
  site.next_turn = turn + pause;
  if (turn > now) co_await asyncio::sleep(turn - now);
}

}  // namespace harvest
