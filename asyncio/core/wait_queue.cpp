#include "asyncio/core/wait_queue.hpp"

#include "asyncio/base/assert.hpp"

namespace asyncio::detail {

// ---- one place

void WaitNode::suspend_in_front(WaitQueue& queue, CoroPromiseBase& promise) {
  enter(queue, promise, true);
}

void WaitNode::suspend_woken(WaitQueue& queue, CoroPromiseBase& promise) {
  enter(queue, promise, false);
  notify();
}

void WaitNode::notify() noexcept {
  state_ = State::woken;
  --queue_->waiting_;
  task_->wake();
}

bool WaitNode::cancel_wait(const std::string& message) {
  if (state_ == State::orphaned) {  // nobody else will ever wake it
    task_->wake_cancelled(message);
    return true;
  }
  if (state_ != State::waiting) return false;
  state_ = State::cancelled;
  --queue_->waiting_;
  --queue_->live_;
  task_->wake_cancelled(message);
  return true;
}

void WaitNode::give_up() noexcept { leave(); }

void WaitNode::throw_orphaned() {
  task_->check_cancelled();
  throw RuntimeError("what this task waited for was destroyed while it waited");
}

// ---- the queue

WaitQueue::~WaitQueue() {
  // Frames that still wait are destroyed later, with their loop; they must not touch us then.
  while (Node* node = nodes_.first()) {
    NodeList::remove(*node);
    auto& waiter = *static_cast<WaitNode*>(node);
    waiter.queue_ = nullptr;
    waiter.state_ = WaitNode::State::orphaned;
  }
}

WaitNode* WaitQueue::first_waiting() noexcept {
  if (waiting_ == 0) return nullptr;
  if (cursor_ == nullptr) cursor_ = static_cast<WaitNode*>(nodes_.first());
  while (cursor_ != nullptr && cursor_->state_ != WaitNode::State::waiting)
    cursor_ = static_cast<WaitNode*>(nodes_.after(*cursor_));
  return cursor_;
}

bool WaitQueue::wake_one() noexcept {
  WaitNode* node = first_waiting();
  if (node == nullptr) return false;
  node->notify();
  return true;
}

bool WaitQueue::wake_front() noexcept {
  auto* node = static_cast<WaitNode*>(nodes_.first());
  if (node == nullptr || node->state_ != WaitNode::State::waiting) return false;
  node->notify();
  return true;
}

void WaitQueue::wake_all() noexcept {
  while (wake_one()) {}
}

void WaitQueue::bind(Scheduler& scheduler, const char* owner) {
  if (bound_ == &scheduler) return;
  if (bound_ != nullptr)
    throw RuntimeError(std::string(owner) + " is bound to a different event loop");
  bound_ = &scheduler;
  what_ = owner;
}

}  // namespace asyncio::detail
