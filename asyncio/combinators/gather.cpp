#include "asyncio/combinators/gather.hpp"

namespace asyncio::detail {

void GatherBase::begin(ChildWatch* watches, std::size_t count) {
  watches_ = watches;
  count_ = count;
  Scheduler* scheduler = outer_.scheduler();
  for (std::size_t i = 0; i < count; ++i) {
    if (scheduler == nullptr) scheduler = watches[i].child()->scheduler();
    check_same_loop(*watches[i].child(), scheduler);
  }
  if (count == 0) {
    collect();
    return;
  }
  for (std::size_t i = 0; i < count; ++i)
    if (!watches[i].child()->done()) start(watches[i]);
  // Only now, as in CPython: what is pending is watched before the first failure ends the outer.
  // A child that is done and watched is on its way through the ready queue already.
  for (std::size_t i = 0; i < count; ++i)
    if (watches[i].child() != nullptr && !watches[i].is_linked()) settle(watches[i]);
}

bool GatherBase::cancel_children(const std::string& message) {
  if (outer_.done()) return false;
  const auto keep = StatePtr<FutureBase>::share(&outer_);
  bool any = false;
  for (std::size_t i = 0; i < count_; ++i) {
    FutureBase* child = watches_[i].child();
    if (child != nullptr && child->cancel(message)) any = true;
  }
  if (any && !cancel_requested_) {
    cancel_requested_ = true;
    if (!message.empty()) cancel_error_ = std::make_exception_ptr(CancelledError(message));
  }
  return any;
}

void GatherBase::settle(ChildWatch& watch) {
  FutureBase& child = *watch.child();
  ++finished_;
  if (outer_.done()) {
    child.mark_retrieved();
    watch.release();
    return;
  }
  if (cancel_requested_)
    end_cancelled_child(child);
  else if (!return_exceptions_ && !child.has_result())
    outer_.set_exception(child.failure());
  if (!outer_.done() && finished_ == count_) finish();
}

// The first child that was cancelled says with which message.
void GatherBase::end_cancelled_child(FutureBase& child) {
  child.mark_retrieved();
  if (!child.cancelled() || child_spoke_) return;
  child_spoke_ = true;
  cancel_error_ = child.stored_exception();
}

void GatherBase::finish() noexcept {
  try {
    if (cancel_requested_)
      outer_.set_exception(cancel_error_ ? cancel_error_
                                         : std::make_exception_ptr(CancelledError()));
    else
      collect();
  } catch (...) {  // a value that cannot be copied, no memory
    outer_.set_exception(std::current_exception());
  }
  for (std::size_t i = 0; i < count_; ++i) watches_[i].release();
}

}  // namespace asyncio::detail
