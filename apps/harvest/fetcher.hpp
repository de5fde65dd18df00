// fetcher.hpp: Fetcher, from a job to a page: robots.txt, attempts, redirects, contents.
#pragma once
#include <random>
#include <string>

#include "apps/harvest/frontier.hpp"
#include "apps/harvest/options.hpp"
#include "apps/harvest/page.hpp"
#include "apps/harvest/robots_cache.hpp"
#include "asyncio/core/coroutines.hpp"
#include "asyncio/http/client.hpp"
#include "asyncio/sync/threads.hpp"

namespace harvest {

class Fetcher {
 public:
  // Both must outlive the fetcher. A start page that is redirected adds its host to the scope.
  Fetcher(const Options& options, Scope& scope);

  // Whatever goes wrong is written into the page; only a cancellation is thrown.
  asyncio::Coro<Page> fetch(Job job);
  asyncio::Coro<> aclose();

 private:
  asyncio::Coro<Page> attempt(Job job);
  asyncio::Coro<> fill(Page& page, asyncio::http::Response response);
  bool may_follow(const Job& job, const Url& to) const;

  const Options& options_;
  Scope& scope_;
  asyncio::http::Client client_;
  RobotsCache robots_;
  // Parsing takes a thread, so that a large page does not hold up the others; not one of the
  // default executor, where names are looked up, which may take seconds.
  asyncio::ThreadPoolExecutor parsers_;
  std::minstd_rand random_;
};

}  // namespace harvest
