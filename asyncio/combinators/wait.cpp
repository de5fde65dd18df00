#include "asyncio/combinators/wait.hpp"

#include <algorithm>
#include <functional>
#include <string>

#include "asyncio/core/sleep.hpp"

namespace asyncio::detail {

// ---- the timeout

void Deadline::start(Scheduler& scheduler, Duration delay) {
  scheduler_ = &scheduler;
  scheduler.arm(*this, scheduler.now() + to_duration(delay));
}

void Deadline::stop() noexcept {
  if (slot().is_queued()) scheduler_->disarm(*this);
  if (is_linked()) unlink();
}

void Deadline::notify() noexcept { scheduler_->push_ready(*this); }

// ---- waiting

Waiting::Waiting(std::vector<FutureBase*> futures, const WaitOptions& options)
    : return_when_(options.return_when),
      left_(futures.size()),
      watches_(std::make_unique<ChildWatch[]>(left_)),
      deadline_(*this) {
  Scheduler& scheduler = current_scheduler();
  show_awaiters(released.state()->waiters());
  for (const FutureBase* future : futures) check_same_loop(*future, &scheduler);
  if (options.timeout) deadline_.start(scheduler, *options.timeout);
  for (std::size_t i = 0; i < futures.size(); ++i) {
    watches_[i].set(*this, *futures[i]);
    watches_[i].start();
  }
}

void Waiting::child_done(ChildWatch& watch) {
  FutureBase& future = *watch.child();
  --left_;
  const bool enough =
      left_ == 0 || return_when_ == FIRST_COMPLETED ||
      (return_when_ == FIRST_EXCEPTION && !future.cancelled() && future.exception() != nullptr);
  if (!enough) return;
  deadline_.stop();
  deadline_reached();
}

void Waiting::deadline_reached() {
  if (!released.done()) released.set_result();
}

// ---- arguments

void check_wait_arguments(std::size_t count, const WaitOptions& options) {
  if (count == 0) throw ValueError("Set of Tasks/Futures is empty.");
  switch (options.return_when) {
    case FIRST_COMPLETED:
    case FIRST_EXCEPTION:
    case ALL_COMPLETED:
      return;
  }
  throw ValueError("Invalid return_when value: " + std::to_string(options.return_when));
}

std::vector<bool> first_occurrences(const std::vector<FutureBase*>& futures) {
  std::vector<std::pair<FutureBase*, std::size_t>> sorted;
  sorted.reserve(futures.size());
  for (std::size_t i = 0; i < futures.size(); ++i) sorted.emplace_back(futures[i], i);
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    if (a.first != b.first) return std::less<>()(a.first, b.first);
    return a.second < b.second;
  });
  std::vector<bool> first(futures.size(), true);
  for (std::size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i].first == sorted[i - 1].first) first[sorted[i].second] = false;
  return first;
}

}  // namespace asyncio::detail
