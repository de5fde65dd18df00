// awaitable.hpp: the concept Awaitable, and what an awaitable yields.
#pragma once
#include <coroutine>
#include <type_traits>
#include <utility>
#include <variant>

namespace asyncio {

using Unit = std::monostate;  // what a void awaitable yields inside a tuple

namespace detail {

struct ProbePromise;  // derives from CoroPromiseBase; see coroutines.hpp

template <class A>
concept HasMemberAwait =
    requires(A&& awaitable) { std::forward<A>(awaitable).operator co_await(); };
template <class A>
concept HasFreeAwait = requires(A&& awaitable) { operator co_await(std::forward<A>(awaitable)); };

template <class A>
decltype(auto) get_awaiter(A&& awaitable) {
  if constexpr (HasMemberAwait<A>)
    return std::forward<A>(awaitable).operator co_await();
  else if constexpr (HasFreeAwait<A>)
    return operator co_await(std::forward<A>(awaitable));
  else
    return std::forward<A>(awaitable);
}

template <class A>
concept Awaiter = requires(A& awaiter) {
  { awaiter.await_ready() } -> std::convertible_to<bool>;
  awaiter.await_resume();
  requires requires(std::coroutine_handle<ProbePromise> h) { awaiter.await_suspend(h); };
};

template <class A>
using awaiter_of_t = std::remove_reference_t<decltype(get_awaiter(std::declval<A>()))>;

}  // namespace detail

// What co_await takes inside a Coro: a Coro, Task, Future, or an awaiter of this library.
template <class A>
concept Awaitable =
    requires { typename detail::awaiter_of_t<A>; } && detail::Awaiter<detail::awaiter_of_t<A>>;

// What co_await of an rvalue A yields, without reference: the T of Task<T>, Coro<T>, ...
template <class A>
  requires Awaitable<std::remove_cvref_t<A>&&>
using await_result_t = std::remove_cvref_t<
    decltype(std::declval<detail::awaiter_of_t<std::remove_cvref_t<A>&&>&>().await_resume())>;

template <class T>
using NoVoid = std::conditional_t<std::is_void_v<T>, Unit, T>;

}  // namespace asyncio
