// mock.hpp: AsyncMock, a stand-in for a coroutine function. Source: Python's
// unittest.mock.AsyncMock.
//
//   testing::AsyncMock<std::string(std::string)> fetch;
//   fetch.returns("a page");
//   co_await crawl(std::ref(fetch));
//   EXPECT_EQ(fetch.call_count(), 1);
#pragma once
#include <deque>
#include <exception>
#include <functional>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "asyncio/core/futures.hpp"

namespace asyncio::testing {

template <class Signature>
class AsyncMock;

// Records its calls; returns, raises, hangs or calls a function, as it was told last.
//
// Order:        answers that were queued by then_returns() and then_raises() come first.
// Cancellation: a hanging call ends with CancelledError.
// Threads:      the loop's thread only.
// Lifetime:     outlives its calls.
template <class R, class... Args>
class AsyncMock<R(Args...)> {
 public:
  template <class V = R>
  void returns(V value) {
    always_ = Answer{.value = std::move(value)};
  }
  void returns()
    requires std::is_void_v<R>
  {
    always_ = Answer{.value = NoVoid<R>()};
  }
  void raises(std::exception_ptr error) { always_ = Answer{.error = std::move(error)}; }
  template <class E>
    requires(!std::same_as<E, std::exception_ptr>)
  void raises(E error) {
    raises(std::make_exception_ptr(std::move(error)));
  }
  void hangs() { always_ = Answer{}; }  // until the caller is cancelled
  // Python's side_effect: the function's result is the answer.
  void calls_function(std::function<R(const Args&...)> function) {
    always_ = Answer{.function = std::move(function)};
  }
  // For one call each, in this order; what was told above is for the calls after them.
  template <class V = R>
  AsyncMock& then_returns(V value) {
    next_.push_back(Answer{.value = std::move(value)});
    return *this;
  }
  AsyncMock& then_raises(std::exception_ptr error) {
    next_.push_back(Answer{.error = std::move(error)});
    return *this;
  }
  AsyncMock& then_hangs() {
    next_.push_back(Answer{});
    return *this;
  }

  ASYNCIO_CORO_COPIES Coro<R> operator()(Args... args) {
    calls_.emplace_back(std::move(args)...);
    return answer(calls_.size() - 1);
  }
  int call_count() const noexcept { return static_cast<int>(calls_.size()); }
  int await_count() const noexcept { return awaits_; }  // calls whose coroutine began to run
  const std::vector<std::tuple<Args...>>& calls() const noexcept { return calls_; }
  // Forgets the calls, and keeps the answers.
  void reset() noexcept {
    calls_.clear();
    awaits_ = 0;
  }

 private:
  struct Answer {
    std::optional<NoVoid<R>> value = {};
    std::exception_ptr error = {};
    std::function<R(const Args&...)> function = {};
  };

  Coro<R> answer(std::size_t call) {
    ++awaits_;
    if (next_.empty() && !always_)
      throw RuntimeError(
          "AsyncMock was called before it was told what to answer\n"
          "  cure: returns(), raises(), hangs() or calls_function()");
    const Answer chosen = next_.empty() ? *always_ : next_.front();
    if (!next_.empty()) next_.pop_front();
    if (chosen.error) std::rethrow_exception(chosen.error);
    if (chosen.function) co_return std::apply(chosen.function, calls_[call]);
    if (!chosen.value) co_await Future<>();
    if constexpr (!std::is_void_v<R>) co_return *chosen.value;
  }

  std::optional<Answer> always_;
  std::deque<Answer> next_;
  int awaits_ = 0;
  std::vector<std::tuple<Args...>> calls_;
};

}  // namespace asyncio::testing
