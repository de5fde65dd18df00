// timeouts.hpp: timeout, timeout_at, Timeout, wait_for, move_on_after.
// Source: docs.python.org/3/library/asyncio-task.html#timeouts. None of them makes a task: the
// deadline cancels the task that waits, and the scope turns that cancellation into TimeoutError.
#pragma once
#include <coroutine>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "asyncio/core/sleep.hpp"
#include "asyncio/core/tasks.hpp"
#include "asyncio/core/when_done.hpp"

namespace asyncio {

namespace detail {

// An awaitable that is done already.
template <class T>
struct Ready {
  T value;
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  T await_resume() { return std::move(value); }
};
template <>
struct Ready<void> {
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  void await_resume() const noexcept {}
};

}  // namespace detail

// A deadline for a scope; use it through with(timeout(1s), body).
//
// Order:        the deadline's turn comes among the due timers; a result that is there already
//               when it comes is kept (C++: CPython may drop it).
// Cancellation: an outside cancel() wins over the deadline: CancelledError leaves the scope.
// Threads:      the loop's thread only.
// Lifetime:     enclosed by the scope; may be moved before that only.
class Timeout final : private detail::TimerNode {
 public:
  explicit Timeout(std::optional<TimePoint> when) noexcept : when_(when.value_or(kNever)) {}
  Timeout(Timeout&& other) noexcept : TimerNode(other), when_(other.when_) {}
  Timeout& operator=(Timeout&&) = delete;
  ~Timeout();

  // Throws RuntimeError("Timeout has already been entered"), or outside of a task.
  detail::Ready<void> aenter() {
    enter();
    return {};
  }
  // Throws TimeoutError where the deadline, and nothing else, cancelled the body.
  detail::Ready<bool> aexit(const std::exception_ptr& error) {
    leave(error);
    return {false};
  }
  // aexit() without the TimeoutError: true where the deadline, and nothing else, cancelled it.
  bool finish(const std::exception_ptr& error);
  // The same before anything is thrown: true where the deadline, and nothing else, has cancelled
  // the task, and then takes that back.
  bool finish_instead() noexcept;
  // True from the moment the deadline passed, also if the body swallowed the cancellation.
  bool expired() const noexcept { return state_ == State::expiring || state_ == State::expired; }
  std::optional<TimePoint> when() const noexcept {
    return when_ == kNever ? std::nullopt : std::optional(when_);
  }
  // nullopt: no deadline. Throws RuntimeError unless the scope is active.
  void reschedule(std::optional<TimePoint> when);
  std::string repr() const;

 private:
  //   created --enter()--> active --expire()--> expiring --leave()--> expired
  //                          |
  //                          +-----leave()----> finished
  enum class State : std::uint8_t { created, active, expiring, expired, finished };

  void enter();
  void leave(const std::exception_ptr& error);
  void arm();
  void disarm() noexcept;
  void expire();

  void notify() noexcept override;
  void run() override { expire(); }
  bool cancel_wait(const std::string&) override { return false; }

  static constexpr TimePoint kNever = TimePoint::max();
  TimePoint when_;
  detail::StatePtr<detail::TaskBase> task_;  // shared: the scope may outlive its task
  int requests_before_ = 0;
  State state_ = State::created;
  bool cancel_was_due_ = false;  // on entry: then a CancelledError is not ours
  bool kept_result_ = false;     // the deadline has stood back once for a result
};

// A deadline `delay` from now; nullopt: none. Throws RuntimeError("no running event loop").
Timeout timeout(std::optional<Duration> delay);
Timeout timeout_at(std::optional<TimePoint> when);  // on the clock of Loop::time()

namespace detail {

[[noreturn]] void throw_timeout();

template <class T>
Task<T> as_future(Task<T> task) {
  return task;
}
template <class T>
Future<T> as_future(Future<T> future) {
  return future;
}
template <class A>
Task<await_result_t<A>> as_future(A awaitable) {
  return create_task(std::move(awaitable));
}

// No time at all: what is done gives its result, everything else is cancelled and waited for.
template <class A>
Coro<await_result_t<A>> wait_for_no_time(A awaitable) {
  auto future = as_future(std::move(awaitable));
  if (!future.done()) {
    future.cancel();
    co_await WhenDone(*future.state());
    if (future.cancelled()) throw_timeout();
  }
  co_return co_await std::move(future);
}

template <class A>
Coro<await_result_t<A>> wait_for_time(A awaitable, Duration delay) {
  using T = await_result_t<A>;
  Timeout scope(current_scheduler().now() + delay);  // from the await on, as in Python
  co_await scope.aenter();
  std::exception_ptr error;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(awaitable);
      co_await scope.aexit(nullptr);
      co_return;
    } else {
      T value = co_await std::move(awaitable);
      co_await scope.aexit(nullptr);
      co_return value;
    }
  } catch (...) {
    error = std::current_exception();
  }
  co_await scope.aexit(error);  // throws TimeoutError where the deadline did it
  std::rethrow_exception(error);
}

