// harvest: a crawler on asyncio. What the parts do: crawler.hpp; what a user sees: options.cpp.
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "apps/harvest/crawler.hpp"
#include "apps/harvest/frontier.hpp"
#include "apps/harvest/options.hpp"
#include "apps/harvest/progress.hpp"
#include "apps/harvest/store.hpp"
#include "apps/harvest/summary.hpp"
#include "asyncio/asyncio.hpp"
#include "asyncio/base/json_text.hpp"
#include "asyncio/http/server.hpp"

namespace harvest {
namespace {

using asyncio::Coro;
namespace http = asyncio::http;

constexpr int kInterrupted = 130;  // As a shell says it: 128 + SIGINT.

void say(const std::string& line) { fmt::print(stderr, "harvest: {}\n", line); }

void print_json(const Page& page) {
  fmt::print(
      "{{\"url\": {}, \"depth\": {}, \"status\": {}, \"title\": {}, \"bytes\": {}, "
      "\"links\": {}, \"milliseconds\": {:.3f}, \"attempts\": {}, \"redirected_to\": {}, "
      "\"error_kind\": {}, \"error\": {}}}\n",
      asyncio::json_quoted(page.url.str()), page.depth,
      page.has_answer() ? std::to_string(page.status) : "null", asyncio::json_quoted(page.title),
      page.bytes, page.links, page.milliseconds, page.attempts,
      page.redirected_to.empty() ? "null" : asyncio::json_quoted(page.redirected_to),
      page.error_kind.empty() ? "null" : asyncio::json_quoted(page.error_kind),
      page.error.empty() ? "null" : asyncio::json_quoted(page.error));
}

// "example.com" stands for "http://example.com/"; paths belong to what --serve serves.
// Throws ValueError.
std::vector<Url> start_pages(const Options& options, const std::string& served) {
  std::vector<Url> pages;
  for (const std::string& text : options.urls) {
    std::string url = text;
    if (text.starts_with('/') && !served.empty())
      url = served + text;
    else if (text.find("://") == std::string::npos)
      url = "http://" + text;
    pages.push_back(Url::parse(url).without_fragment());
  }
  return pages;
}

// What the store knows, and the start pages on top. Gives the number of pages it has already.
Coro<std::size_t> fill_frontier(Store& store, Frontier& frontier, Scope& scope,
                                std::vector<Url> start) {
  const Store::State known = co_await store.load();
  for (const Url& url : known.fetched) frontier.mark_seen(url);
  for (const Job& job : known.waiting) {
    scope.add(job.url);
    frontier.add(job.url, job.depth);
  }
  std::vector<Job> jobs;
  for (const Url& url : start) {
    scope.add(url);
    if (frontier.add(url, 0)) jobs.push_back({.url = url, .depth = 0});
  }
  co_await store.add_to_frontier(std::move(jobs));
  co_return known.fetched.size();
}

// The first Ctrl-C stops the crawl; the second one, if that takes too long, ends the program.
class StopSignals {
 public:
  explicit StopSignals(Crawler& crawler) {
    for (const int signal : {SIGINT, SIGTERM})
      loop_.add_signal_handler(signal, [this, &crawler] {
        if (crawler.is_stopped()) return;
        say("stopping; what is there is kept (again to leave at once)");
        crawler.stop();
        restore();
      });
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals() { restore(); }

 private:
  void restore() {
    for (const int signal : {SIGINT, SIGTERM}) loop_.remove_signal_handler(signal);
  }
  asyncio::Loop& loop_ = asyncio::get_running_loop();
};

struct Result {
  Summary summary;
  double seconds = 0;
  std::size_t waiting = 0;
  bool was_stopped = false;
};

Coro<Result> crawl(const Options& options, Store& store, Frontier& frontier, Scope& scope) {
  Result result;
  const auto begin = asyncio::Clock::now();
  const auto seconds = [begin] {
    return std::chrono::duration<double>(asyncio::Clock::now() - begin).count();
  };
  Crawler crawler(options, frontier, scope, store, [&](const Page& page) {
    result.summary.add(page);
    if (options.json) print_json(page);
  });
  auto progress = asyncio::create_task(show_progress([&] {
    return ProgressNow{.done = result.summary.pages(),
                       .failed = result.summary.failed(),
                       .running = frontier.running(),
                       .waiting = frontier.waiting(),
                       .bytes = result.summary.bytes(),
                       .seconds = seconds()};
  }));
  const StopSignals signals(crawler);
  const auto outcome = co_await asyncio::outcome_of(crawler.run());
  progress.cancel();
  static_cast<void>(co_await asyncio::outcome_of(progress));
  outcome.value();
  result.seconds = seconds();
  result.was_stopped = crawler.is_stopped();
  result.waiting = frontier.waiting() + frontier.running();
  co_return result;
}

Coro<int> harvest_into(const Options& options, Store& store, std::string served) {
  Scope scope;
  Frontier frontier(
      {.per_host = options.per_host, .depth = options.depth, .pages = options.max_pages});
  const std::size_t known =
      co_await fill_frontier(store, frontier, scope, start_pages(options, served));
  if (known != 0 && frontier.waiting() == 0) {
    say(fmt::format("nothing is left to do: {} has all {} pages (remove it to begin again)",
                    options.database, known));
    co_return 0;
  }
  if (known != 0)
    say(fmt::format("going on: {} pages are in {}, {} are waiting", known, options.database,
                    frontier.waiting()));
  if (options.insecure)
    say("WARNING: --insecure: certificates are not verified; anybody on the way can read and "
        "change "
        "what comes");
  if (options.ignore_robots)
    say("ignoring robots.txt and nofollow: be sure that the site is yours");

  const Result result = co_await crawl(options, store, frontier, scope);
  if (options.json)
    fmt::print("{}\n", result.summary.json(result.seconds, result.waiting));
  else
    fmt::print("{}", result.summary.text(result.seconds, result.waiting));
  if (result.was_stopped) co_return kInterrupted;
  co_return result.summary.failed() == result.summary.pages() ? 1 : 0;
}

Coro<> serve_on(http::Server& server) {
  say("serving until Ctrl-C: " + server.url());
  asyncio::Event stopped;
  asyncio::Loop& loop = asyncio::get_running_loop();
  for (const int signal : {SIGINT, SIGTERM})
    loop.add_signal_handler(signal, [&stopped] { stopped.set(); });
  co_await stopped.wait();
  for (const int signal : {SIGINT, SIGTERM}) loop.remove_signal_handler(signal);
}

// A look-up of a name cannot be interrupted; nobody is to wait for one after Ctrl-C.
Coro<> leave_threads_behind() {
  asyncio::Loop& loop = asyncio::get_running_loop();
  asyncio::logging::set_level(asyncio::LogLevel::error);  // It is meant.
  co_await loop.shutdown_default_executor(std::chrono::milliseconds(100));
  loop.set_default_executor(nullptr);
}

Coro<int> harvest_main(Options options) {
  std::optional<http::Server> server;
  std::string served;
  if (!options.serve.empty()) {
    server.emplace();
    server->serve_files("/", options.serve);
    co_await server->start("127.0.0.1", options.port);
    served = server->url();
    say(fmt::format("serving {} at {}", options.serve, served));
    if (!options.write_url.empty()) std::ofstream(options.write_url) << served << "\n";
  }
  Store store = co_await Store::open(options.database);
  const int code = co_await asyncio::try_finally(
      [&]() -> Coro<int> { co_return co_await harvest_into(options, store, served); },
      [&]() -> Coro<> {
        co_await store.close();
        if (server && options.keep_serving) co_await serve_on(*server);
        if (server) co_await server->shutdown(std::chrono::seconds(1));
      });
  if (code == kInterrupted) co_await leave_threads_behind();
  co_return code;
}

// Many connections need many file descriptors: as many as the user may have.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace harvest

int main(int argc, char** argv) {
  auto parsed = harvest::parse_options(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  harvest::raise_file_limit();
  try {
    auto& options = std::get<harvest::Options>(parsed);
    const asyncio::RunOptions how{.backend = options.backend};
    return asyncio::run(harvest::harvest_main(std::move(options)), how);
  } catch (const asyncio::ValueError& error) {
    fmt::print(stderr, "harvest: {}\n", error.what());
    return 2;
  } catch (const asyncio::KeyboardInterrupt&) {
    return harvest::kInterrupted;
  } catch (const std::exception&) {
    fmt::print(stderr, "harvest: {}\n", asyncio::describe(std::current_exception()));
    return 1;
  }
}
