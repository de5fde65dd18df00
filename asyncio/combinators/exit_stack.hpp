// exit_stack.hpp: AsyncExitStack, a varying number of resources.
// Source: docs.python.org/3/library/contextlib.html#contextlib.AsyncExitStack
#pragma once
#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "asyncio/combinators/with.hpp"

namespace asyncio {

// Leaves what was entered, and calls what was pushed, in reverse order.
//
// Order:        last in, first out; each is awaited to its end before the next.
// Cancellation: an error of one cleanup goes on to the next ones, and leaves at the end.
// Threads:      the loop's thread only.
// Lifetime:     close it with `with` or aclose(); dropped, it destroys its resources unawaited.
class AsyncExitStack {
 public:
  AsyncExitStack() = default;
  AsyncExitStack(AsyncExitStack&&) noexcept = default;
  AsyncExitStack& operator=(AsyncExitStack&&) noexcept = default;
  ~AsyncExitStack() = default;

  Coro<> aenter() { co_return; }
  // True where a resource swallowed the error. Throws what a cleanup threw.
  Coro<bool> aexit(std::exception_ptr error);
  Coro<> aclose();

  // Enters the manager and keeps it. The reference is good until the stack is left.
  template <AsyncContextManager Manager>
  Coro<std::reference_wrapper<Manager>> enter_ref(Manager manager) {
    auto kept = std::make_unique<KeptManager<Manager>>(std::move(manager));
    Manager& entered = kept->manager;
    co_await entered.aenter();
    exits_.push_back(std::move(kept));
    co_return std::ref(entered);
  }
  template <AsyncContextManager Manager>
  auto enter(Manager manager) {
    return Entered<Manager>{enter_ref(std::move(manager))};
  }
  // callback(), awaited where it gives an awaitable.
  template <std::invocable F>
  void push_callback(F callback) {
    exits_.push_back(std::make_unique<KeptCallback<F>>(std::move(callback)));
  }
  // Moves everything into a new stack, so that leaving this one does nothing.
  AsyncExitStack pop_all() noexcept { return std::exchange(*this, AsyncExitStack()); }

 private:
  struct Exit {
    Exit() = default;
    Exit(const Exit&) = delete;
    Exit& operator=(const Exit&) = delete;
    virtual ~Exit() = default;
    virtual Coro<bool> leave(std::exception_ptr error) = 0;
  };
  template <class Manager>
  struct KeptManager final : Exit {
    explicit KeptManager(Manager entered) : manager(std::move(entered)) {}
    Coro<bool> leave(std::exception_ptr error) override {
      co_return co_await manager.aexit(std::move(error));
    }
    Manager manager;
  };
  template <class F>
  struct KeptCallback final : Exit {
    explicit KeptCallback(F function) : callback(std::move(function)) {}
    Coro<bool> leave(std::exception_ptr) override {
      if constexpr (std::is_void_v<std::invoke_result_t<F&>>)
        detail::call(callback);
      else
        co_await detail::call(callback);
      co_return false;
    }
    F callback;
  };
  // Yields Manager&, which a Coro cannot.
  template <class Manager>
  struct Entered {
    Coro<std::reference_wrapper<Manager>> inner;
    struct Awaiter {
      typename Coro<std::reference_wrapper<Manager>>::Awaiter inner;
      bool await_ready() const noexcept { return false; }
      template <class P>
      std::coroutine_handle<> await_suspend(std::coroutine_handle<P> handle) noexcept {
        return inner.await_suspend(handle);
      }
      Manager& await_resume() { return inner.await_resume().get(); }
    };
    Awaiter operator co_await() && { return Awaiter{std::move(inner).operator co_await()}; }
  };

  std::vector<std::unique_ptr<Exit>> exits_;
};

}  // namespace asyncio
