#include "asyncio/testing/internal/real_time_limit.hpp"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio/core/events.hpp"
#include "asyncio/core/instrument.hpp"

namespace asyncio::testing::internal {
namespace {

// The task, where it stands, what it waits for and who waits for it.
std::string await_graph_of(const AnyTask& task) {
  std::string text = task.repr();
  for (const StackFrame& frame : task.get_stack())
    text += "\n    in " + frame.function + " at " + frame.where.file_name() + ":" +
            std::to_string(frame.where.line());
  if (const asyncio::detail::Node* node = task.base().waiter()) {
    const asyncio::detail::WaitText wait = asyncio::detail::describe_wait(*node);
    text += "\n    waits for " + wait.what + (wait.detail.empty() ? "" : " (" + wait.detail + ")");
  }
  if (const asyncio::detail::TaskBase* awaiter = asyncio::detail::awaiter_of(task.base()))
    text += "\n    awaited by " + awaiter->get_name();
  return text;
}

}  // namespace

struct RealTimeLimit::Watched {
  Loop& loop;
  AnyTask task;
  std::chrono::seconds limit;
  std::chrono::steady_clock::time_point deadline;  // guarded by the watcher, as is what follows
  bool was_asked = false;
  bool has_expired = false;  // the loop thread's, as is what follows
  std::string pending = {};

  void expire() {
    for (const AnyTask& each : all_tasks()) pending += "\n  pending: " + await_graph_of(each);
    has_expired = true;
    task.cancel("the real time limit of the test is over");
  }
};

namespace {

using Watched = std::shared_ptr<RealTimeLimit::Watched>;

// The thread that looks at the clock. It lives as long as the process, waiting mostly.
class Watcher {
 public:
  // A process that was forked from one with a watcher has none: it makes its own.
  static Watcher& get() {
    static std::mutex mutex;
    static Watcher* watcher = nullptr;
    const std::lock_guard held(mutex);
    if (watcher == nullptr || watcher->pid_ != ::getpid()) watcher = new Watcher();
    return *watcher;
  }

  void add(Watched watched) {
    const std::lock_guard held(mutex_);
    all_.push_back(std::move(watched));
    changed_.notify_one();
  }
  // Afterwards the thread does not touch the loop any more.
  void remove(const Watched& watched) {
    const std::lock_guard held(mutex_);
    std::erase(all_, watched);
  }

 private:
  Watcher() {
    std::thread([this] { watch(); }).detach();
  }

  void watch() {
    std::unique_lock held(mutex_);
    for (;;) {
      const auto earlier = [](const Watched& a, const Watched& b) {
        return a->deadline < b->deadline;
      };
      const auto next = std::min_element(all_.begin(), all_.end(), earlier);
      if (next == all_.end()) {
        changed_.wait(held);
        continue;
      }
      const auto deadline = (*next)->deadline;  // a copy: the test may end meanwhile
      if (std::chrono::steady_clock::now() < deadline)
        changed_.wait_until(held, deadline);
      else
        ask(*next);
    }
  }

  static void ask(const Watched& watched) {
    if (std::exchange(watched->was_asked, true)) {
      std::fputs("a test does not give the loop its turn back; aborting\n", stderr);
      std::abort();
    }
    watched->deadline += watched->limit;
    watched->loop.call_soon_threadsafe([watched] { watched->expire(); });
  }

  const pid_t pid_ = ::getpid();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Watched> all_;
};

}  // namespace

RealTimeLimit::RealTimeLimit(Loop& loop, const AnyTask& task, std::chrono::seconds limit)
    : watched_(std::make_shared<Watched>(
          Watched{loop, task, limit, std::chrono::steady_clock::now() + limit})) {
  if (limit.count() != 0) Watcher::get().add(watched_);
}

RealTimeLimit::~RealTimeLimit() {
  if (watched_->limit.count() != 0) Watcher::get().remove(watched_);
}

bool RealTimeLimit::has_expired() const noexcept { return watched_->has_expired; }
const std::string& RealTimeLimit::pending() const noexcept { return watched_->pending; }

}  // namespace asyncio::testing::internal
