// when_done.hpp: waits for a future to be done without touching it: neither its result is taken
// nor is it cancelled when the waiter is. As CPython's wait(), it resumes one pass after a done
// callback would run.
#pragma once
#include "asyncio/core/tasks.hpp"

namespace asyncio::detail {

class WhenDone : public Node {
 public:
  explicit WhenDone(FutureBase& future) noexcept : future_(StatePtr<FutureBase>::share(&future)) {}
  WhenDone(const WhenDone& other) noexcept : Node(other), future_(other.future_) {}
  WhenDone& operator=(const WhenDone&) = delete;
  ~WhenDone() = default;

  bool await_ready() const noexcept { return future_->done(); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    suspend(handle.promise());
  }
  void await_resume() {
    if (task_ != nullptr) task_->check_cancelled();
  }

  void notify() noexcept final { task_->scheduler()->push_ready(*this); }
  void run() final { task_->wake(); }
  bool cancel_wait(const std::string& message) final {
    if (Node::is_linked()) Node::unlink();
    task_->wake_cancelled(message);
    return true;
  }

 protected:
  template <class>
  friend struct Shape;
  void suspend(CoroPromiseBase& promise) {
    task_ = current_scheduler().current_task;
    future_->bind();
    future_->add_waiter(*this);
    task_->suspend_on(promise, *this);
  }

  StatePtr<FutureBase> future_;
  TaskBase* task_ = nullptr;
};

}  // namespace asyncio::detail
