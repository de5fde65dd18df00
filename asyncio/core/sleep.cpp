#include "asyncio/core/sleep.hpp"

namespace asyncio::detail {

void Sleep::start(TaskBase& task, CoroPromiseBase& promise) {
  Scheduler& scheduler = *task.scheduler();
  scheduler.arm(*this, scheduler.now() + delay_);
  task_ = &task;
  task.suspend_on(promise, *this);
}

void Sleep::notify() noexcept { task_->scheduler()->push_ready(*this); }

void Sleep::run() { task_->wake(); }

bool Sleep::cancel_wait(const std::string& message) {
  if (Node::is_linked()) Node::unlink();  // due, but its turn has not come: cancel wins
  disarm();
  task_->wake_cancelled(message);
  return true;
}

void Sleep::disarm() noexcept {
  if (task_ != nullptr) task_->scheduler()->disarm(*this);
}

}  // namespace asyncio::detail
