// frontier.hpp: Frontier, the pages that are still to be fetched and whose turn it is; Scope, which
// hosts are to be harvested. Pure: no I/O, no coroutines.
#pragma once
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "asyncio/http/url.hpp"

namespace harvest {

using asyncio::http::Url;

struct Job {
  Url url;
  int depth = 0;  // Links from a start page.
};

// The hosts of the start pages. The port counts, the scheme does not.
class Scope {
 public:
  void add(const Url& url) { hosts_.insert(url.host_header()); }
  bool contains(const Url& url) const { return hosts_.contains(url.host_header()); }

 private:
  std::set<std::string> hosts_;
};

struct FrontierLimits {
  std::size_t per_host = 8;  // Jobs of one host that run at the same time.
  std::optional<int> depth = {};
  std::optional<std::size_t> pages = {};  // Jobs that are given out at all.
};

// Hosts take turns, so that a large one does not hold up the others; within a host, the first
// found is the first fetched.
class Frontier {
 public:
  explicit Frontier(FrontierLimits limits = {}) : limits_(limits) {}

  // False where the page was seen before or lies too deep.
  bool add(const Url& url, int depth);
  // The page is known and not to be fetched (again). False where it was known already.
  bool mark_seen(const Url& url) { return seen_.insert(url.str()).second; }
  bool is_seen(const Url& url) const { return seen_.contains(url.str()); }

  // nullopt where nothing waits, every host that has work is busy, or the page limit is reached.
  std::optional<Job> next();
  void finished(const Job& job);

  // No job runs, and none will be given out.
  bool is_done() const noexcept { return running_ == 0 && (waiting_ == 0 || at_limit()); }
  bool at_limit() const noexcept { return limits_.pages && given_ >= *limits_.pages; }
  std::size_t waiting() const noexcept { return waiting_; }
  std::size_t running() const noexcept { return running_; }

 private:
  struct Host {
    std::deque<Job> jobs;
    std::size_t running = 0;
    bool has_turn = false;  // It stands in turns_.
  };

  // Invariant: a host stands in turns_ exactly where it has jobs and may run another.
  void update_turn(Host& host);

  FrontierLimits limits_;
  std::unordered_map<std::string, std::unique_ptr<Host>> hosts_;
  std::deque<Host*> turns_;
  std::unordered_set<std::string> seen_;
  std::size_t waiting_ = 0;
  std::size_t running_ = 0;
  std::size_t given_ = 0;
};

}  // namespace harvest
