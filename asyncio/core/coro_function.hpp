// coro_function.hpp: CoroFunction, any callable that makes a Coro<>, called as often as needed.
// std::function<Coro<>()> would do, but ASYNCIO_STRICT_LIFETIMES refuses its forwarding.
#pragma once
#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "asyncio/core/coroutines.hpp"

namespace asyncio {

// Copies share the callable.
//
// Threads:  may be called on several at once where the callable may.
// Lifetime: lives at least as long as the coroutines that it made.
class CoroFunction {
 public:
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, CoroFunction> && std::copy_constructible<F> &&
             std::same_as<std::invoke_result_t<F&>, Coro<>>)
  CoroFunction(F function) : callable_(std::make_shared<Callable<F>>(std::move(function))) {}

  ASYNCIO_CORO_WRAPPER Coro<> operator()() const { return callable_->call(); }

 private:
  struct Base {
    virtual ~Base() = default;
    ASYNCIO_CORO_WRAPPER virtual Coro<> call() = 0;
  };
  template <class F>
  struct Callable final : Base {
    explicit Callable(F&& given) : function(std::move(given)) {}
    ASYNCIO_CORO_WRAPPER Coro<> call() override { return detail::call(function); }
    F function;
  };
  std::shared_ptr<Base> callable_;
};

}  // namespace asyncio
