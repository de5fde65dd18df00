// coroutines.hpp: Coro<T>, the lazy coroutine, and the promise under every coroutine here.
// Awaiting a Coro runs it inline in the same task, without a trip through the loop.
// Tasks (tasks.hpp) run coroutines; generators (combinators/generators.hpp) share the promise.
#pragma once
#include <atomic>
#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/base/frame_pool.hpp"
#include "asyncio/base/shape.hpp"
#include "asyncio/core/awaitable.hpp"

#if defined(ASYNCIO_STRICT_LIFETIMES) && defined(__clang__)
#define ASYNCIO_CORO_TYPE [[clang::coro_return_type, clang::coro_lifetimebound]]
#define ASYNCIO_CORO_WRAPPER [[clang::coro_wrapper]]
#define ASYNCIO_CORO_COPIES [[clang::coro_wrapper, clang::coro_disable_lifetimebound]]
#else
#define ASYNCIO_CORO_TYPE
#define ASYNCIO_CORO_COPIES  // a wrapper that keeps no reference to its arguments
#define ASYNCIO_CORO_WRAPPER
#endif

namespace asyncio {

template <class T>
class Coro;

namespace detail {

class TaskBase;

template <class Method, class Object, class... Args>
ASYNCIO_CORO_WRAPPER auto call_member(Method method, Object&& object, Args&&... args)
    -> std::invoke_result_t<Method, Object, Args...> {
  if constexpr (requires { (object.*method)(std::forward<Args>(args)...); })
    return (std::forward<Object>(object).*method)(std::forward<Args>(args)...);
  else if constexpr (requires { (object.get().*method)(std::forward<Args>(args)...); })
    return (object.get().*method)(std::forward<Args>(args)...);  // std::reference_wrapper
  else
    return ((*std::forward<Object>(object)).*method)(std::forward<Args>(args)...);
}

// std::invoke, except that it may return a Coro under ASYNCIO_STRICT_LIFETIMES: clang wants every
// function that passes one on to be marked, and those of the standard library are not.
template <class F, class... Args>
ASYNCIO_CORO_WRAPPER std::invoke_result_t<F, Args...> call(F&& function, Args&&... args) {
  if constexpr (std::is_member_function_pointer_v<std::remove_cvref_t<F>>)
    return call_member(function, std::forward<Args>(args)...);
  else if constexpr (std::is_member_object_pointer_v<std::remove_cvref_t<F>>)
    return std::invoke(function, std::forward<Args>(args)...);
  else
    return std::forward<F>(function)(std::forward<Args>(args)...);
}

// What every coroutine frame holds: its caller, the place of its current await, its exception.
// Stands first in each promise, so that a frame is found from it (see handle()).
class CoroPromiseBase : public Pooled {
 public:
  // The default argument is where the coroutine is defined; awaits overwrite it.
  explicit CoroPromiseBase(std::source_location where = std::source_location::current()) noexcept
      : where_(where), exception_() {}
  CoroPromiseBase(const CoroPromiseBase&) = delete;
  CoroPromiseBase& operator=(const CoroPromiseBase&) = delete;
  ~CoroPromiseBase() {
    if (callee_ != 0) [[unlikely]]
      drop_exception();
  }

  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
      return static_cast<CoroPromiseBase&>(handle.promise()).leave();
    }
    void await_resume() const noexcept {}
  };
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept;

  template <Awaitable A>
  A&& await_transform(A&& awaitable,
                      std::source_location where = std::source_location::current()) noexcept {
    where_ = where;
    return std::forward<A>(awaitable);
  }

  // The frame around this promise: a promise follows two pointers (alignment is at most 16).
  std::coroutine_handle<> handle() noexcept {
    return std::coroutine_handle<>::from_address(
        std::coroutine_handle<CoroPromiseBase>::from_promise(*this).address());
  }

  bool is_started() const noexcept { return (caller_ & ~kFlags) != 0; }
  void set_parent(CoroPromiseBase& parent) noexcept {
    caller_ = reinterpret_cast<std::uintptr_t>(&parent) | (caller_ & kHasValue);
    parent.callee_ = reinterpret_cast<std::uintptr_t>(this) | kIsCallee;
  }
  // The end of what set_parent() began.
  std::coroutine_handle<> return_to_parent() noexcept {
    CoroPromiseBase& to = *reinterpret_cast<CoroPromiseBase*>(caller_ & ~kFlags);
    to.callee_ = 0;
    return to.handle();
  }
  // The coroutine that this one awaits, or null.
  CoroPromiseBase* callee() const noexcept {
    return (callee_ & kIsCallee) != 0 ? reinterpret_cast<CoroPromiseBase*>(callee_ & ~kIsCallee)
                                      : nullptr;
  }
  void set_task(TaskBase& task) noexcept {
    caller_ = reinterpret_cast<std::uintptr_t>(&task) | kIsRoot | (caller_ & kHasValue);
  }
  bool is_root() const noexcept { return (caller_ & kIsRoot) != 0; }
  CoroPromiseBase* parent() const noexcept {
    return is_root() ? nullptr : reinterpret_cast<CoroPromiseBase*>(caller_ & ~kFlags);
  }
  // Where is_root().
  TaskBase& root_task() const noexcept { return *reinterpret_cast<TaskBase*>(caller_ & ~kFlags); }

  const std::source_location& where() const noexcept { return where_; }
  // What the body has thrown; not while it runs.
  bool has_exception() const noexcept { return exception_ != nullptr; }
  std::exception_ptr take_exception() noexcept { return std::move(exception_); }
  bool has_value() const noexcept { return (caller_ & kHasValue) != 0; }

 protected:
  void mark_value() noexcept { caller_ |= kHasValue; }

