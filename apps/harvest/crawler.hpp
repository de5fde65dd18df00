// crawler.hpp: Crawler, the tasks of a harvest and how they end.
//
//   dispatch() --Queue<Job>--> work() x N --Queue<Page>--> Store::write_all()
//       ^                        |
//       +---- Frontier <---------+   links that nobody had seen
//
// A Semaphore has one seat for each page in flight. dispatch() takes a seat and a job; the worker
// that has dealt with the job gives the seat back.
#pragma once
#include <functional>
#include <vector>

#include "apps/harvest/fetcher.hpp"
#include "apps/harvest/frontier.hpp"
#include "apps/harvest/options.hpp"
#include "apps/harvest/page.hpp"
#include "apps/harvest/store.hpp"
#include "asyncio/core/coroutines.hpp"
#include "asyncio/core/tasks.hpp"
#include "asyncio/sync/locks.hpp"
#include "asyncio/sync/queues.hpp"

namespace harvest {

class Crawler {
 public:
  // All must outlive the crawler.
  Crawler(const Options& options, Frontier& frontier, Scope& scope, Store& store,
          std::function<void(const Page&)> on_page);

  // Until nothing is left or stop() was called; then everything that was fetched is stored.
  // Throws what the store throws.
  asyncio::Coro<> run();
  // Cancels what is in flight; those pages stay in the frontier.
  void stop();
  bool is_stopped() const noexcept { return is_stopped_; }

 private:
  asyncio::Coro<> crawl();
  asyncio::Coro<> dispatch();
  asyncio::Coro<> work();
  asyncio::Coro<> work_on(Job job);
  void discover(Page& page);

  const Options& options_;
  Frontier& frontier_;
  Scope& scope_;
  Store& store_;
  Fetcher fetcher_;
  std::function<void(const Page&)> on_page_;
  asyncio::Queue<Job> jobs_;
  asyncio::Queue<Page> results_;
  asyncio::Semaphore seats_;
  asyncio::Event changed_;  // The frontier may have work again, or be done.
  std::vector<asyncio::AnyTask> tasks_;
  bool is_stopped_ = false;
};

}  // namespace harvest
