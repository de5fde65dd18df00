#include "asyncio/combinators/as_completed.hpp"

namespace asyncio::detail {

void Completions::begin(const std::vector<FutureBase*>& children,
                        const AsCompletedOptions& options) {
  size_ = unclaimed_ = children.size();
  events_.reserve(size_);
  watches_ = std::make_unique<ChildWatch[]>(size_);
  Scheduler& scheduler = current_scheduler();
  for (const FutureBase* child : children) check_same_loop(*child, &scheduler);
  for (std::size_t i = 0; i < size_; ++i) {
    watches_[i].set(*this, *children[i]);
    watches_[i].start();
  }
  if (size_ > 0 && options.timeout) deadline_.start(scheduler, *options.timeout);
}

void Completions::child_done(ChildWatch& watch) {
  watch.release();
  events_.push_back(static_cast<std::size_t>(&watch - watches_.get()));
  if (events_.size() == size_) deadline_.stop();
  wake_next();
}

void Completions::deadline_reached() {
  for (std::size_t i = 0; i < size_; ++i) watches_[i].stop();
  while (events_.size() < size_) {
    events_.push_back(kTimeout);
    wake_next();
  }
}

std::size_t Completions::take() {
  const std::size_t event = events_[taken_++];
  if (event == kTimeout) throw TimeoutError();
  return event;
}

std::size_t CompletionAwaiter::resume() {
  const bool woken = waiter_.was_woken();
  if (waiter_.resume()) {
    if (woken) completions_->wake_next();  // what was promised to us is another's now
    waiter_.throw_cancelled();
  }
  return completions_->take();
}

}  // namespace asyncio::detail
