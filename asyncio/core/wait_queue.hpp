// wait_queue.hpp: who waits, in what order, and what happens when a waiter is cancelled: once,
// for all of locks, queues and barriers. The rules are CPython's:
//   - a woken waiter keeps its place until its task runs, so nobody can overtake it;
//   - a cancelled waiter keeps its place, too, but counts as gone;
//   - a waiter that was woken and then cancelled is told apart (was_woken()), so that whoever
//     owns the queue can pass the wake-up on.
#pragma once
#include <cstddef>

#include "asyncio/core/tasks.hpp"

namespace asyncio {
namespace detail {

class WaitQueue;

// One task's place in a queue. Stands in the awaiting frame.
class WaitNode : public Node {
 public:
  // orphaned: the queue was destroyed; what owned it must not be touched.
  enum class State : std::uint8_t { idle, waiting, woken, cancelled, orphaned };

  WaitNode() noexcept = default;
  WaitNode(const WaitNode&) noexcept : Node() {}  // a copy waits nowhere
  WaitNode& operator=(const WaitNode&) = delete;
  ~WaitNode() {
    if (queue_ != nullptr) [[unlikely]]
      give_up();
  }

  void run() final {}
  void notify() noexcept final;
  bool cancel_wait(const std::string& message) final;

  // Suspends the running task at the end of `queue`.
  void suspend(WaitQueue& queue, CoroPromiseBase& promise);
  // The same, but at the front: for a waiter that was overtaken and keeps its turn.
  void suspend_in_front(WaitQueue& queue, CoroPromiseBase& promise);
  // The same as suspend, woken already: lets the others run once, and keeps the place meanwhile.
  void suspend_woken(WaitQueue& queue, CoroPromiseBase& promise);

  // Leaves the queue; on resumption, before anything else. True where a cancellation is due:
  // hand on what was_woken() gave, then call throw_cancelled(). Throws where the queue is gone.
  bool resume() {
    if (state_ == State::orphaned) [[unlikely]]
      throw_orphaned();
    leave();
    return task_ != nullptr && task_->cancel_is_due();
  }
  bool was_woken() const noexcept { return state_ == State::woken; }
  bool was_suspended() const noexcept { return state_ != State::idle; }
  // Inline, like the one it calls: unwinding costs 300 ns a function between throw and catch.
  [[noreturn, gnu::always_inline]] void throw_cancelled() { task_->throw_cancelled(); }
  TaskBase* task() const noexcept { return task_; }

 private:
  template <class>
  friend struct Shape;
  friend class WaitQueue;
  void enter(WaitQueue& queue, CoroPromiseBase& promise, bool front);
  [[noreturn]] void throw_orphaned();
  void leave() noexcept;
  void give_up() noexcept;  // its frame is destroyed

  WaitQueue* queue_ = nullptr;
  TaskBase* task_ = nullptr;
  State state_ = State::idle;
};

class WaitQueue {
 public:
  WaitQueue() noexcept = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;
  ~WaitQueue();  // those who still wait are let go, and never woken

  bool empty() const noexcept { return nodes_.empty(); }
  // Somebody waits, or was woken and has not run yet.
  bool has_live() const noexcept { return live_ > 0; }
  // Live and not woken.
  bool has_waiting() const noexcept { return waiting_ > 0; }
  NodeList& nodes() noexcept { return nodes_; }
  std::size_t live_count() const noexcept { return live_; }
  std::size_t waiting_count() const noexcept { return waiting_; }

  // Wakes the first that is still waiting; false where there is none.
  bool wake_one() noexcept;
  // Wakes the first in the queue, unless that one is woken or cancelled already (Lock's rule).
  bool wake_front() noexcept;
  void wake_all() noexcept;
  // For who looks: the task that has what the others wait for. Never followed, only compared.
  void note_holder(const TaskBase* task) noexcept { holder_ = task; }
  // Throws RuntimeError where `queue` has been waited on in another loop.
  void bind(Scheduler& scheduler, const char* owner);
  bool is_bound_to(const Scheduler& scheduler) const noexcept { return bound_ == &scheduler; }

 private:
  template <class>
  friend struct Shape;
  friend class WaitNode;
  WaitNode* first_waiting() noexcept;

  NodeList nodes_;
  WaitNode* cursor_ = nullptr;  // nothing before it is waiting; null: look from the front
  std::size_t live_ = 0;
  std::size_t waiting_ = 0;
  Scheduler* bound_ = nullptr;
  const TaskBase* holder_ = nullptr;
  const char* what_ = nullptr;  // "<asyncio.locks.Lock object>"; null before the first wait
};

// ---- inline: what each wait goes through (20 instructions less than out of line)

inline void WaitNode::enter(WaitQueue& queue, CoroPromiseBase& promise, bool front) {
  task_ = current_scheduler().current_task;
  queue_ = &queue;
  state_ = State::waiting;
  if (front) {
    queue.nodes_.push_front(*this);
    queue.cursor_ = this;
  } else {
    queue.nodes_.push_back(*this);
    if (queue.waiting_ == 0) queue.cursor_ = this;
  }
  ++queue.live_;
  ++queue.waiting_;
  task_->suspend_on(promise, *this);
}

inline void WaitNode::suspend(WaitQueue& queue, CoroPromiseBase& promise) {
  enter(queue, promise, false);
}

inline void WaitNode::leave() noexcept {
  if (queue_ == nullptr) return;
  if (queue_->cursor_ == this)
    queue_->cursor_ = static_cast<WaitNode*>(queue_->nodes_.after(*this));
  NodeList::remove(*this);
  if (state_ == State::waiting) --queue_->waiting_;
  if (state_ != State::cancelled) --queue_->live_;
  queue_ = nullptr;
}

}  // namespace detail
}  // namespace asyncio
