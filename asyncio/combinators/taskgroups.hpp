// taskgroups.hpp: TaskGroup, structured concurrency.
// Source: docs.python.org/3/library/asyncio-task.html#task-groups
#pragma once
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/core/tasks.hpp"

namespace asyncio {

// A scope that does not end before its tasks: co_await with(TaskGroup(), body).
//
// Order:        errors stand in the group in the order the tasks ended, the body's last.
// Cancellation: the first failure cancels the other tasks and the body; an outside cancel() of the
//               parent cancels all tasks, waits for them, and goes on as CancelledError.
// Threads:      the loop's thread only.
// Lifetime:     one scope; outlives its tasks, which may refer to what encloses it.
class TaskGroup {
 public:
  TaskGroup() noexcept;
  TaskGroup(TaskGroup&&) noexcept;  // before it is entered only
  TaskGroup& operator=(TaskGroup&&) = delete;
  ~TaskGroup();

  // Both throw RuntimeError, and drop the coroutine, unless the group is entered and not ended.
  template <Awaitable A>
    requires(!std::is_lvalue_reference_v<A>)
  Task<await_result_t<A>> create_task(A&& awaitable, TaskOptions options = {}) {
    auto coroutine = detail::as_coroutine(std::forward<A>(awaitable));
    if (const char* refusal = refuses_tasks()) {
      coroutine.close();
      throw_refusal(refusal);
    }
    auto task = detail::spawn(scheduler(), std::move(coroutine), options);
    adopt(task.base());
    return task;
  }
  template <class F, class... Args>
    requires(std::invocable<F, Args...> && !Awaitable<F>)
  Task<await_result_t<std::invoke_result_t<F, Args...>>> create_task(F function, Args... args) {
    if (const char* refusal = refuses_tasks()) throw_refusal(refusal);
    auto task = detail::spawn_call(scheduler(), std::move(function), std::move(args)...);
    adopt(task.base());
    return task;
  }

  // Throws RuntimeError where it was entered before, or outside of a task.
  Coro<> aenter();
  // Waits for all tasks. Throws ExceptionGroup("unhandled errors in a TaskGroup", errors).
  Coro<bool> aexit(std::exception_ptr error);
  std::string repr() const;

 private:
  struct State;

  const char* refuses_tasks() const noexcept;  // null, or the end of the sentence
  [[noreturn]] void throw_refusal(const char* refusal) const;
  detail::Scheduler& scheduler() const noexcept;
  void adopt(detail::TaskBase& task);

  std::unique_ptr<State> state_;
};

}  // namespace asyncio