// An awaiter of ours that can tell without throwing that it was cancelled.
template <class A>
concept TellsCancelled = requires(A& awaiter) {
  { awaiter.is_cancelled() } -> std::same_as<bool>;
  awaiter.take();
};

// Awaits `inner`; nullopt where the deadline of `scope` has ended that: 1,000 ns less than to throw
// CancelledError and catch it.
template <TellsCancelled Inner>
struct MoveOn {
  using T = await_result_t<Inner>;

  bool await_ready() { return inner.await_ready(); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    inner.await_suspend(handle);
  }
  std::optional<NoVoid<T>> await_resume() {
    if (inner.is_cancelled()) {
      if (scope.finish_instead()) return std::nullopt;
      tls_scheduler->current_task->throw_cancelled();
    }
    if constexpr (std::is_void_v<T>) {
      inner.take();
      return NoVoid<T>();
    } else {
      return inner.take();
    }
  }

  Inner& inner;
  Timeout& scope;
};

}  // namespace detail

// Awaits in the calling task, with a limit; nullopt: none. At the deadline the awaitable is
// cancelled and waited for, then TimeoutError is thrown; a value that it returns all the same is
// returned. With no time at all (<= 0) a coroutine never starts.
// Cancellation: reaches the awaitable; CancelledError is thrown once it has ended.
template <Awaitable A>
  requires(!std::is_lvalue_reference_v<A>)
ASYNCIO_CORO_COPIES Coro<await_result_t<A>> wait_for(A&& awaitable,
                                                     std::optional<Duration> timeout) {
  if (!timeout) return detail::as_coroutine(std::forward<A>(awaitable));
  if (*timeout <= Duration::zero()) return detail::wait_for_no_time<A>(std::move(awaitable));
  return detail::wait_for_time<A>(std::move(awaitable), *timeout);
}
// A task or future stays the caller's.
template <class A>
  requires std::copyable<A> && Awaitable<A>
ASYNCIO_CORO_COPIES Coro<await_result_t<A>> wait_for(const A& awaitable,
                                                     std::optional<Duration> timeout) {
  return wait_for(A(awaitable), timeout);
}

// trio's move_on_after: nullopt where the time was up, and nothing is thrown past the scope.
template <Awaitable A>
  requires(!std::is_lvalue_reference_v<A>)
Coro<std::optional<NoVoid<await_result_t<A>>>> move_on_after(Duration delay, A awaitable) {
  using T = await_result_t<A>;
  Timeout scope(detail::current_scheduler().now() + delay);
  co_await scope.aenter();
  std::optional<NoVoid<T>> value;
  std::exception_ptr error;
  try {
    if constexpr (detail::TellsCancelled<A>) {
      value = co_await detail::MoveOn<A>{awaitable, scope};
    } else if constexpr (std::is_void_v<T>) {
      co_await std::move(awaitable);
      value.emplace();
    } else {
      value.emplace(co_await std::move(awaitable));
    }
  } catch (...) {
    error = std::current_exception();
  }
  if (!scope.finish(error) && error) std::rethrow_exception(error);
  co_return value;
}

}  // namespace asyncio
