// with.hpp: what Python writes with `async with`, `finally: await` and `except: await`.
// C++ can await neither in a destructor nor in a handler; these three do it for you:
//   with(manager, body)          awaits manager.aenter(), body(manager), manager.aexit(error)
//   try_finally(body, cleanup)   cleanup() is awaited however body() ends
//   outcome_of(awaitable)        a failure as a value, so that handling it can await
#pragma once
#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "asyncio/core/outcome.hpp"
#include "asyncio/core/tasks.hpp"

namespace asyncio {

// Enters with aenter(), leaves with aexit(error), where error is null or what left the body.
// aexit() yields true to swallow the error.
template <class M>
concept AsyncContextManager = requires(M& manager, std::exception_ptr error) {
  { manager.aenter() } -> Awaitable;
  { manager.aexit(error) } -> Awaitable;
};

namespace detail {

[[noreturn]] void throw_swallowed_without_value();

template <class T>
T value_or_swallowed(std::optional<NoVoid<T>>& value) {
  if constexpr (!std::is_void_v<T>) {
    if (value) return std::move(*value);
    if constexpr (std::default_initializable<T>)
      return T{};
    else
      throw_swallowed_without_value();
  }
}

template <class Body, class Manager>
ASYNCIO_CORO_WRAPPER auto call_body(Body& body, Manager& manager) {
  if constexpr (std::is_invocable_v<Body&, Manager&>)
    return detail::call(body, manager);
  else
    return detail::call(body);
}

template <class Body, class Manager>
using body_result_t =
    await_result_t<decltype(call_body(std::declval<Body&>(), std::declval<Manager&>()))>;

// Holder is the manager itself, or a reference to the caller's.
template <class Holder, class Body>
Coro<body_result_t<Body, std::remove_reference_t<Holder>>> run_with(Holder manager, Body body) {
  using T = body_result_t<Body, std::remove_reference_t<Holder>>;
  co_await manager.aenter();
  std::optional<NoVoid<T>> value;
  std::exception_ptr error;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await call_body(body, manager);
      value.emplace();
    } else {
      value.emplace(co_await call_body(body, manager));
    }
  } catch (...) {
    error = std::current_exception();
  }
  const bool swallowed = co_await manager.aexit(error);
  if (error && !swallowed) std::rethrow_exception(error);
  co_return value_or_swallowed<T>(value);
}

}  // namespace detail

// Python's `async with manager as m: body`. A temporary manager lives in the scope; an lvalue is
// used where it stands and must outlive it. Where aenter() throws, neither the body nor aexit()
// runs. Where aexit() swallows an error, a body that yields a value yields a default one.
template <class Manager, class Body>
  requires AsyncContextManager<std::remove_reference_t<Manager>> &&
           (std::invocable<Body&, std::remove_reference_t<Manager>&> || std::invocable<Body&>)
ASYNCIO_CORO_WRAPPER Coro<detail::body_result_t<Body, std::remove_reference_t<Manager>>> with(
    Manager&& manager, Body body) {
  if constexpr (std::is_lvalue_reference_v<Manager>)
    return detail::run_with<Manager, Body>(manager, std::move(body));
  else
    return detail::run_with<std::remove_cvref_t<Manager>, Body>(std::move(manager),
                                                                std::move(body));
}

// Python's `try: body() finally: await cleanup()`. An error of the cleanup replaces the body's.
// A cancellation during the cleanup interrupts it, as in Python; shield() it if it must not.
template <class Body, class Cleanup>
  requires std::invocable<Body&> && std::invocable<Cleanup&>
Coro<await_result_t<std::invoke_result_t<Body&>>> try_finally(Body body, Cleanup cleanup) {
  using T = await_result_t<std::invoke_result_t<Body&>>;
  std::optional<NoVoid<T>> value;
  std::exception_ptr error;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await detail::call(body);
      value.emplace();
    } else {
      value.emplace(co_await detail::call(body));
    }
  } catch (...) {
    error = std::current_exception();
  }
  co_await detail::call(cleanup);
  if (error) std::rethrow_exception(error);
  if constexpr (!std::is_void_v<T>) co_return std::move(*value);
}

namespace detail {

// Tells whether a CancelledError was meant for the running task, or came out of what it awaited.
class OwnCancellation {
 public:
  OwnCancellation();
  // KeyboardInterrupt and SystemExit count as ours, too: nobody may keep them as a value.
  bool is_ours(const std::exception_ptr& error) const noexcept;

 private:
  const TaskBase* task_;
  int requests_before_;
  bool due_before_;
};

template <class A>
Coro<Outcome<await_result_t<A>>> run_for_outcome(A awaitable) {
  using Result = Outcome<await_result_t<A>>;
  const OwnCancellation own;
  std::exception_ptr error;
  try {
    if constexpr (std::is_void_v<await_result_t<A>>) {
      co_await std::move(awaitable);
      co_return Result(std::in_place);
    } else {
      co_return Result(std::in_place, co_await std::move(awaitable));
    }
  } catch (...) {
    error = std::current_exception();
  }
  if (own.is_ours(error)) std::rethrow_exception(error);
  co_return Result(std::move(error));
}

}  // namespace detail

// Awaits without throwing. A cancellation of the awaiting task itself passes through.
template <Awaitable A>
  requires(!std::is_lvalue_reference_v<A>)
ASYNCIO_CORO_COPIES Coro<Outcome<await_result_t<A>>> outcome_of(A&& awaitable) {
  return detail::run_for_outcome<A>(std::move(awaitable));
}
// A task or future stays the caller's.
template <class A>
  requires std::copyable<A> && Awaitable<A>
ASYNCIO_CORO_COPIES Coro<Outcome<await_result_t<A>>> outcome_of(const A& awaitable) {
  return outcome_of(A(awaitable));
}

}  // namespace asyncio
