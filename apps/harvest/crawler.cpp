#include "apps/harvest/crawler.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "asyncio/asyncio.hpp"

namespace harvest {

using asyncio::Coro;

namespace {

constexpr std::size_t kResultsAhead = 1024;  // Pages that wait for the disk before workers do.

}  // namespace

Crawler::Crawler(const Options& options, Frontier& frontier, Scope& scope, Store& store,
                 std::function<void(const Page&)> on_page)
    : options_(options),
      frontier_(frontier),
      scope_(scope),
      store_(store),
      fetcher_(options, scope),
      on_page_(std::move(on_page)),
      jobs_(options.concurrency),
      results_(kResultsAhead),
      seats_(static_cast<std::ptrdiff_t>(options.concurrency)) {}

Coro<> Crawler::run() {
  auto writer = asyncio::create_task(store_.write_all(results_), {.name = "store"});
  // Without it nobody would take the results, and the workers would wait for ever.
  writer.add_done_callback([this](const asyncio::Task<>& ended) {
    if (!ended.cancelled() && ended.exception()) stop();
  });
  const auto crawled = co_await asyncio::outcome_of(crawl());
  results_.shutdown();
  co_await writer;
  co_await fetcher_.aclose();
  crawled.value();
}

Coro<> Crawler::crawl() {
  co_await asyncio::with(asyncio::TaskGroup(), [this](asyncio::TaskGroup& group) -> Coro<> {
    tasks_.push_back(group.create_task(dispatch(), {.name = "dispatch"}));
    for (std::size_t i = 0; i < options_.concurrency; ++i)
      tasks_.push_back(group.create_task(work(), {.name = "worker-" + std::to_string(i + 1)}));
    if (is_stopped_) stop();
    co_return;
  });
}

void Crawler::stop() {
  is_stopped_ = true;
  for (asyncio::AnyTask& task : tasks_) task.cancel("stopped");
}

Coro<> Crawler::dispatch() {
  while (!frontier_.is_done()) {
    co_await seats_.acquire();
    if (auto job = frontier_.next()) {
      co_await jobs_.put(std::move(*job));
      continue;
    }
    seats_.release();
    if (frontier_.is_done()) break;
    changed_.clear();
    co_await changed_.wait();
  }
  jobs_.shutdown();
}

Coro<> Crawler::work() {
  for (;;) {
    std::optional<Job> job;
    try {
      job = co_await jobs_.get();
    } catch (const asyncio::QueueShutDown&) {
      co_return;
    }
    co_await work_on(std::move(*job));
    seats_.release();
    changed_.set();
  }
}

Coro<> Crawler::work_on(Job job) {
  Page page = co_await fetcher_.fetch(job);
  discover(page);
  frontier_.finished(job);
  on_page_(page);
  co_await results_.put(std::move(page));
}

// A page that a redirect led to is known now; if it was before, its links are, too.
void Crawler::discover(Page& page) {
  if (!page.redirected_to.empty() && page.status < 300)
    if (const auto landed = Url::try_parse(page.redirected_to))
      frontier_.mark_seen(landed->without_fragment());
  for (const Url& url : page.found)
    if (scope_.contains(url) && frontier_.add(url, page.depth + 1)) page.discovered.push_back(url);
  page.found.clear();
}

}  // namespace harvest