 private:
  template <class>
  friend struct Shape;
  static constexpr std::uintptr_t kIsRoot = 1;    // caller_ is a TaskBase
  static constexpr std::uintptr_t kHasValue = 2;  // the derived promise holds a value
  static constexpr std::uintptr_t kFlags = 3;
  static constexpr std::uintptr_t kIsCallee = 1;  // callee_ is a CoroPromiseBase

  std::coroutine_handle<> leave() noexcept {
    if (!is_root()) [[likely]]
      return return_to_parent();
    return leave_task();
  }
  std::coroutine_handle<> leave_task() noexcept;  // the root is done: back to the loop
  void drop_exception() noexcept;

  std::uintptr_t caller_ = 0;
  std::source_location where_;
  // One word for two things that are never there together: what this coroutine awaits, with
  // kIsCallee, and what it ended with. The chain from the root down is the stack of a task.
  union {
    std::exception_ptr exception_;
    std::uintptr_t callee_;
  };
};

struct ProbePromise : CoroPromiseBase {};  // for the concept Awaiter only

template <class T>
class CoroPromise : public CoroPromiseBase {
  static_assert(!std::is_reference_v<T>, "Coro<T&>: return a pointer instead");
  static_assert(alignof(T) <= 16,
                "Coro<T>: T needs more alignment than a frame has; return a "
                "std::unique_ptr<T> instead");

 public:
  explicit CoroPromise(std::source_location where = std::source_location::current()) noexcept
      : CoroPromiseBase(where) {}
  CoroPromise(const CoroPromise&) = delete;
  CoroPromise& operator=(const CoroPromise&) = delete;
  ~CoroPromise() {
    if (has_value()) value_.~T();
  }
  Coro<T> get_return_object() noexcept;
  template <class U = T>
    requires std::constructible_from<T, U&&>
  void return_value(U&& value) {
    ::new (static_cast<void*>(std::addressof(value_))) T(std::forward<U>(value));
    mark_value();
  }
  T& value() noexcept { return value_; }

 private:
  union {
    T value_;
  };
};

template <>
class CoroPromise<void> : public CoroPromiseBase {
 public:
  explicit CoroPromise(std::source_location where = std::source_location::current()) noexcept
      : CoroPromiseBase(where) {}
  Coro<void> get_return_object() noexcept;
  void return_void() const noexcept {}
};

[[noreturn]] void throw_coroutine_reused();
// Reports a coroutine that nobody awaited, where the running loop is in debug mode.
void report_never_awaited(CoroPromiseBase& promise) noexcept;
// How many loops are in debug mode; such a process reports coroutines that nobody awaited.
extern constinit std::atomic<int> debug_loops;

}  // namespace detail

// A lazy coroutine: nothing runs until it is awaited, or passed to create_task() or run().
//
// Order:        awaiting it runs it at once, in the calling task.
// Cancellation: reaches its innermost await first and unwinds from there.
// Threads:      belongs to the loop that first runs it; may be created anywhere.
// Lifetime:     move-only, awaited once, as an rvalue; reference parameters must outlive it.
template <class T = void>
class [[nodiscard]] ASYNCIO_CORO_TYPE Coro {
 public:
  using promise_type = detail::CoroPromise<T>;

  Coro(Coro&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Coro& operator=(Coro&& other) noexcept {
    if (this != &other) {
      destroy();
      frame_ = std::exchange(other.frame_, {});
    }
    return *this;
  }
  ~Coro() { destroy(); }

  class Awaiter {
   public:
    explicit Awaiter(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    bool await_ready() const noexcept { return false; }
    template <class Parent>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Parent> parent) const noexcept {
      frame_.promise().set_parent(parent.promise());
      return frame_;
    }
    T await_resume() const {
      promise_type& promise = frame_.promise();
      if (promise.has_exception()) [[unlikely]]
        std::rethrow_exception(promise.take_exception());
      if constexpr (!std::is_void_v<T>) return std::move(promise.value());
    }

   private:
    std::coroutine_handle<promise_type> frame_;
  };

  // Throws RuntimeError where it was awaited before.
  Awaiter operator co_await() && {
    if (!frame_ || frame_.promise().is_started()) [[unlikely]]
      detail::throw_coroutine_reused();
    return Awaiter(frame_);
  }

  // Gives the frame away; for tasks. Throws RuntimeError where it was awaited before.
  std::coroutine_handle<promise_type> release() && {
    if (!frame_ || frame_.promise().is_started()) [[unlikely]]
      detail::throw_coroutine_reused();
    return std::exchange(frame_, {});
  }

  // Drops the coroutine unstarted, without the "never awaited" report (Python: coro.close()).
  void close() noexcept {
    if (frame_) std::exchange(frame_, {}).destroy();
  }

 private:
  friend promise_type;
  explicit Coro(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  void destroy() noexcept {
    if (!frame_) return;
    if (detail::debug_loops.load(std::memory_order_relaxed) > 0 && !frame_.promise().is_started())
        [[unlikely]]
      detail::report_never_awaited(frame_.promise());
    frame_.destroy();
  }

  std::coroutine_handle<promise_type> frame_;
};

namespace detail {

template <class T>
ASYNCIO_CORO_WRAPPER Coro<T> CoroPromise<T>::get_return_object() noexcept {
  return Coro<T>(std::coroutine_handle<CoroPromise>::from_promise(*this));
}
ASYNCIO_CORO_WRAPPER inline Coro<void> CoroPromise<void>::get_return_object() noexcept {
  return Coro<void>(std::coroutine_handle<CoroPromise>::from_promise(*this));
}

}  // namespace detail
}  // namespace asyncio
