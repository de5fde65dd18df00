// sleep.hpp: asyncio.sleep. Source: docs.python.org/3/library/asyncio-task.html#sleeping
#pragma once
#include <chrono>
#include <cmath>

#include "asyncio/core/tasks.hpp"

namespace asyncio {
namespace detail {

// What waits for the end of a delay.
class SleepNode final : public TimerNode {
 public:
  // Throws std::bad_alloc.
  SleepNode(TaskBase& task, Duration delay);
  SleepNode(const SleepNode&) = delete;
  SleepNode& operator=(const SleepNode&) = delete;
  ~SleepNode() {
    if (slot().is_queued()) disarm();
  }

  // Two hops, as in CPython: the timer's turn completes the sleep, which queues the task.
  void notify() noexcept override;
  void run() override;
  bool cancel_wait(const std::string& message) override;

 private:
  template <class>
  friend struct Shape;
  void disarm() noexcept;
  TaskBase* task_;
};

// The awaiter of sleep(). A delay of zero or less costs exactly one pass, and neither arms a timer
// nor makes the node for one, which saves a quarter of the instructions.
class Sleep {
 public:
  explicit Sleep(Duration delay) noexcept : delay_(delay) {}
  Sleep(const Sleep& other) noexcept : delay_(other.delay_) {}
  Sleep& operator=(const Sleep&) = delete;
  ~Sleep() {
    if (is_asleep_) node_.~SleepNode();
  }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    TaskBase& task = *current_scheduler().current_task;
    if (delay_ <= Duration::zero())
      task.yield(handle.promise());
    else
      start(task, handle.promise());
  }
  void await_resume() { task().check_cancelled(); }
  // await_resume() in two parts, for who need not throw: move_on_after(). True where the task's
  // cancellation, which stays due, has ended the sleep.
  bool is_cancelled() const noexcept { return task().cancel_is_due(); }
  void take() const noexcept {}

 private:
  // Whoever resumes is the one that has slept.
  static TaskBase& task() noexcept { return *tls_scheduler->current_task; }
  void start(TaskBase& task, CoroPromiseBase& promise);

  union {
    Duration delay_;
    SleepNode node_;  // while asleep
  };
  bool is_asleep_ = false;
};

template <class T>
class SleepWithResult : public Sleep {
 public:
  SleepWithResult(Duration delay, T result) : Sleep(delay), result_(std::move(result)) {}
  T await_resume() {
    Sleep::await_resume();
    return take();
  }
  T take() { return std::move(result_); }

 private:
  T result_;
};

// Cut to what fits, so that sleep(hours::max()) means "very long" rather than overflow.
template <class Rep, class Period>
Duration to_duration(std::chrono::duration<Rep, Period> delay) {
  constexpr Duration kLongest = std::chrono::hours(24 * 365 * 100);
  using Seconds = std::chrono::duration<double>;
  if constexpr (std::is_floating_point_v<Rep>)
    if (std::isnan(delay.count())) throw ValueError("Invalid delay: NaN (not a number)");
  if (std::chrono::duration_cast<Seconds>(delay) >= std::chrono::duration_cast<Seconds>(kLongest))
    return kLongest;
  if (std::chrono::duration_cast<Seconds>(delay) <= std::chrono::duration_cast<Seconds>(-kLongest))
    return -kLongest;
  return std::chrono::duration_cast<Duration>(delay);
}

}  // namespace detail

// Suspends the task for `delay`, never less; other tasks run. sleep(0s) lets the others have
// one turn. Throws CancelledError, and ValueError for a NaN delay.
template <class Rep, class Period>
detail::Sleep sleep(std::chrono::duration<Rep, Period> delay) {
  return detail::Sleep(detail::to_duration(delay));
}
template <class Rep, class Period, class T>
detail::SleepWithResult<T> sleep(std::chrono::duration<Rep, Period> delay, T result) {
  return {detail::to_duration(delay), std::move(result)};
}

}  // namespace asyncio
