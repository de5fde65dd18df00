// cancel_everywhere.cpp: all_tasks_blocked() and cancel_everywhere(), declared in run.hpp.
#include <memory>

#include "asyncio/core/events.hpp"
#include "asyncio/core/when_done.hpp"
#include "asyncio/testing/run.hpp"

namespace asyncio::testing {
namespace {

// Resumed by the loop when it has nothing else to do.
class IdleWait final : public detail::Node {
 public:
  IdleWait() = default;
  IdleWait(const IdleWait&) noexcept = default;  // before it is linked; GCC 12 asks for it
  IdleWait& operator=(const IdleWait&) noexcept = default;
  ~IdleWait() = default;
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    detail::Scheduler& scheduler = detail::current_scheduler();
    task_ = scheduler.current_task;
    scheduler.idle_waiters.push_back(*this);
    task_->suspend_on(handle.promise(), *this);
  }
  void await_resume() { task_->check_cancelled(); }
  void notify() noexcept override { task_->wake(); }
  void run() override {}
  bool cancel_wait(const std::string& message) override {
    if (is_linked()) unlink();
    task_->wake_cancelled(message);
    return true;
  }

 private:
  detail::TaskBase* task_ = nullptr;
};

// Cancels one task at its n-th suspension.
class CancelAtStep final : public detail::StepObserver {
 public:
  CancelAtStep(detail::Scheduler& scheduler, detail::TaskBase& task, int step)
      : scheduler_(scheduler), task_(task), steps_left_(step) {
    scheduler_.observe(this);
  }
  CancelAtStep(const CancelAtStep&) = delete;
  CancelAtStep& operator=(const CancelAtStep&) = delete;
  ~CancelAtStep() { scheduler_.observe(nullptr); }
  void stepped(const detail::TaskBase* task) override {
    if (task != &task_ || task_.done() || --steps_left_ != 0) return;
    reached_ = true;
    task_.cancel("cancel_everywhere");
  }
  bool reached() const noexcept { return reached_; }

 private:
  detail::Scheduler& scheduler_;
  detail::TaskBase& task_;
  int steps_left_;
  bool reached_ = false;
};

// Whatever the run started ends as asyncio.run() would end it.
Coro<> end_tasks_beside(const std::vector<AnyTask>& before, int step) {
  for (int round = 0; round < 100; ++round) {
    bool any = false;
    for (const AnyTask& task : all_tasks()) {
      bool known = false;
      for (const AnyTask& old : before) known = known || old == task;
      if (known) continue;
      any = true;
      task.cancel();
      co_await detail::WhenDone(task.base());
      if (!task.cancelled()) static_cast<void>(task.exception());
    }
    if (!any) co_return;
  }
  throw RuntimeError("cancel_everywhere: cancelled at suspension " + std::to_string(step) +
                     ", the test left tasks that start new ones for ever");
}

}  // namespace

Coro<> all_tasks_blocked() { co_await IdleWait(); }

Coro<> cancel_everywhere(CoroFunction test) {
  const std::vector<AnyTask> before = all_tasks();
  for (int step = 1;; ++step) {
    Task<> run = create_task(test(), {.name = "cancelled at " + std::to_string(step)});
    bool reached = false;
    {
      CancelAtStep injector(detail::current_scheduler(), run.base(), step);
      co_await detail::WhenDone(run.base());
      reached = injector.reached();
    }
    co_await end_tasks_beside(before, step);
    if (!run.cancelled()) run.result();
    if (!reached) co_return;
  }
}

}  // namespace asyncio::testing
