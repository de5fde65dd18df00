#include "asyncio/combinators/taskgroups.hpp"

#include <cstddef>

#include "asyncio/core/events.hpp"
#include "asyncio/core/instrument.hpp"

#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // of classes with bases: all compilers give it

namespace asyncio {

namespace {

struct ChildLink : detail::Link {};

}  // namespace

struct TaskGroup::State {
  // Watches one task; lives until the task's end was handled, or the group goes away.
  class Child final : public detail::Node, public ChildLink, public detail::Pooled {
   public:
    Child(State& group, detail::TaskBase& task) noexcept
        : group_(&group), task_(detail::StatePtr<detail::TaskBase>::share(&task)) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
      if (ChildLink::is_linked()) ChildLink::unlink();
    }
    void notify() noexcept override { task_->scheduler()->push_ready(*this); }
    void run() override { group_->child_done(*this); }
    bool cancel_wait(const std::string&) override { return false; }
    detail::TaskBase& task() const noexcept { return *task_; }

   private:
    friend struct State;
    State* group_;
    detail::StatePtr<detail::TaskBase> task_;
  };

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    while (ChildLink* link = children.first()) delete static_cast<Child*>(link);
  }

  void child_done(Child& child);
  void abort();

  detail::IntrusiveList<ChildLink> children;  // not handled yet, in creation order
  detail::Scheduler* scheduler = nullptr;
  detail::StatePtr<detail::TaskBase> parent;
  std::optional<Future<>> all_done;
  std::vector<std::exception_ptr> errors;
  std::exception_ptr interrupt;  // KeyboardInterrupt, SystemExit: thrown bare
  bool entered = false;
  bool exiting = false;
  bool aborting = false;
  bool parent_cancel_requested = false;

  static const detail::ShownKind shown;
  static detail::WaitKind kind;  // how who looks from outside comes from a task to the parent
};

namespace {
constexpr const char* kLabel = "TaskGroup";
}  // namespace
constinit detail::WaitKind TaskGroup::State::kind{.type = &typeid(Child),
                                                  .labels = &kLabel,
                                                  .told = offsetof(Child, group_),
                                                  .told_at = offsetof(TaskGroup::State, parent)};
const detail::ShownKind TaskGroup::State::shown(TaskGroup::State::kind);

TaskGroup::TaskGroup() noexcept = default;
TaskGroup::TaskGroup(TaskGroup&&) noexcept = default;
TaskGroup::~TaskGroup() = default;

Coro<> TaskGroup::aenter() {
  if (state_) throw RuntimeError("TaskGroup " + repr() + " has already been entered");
  state_ = std::make_unique<State>();
  state_->scheduler = &detail::current_scheduler();
  state_->parent = detail::StatePtr<detail::TaskBase>::share(state_->scheduler->current_task);
  state_->entered = true;
  co_return;
}

const char* TaskGroup::refuses_tasks() const noexcept {
  if (!state_) return "has not been entered";
  if (state_->exiting && state_->children.empty()) return "is finished";
  if (state_->aborting) return "is shutting down";
  return nullptr;
}

void TaskGroup::throw_refusal(const char* refusal) const {
  throw RuntimeError("TaskGroup " + repr() + " " + refusal);
}

detail::Scheduler& TaskGroup::scheduler() const noexcept { return *state_->scheduler; }

void TaskGroup::adopt(detail::TaskBase& task) {
  auto* child = new State::Child(*state_, task);
  state_->children.push_back(*child);
  if (task.done())
    child->notify();  // an eager task; handled in its turn all the same
  else
    task.add_waiter(*child);
}

void TaskGroup::State::abort() {
  aborting = true;
  for (ChildLink* link = children.first(); link != nullptr; link = children.after(*link)) {
    detail::TaskBase& task = static_cast<Child*>(link)->task();
    if (!task.done()) task.cancel("");
  }
}

void TaskGroup::State::child_done(Child& child) {
  const auto task = detail::StatePtr<detail::TaskBase>::share(&child.task());
  delete &child;
  if (all_done && children.empty() && !all_done->done()) all_done->set_result();
  if (task->cancelled()) return;
  std::exception_ptr error = task->exception();
  if (!error) return;
  errors.push_back(error);
  if (detail::is_interrupt(error) && !interrupt) interrupt = error;
  if (parent->done()) {
    scheduler->report({.message = "Task " + task->repr() + " has errored out but its parent task " +
                                  parent->repr() + " is already completed",
                       .exception = error});
    return;
  }
  if (!aborting && !parent_cancel_requested) {
    abort();
    parent_cancel_requested = true;
    parent->cancel("");
  }
}

Coro<bool> TaskGroup::aexit(std::exception_ptr error) {
  State& group = *state_;
  group.exiting = true;
  if (detail::is_interrupt(error) && !group.interrupt) group.interrupt = error;
  std::exception_ptr cancellation = detail::is_cancelled_error(error) ? error : nullptr;
  if (error && !group.aborting) group.abort();

  // The parent may be cancelled again and again while it waits: it waits on all the same.
  while (!group.children.empty()) {
    group.all_done.emplace();
    try {
      co_await *group.all_done;
    } catch (const CancelledError&) {
      if (!group.aborting) {
        cancellation = std::current_exception();
        group.abort();
      }
    }
    group.all_done.reset();
  }
  if (group.interrupt) std::rethrow_exception(group.interrupt);
  // A cancellation that the group itself asked for ends here.
  if (group.parent_cancel_requested && group.parent->uncancel() == 0) cancellation = nullptr;
  if (cancellation && group.errors.empty()) std::rethrow_exception(cancellation);
  if (error && !detail::is_cancelled_error(error)) group.errors.push_back(error);
  if (!group.errors.empty()) {
    // Somebody else wants the parent to end: the errors go first, the request is armed again.
    if (group.parent->cancelling() > 0) {
      group.parent->uncancel();
      group.parent->cancel("");
    }
    throw ExceptionGroup("unhandled errors in a TaskGroup", std::move(group.errors));
  }
  co_return true;
}

std::string TaskGroup::repr() const {
  std::string text = "<TaskGroup";
  if (state_) {
    std::size_t count = 0;
    for (ChildLink* link = state_->children.first(); link != nullptr;
         link = state_->children.after(*link))
      ++count;
    if (count > 0) text += " tasks=" + std::to_string(count);
    if (!state_->errors.empty()) text += " errors=" + std::to_string(state_->errors.size());
    if (state_->aborting)
      text += " cancelling";
    else if (state_->entered)
      text += " entered";
  }
  return text + ">";
}

}  // namespace asyncio
