#include "asyncio/core/sleep.hpp"

#include <memory>

namespace asyncio::detail {

SleepNode::SleepNode(TaskBase& task, Duration delay) : task_(&task) {
  Scheduler& scheduler = *task.scheduler();
  scheduler.arm(*this, scheduler.now() + delay);
}

void SleepNode::notify() noexcept { task_->scheduler()->push_ready(*this); }

void SleepNode::run() { task_->wake(); }

bool SleepNode::cancel_wait(const std::string& message) {
  if (Node::is_linked()) Node::unlink();  // due, but its turn has not come: cancel wins
  disarm();
  task_->wake_cancelled(message);
  return true;
}

void SleepNode::disarm() noexcept { task_->scheduler()->disarm(*this); }

void Sleep::start(TaskBase& task, CoroPromiseBase& promise) {
  const Duration delay = delay_;  // the node takes its place
  ::new (static_cast<void*>(std::addressof(node_))) SleepNode(task, delay);
  is_asleep_ = true;
  task.suspend_on(promise, node_);
}

}  // namespace asyncio::detail
