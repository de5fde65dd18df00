// mock.hpp: AsyncMock, a stand-in for a coroutine function. Source: Python's
// unittest.mock.AsyncMock.
#pragma once
#include <exception>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "asyncio/core/futures.hpp"

namespace asyncio::testing {

template <class Signature>
class AsyncMock;

// Records its calls; returns, raises or hangs, as it was told last. Must outlive its calls.
template <class R, class... Args>
class AsyncMock<R(Args...)> {
 public:
  template <class V = R>
  void returns(V value) {
    value_.emplace(std::move(value));
    error_ = nullptr;
    hangs_ = false;
  }
  void raises(std::exception_ptr error) {
    error_ = std::move(error);
    hangs_ = false;
  }
  void hangs() noexcept { hangs_ = true; }  // until the caller is cancelled

  ASYNCIO_CORO_COPIES Coro<R> operator()(Args... args) {
    calls_.emplace_back(std::move(args)...);
    return answer();
  }
  int call_count() const noexcept { return static_cast<int>(calls_.size()); }
  const std::vector<std::tuple<Args...>>& calls() const noexcept { return calls_; }

 private:
  Coro<R> answer() {
    if (hangs_) co_await Future<>();
    if (error_) std::rethrow_exception(error_);
    if constexpr (!std::is_void_v<R>) {
      if (!value_) throw RuntimeError("AsyncMock was called before returns() or raises()");
      co_return *value_;
    }
  }

  std::optional<NoVoid<R>> value_;
  std::exception_ptr error_;
  bool hangs_ = false;
  std::vector<std::tuple<Args...>> calls_;
};

}  // namespace asyncio::testing
