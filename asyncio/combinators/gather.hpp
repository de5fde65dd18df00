// gather.hpp: gather. Source: docs.python.org/3/library/asyncio-task.html#asyncio.gather
// Counting, cancelling and the order of events are in gather.cpp; the templates here only
// collect the values.
#pragma once
#include <array>
#include <tuple>
#include <utility>
#include <vector>

#include "asyncio/combinators/children.hpp"

namespace asyncio {

// gather(return_exceptions, ...): failures stand among the results.
struct ReturnExceptions {};
inline constexpr ReturnExceptions return_exceptions{};

namespace detail {

// Life of a gather, by its children:
//
//   begin() --> pending --settle()--> ... --last one--> collect(): the results
//                  |         |
//                  |         first failure (not with return_exceptions) --> that failure; the
//                  |         others go on, and their failures count as retrieved
//                  |
//                  cancel_children() --> every child is asked to end; after the last one did
//                                        --> CancelledError, whatever they answered
class GatherBase : public Follower {
 protected:
  GatherBase(FutureBase& outer, bool with_exceptions) noexcept
      : Follower(outer), return_exceptions_(with_exceptions) {}
  ~GatherBase() = default;

  // The watches are set. Those whose child is done already count at once.
  // Throws ValueError where the children belong to different loops.
  void begin(ChildWatch* watches, std::size_t count);
  bool cancel_children(const std::string& message);
  bool may_die() noexcept { return Follower::may_die(watches_, count_); }

  virtual void collect() = 0;  // every child is done, and what they gave is wanted

 private:
  void settle(ChildWatch& watch) final;
  void end_cancelled_child(FutureBase& child);
  void finish() noexcept;

  ChildWatch* watches_ = nullptr;
  std::size_t count_ = 0;
  std::size_t finished_ = 0;
  const bool return_exceptions_;
  bool cancel_requested_ = false;
  bool child_spoke_ = false;         // cancel_error_ is a child's
  std::exception_ptr cancel_error_;  // null: a CancelledError without a message
};

// The common face of both forms below.
template <class R>
class GatherState : public FutureState<R>, public GatherBase {
 public:
  bool cancel(const std::string& message) override { return cancel_children(message); }

 protected:
  explicit GatherState(bool with_exceptions)
      : FutureState<R>(tls_scheduler), GatherBase(*this, with_exceptions) {}
  void dispose() noexcept override {
    if (may_die()) FutureState<R>::dispose();
  }
  const char* never_retrieved_sentence() const noexcept override {
    return "_GatheringFuture exception was never retrieved";
  }
};

template <class R, bool kOutcomes, class... States>
class GatherTuple final : public GatherState<R> {
 public:
  explicit GatherTuple(const std::tuple<StatePtr<States>...>& children)
      : GatherState<R>(kOutcomes) {
    std::apply(
        [this](const auto&... child) {
          std::size_t i = 0;
          (watches_[i++].set(*this, *child), ...);
        },
        children);
    this->begin(watches_.data(), watches_.size());
  }

 private:
  void collect() override { collect(std::index_sequence_for<States...>()); }
  template <std::size_t... I>
  void collect(std::index_sequence<I...>) {
    if constexpr (kOutcomes)
      this->set_result(R{take_child_outcome(watches_[I].template child_as<States>())...});
    else
      this->set_result(R{take_child_value(watches_[I].template child_as<States>())...});
  }

  std::array<ChildWatch, sizeof...(States)> watches_;
};

template <class R, bool kOutcomes, class State>
class GatherVector final : public GatherState<R> {
 public:
  template <class A>
  explicit GatherVector(std::vector<A> awaitables)
      : GatherState<R>(kOutcomes),
        size_(awaitables.size()),
        watches_(std::make_unique<ChildWatch[]>(size_)) {
    for (std::size_t i = 0; i < size_; ++i)
      watches_[i].set(*this, base_of(child_handle(std::move(awaitables[i]))));
    this->begin(watches_.get(), size_);
  }

 private:
  void collect() override {
    if constexpr (std::is_void_v<R>) {
      this->set_result();
    } else {
      R results;
      results.reserve(size_);
      for (std::size_t i = 0; i < size_; ++i) {
        State& state = watches_[i].template child_as<State>();
        if constexpr (kOutcomes)
          results.push_back(take_child_outcome(state));
        else
          results.push_back(take_child_value(state));
      }
      this->set_result(std::move(results));
    }
  }

  std::size_t size_;
  std::unique_ptr<ChildWatch[]> watches_;
};

template <bool kOutcomes, class R, class... A>
Future<R> gather_tuple(A&&... awaitables) {
  if constexpr (sizeof...(A) == 0) {
    Future<R> nothing;
    nothing.set_result();
    return nothing;
  } else {
    // Braces, so that tasks are made in the order of the arguments.
    std::tuple<child_handle_t<A>...> handles{child_handle(std::forward<A>(awaitables))...};
    return std::apply(
        [](auto&... handle) {
          const std::tuple<StatePtr<child_state_t<A>>...> children{handle.state()...};
          return Future<R>(StatePtr<FutureState<R>>(
              new GatherTuple<R, kOutcomes, child_state_t<A>...>(children)));
        },
        handles);
  }
}

template <bool kOutcomes, class R, class A>
Future<R> gather_vector(std::vector<A> awaitables) {
  return Future<R>(StatePtr<FutureState<R>>(
      new GatherVector<R, kOutcomes, child_state_t<A>>(std::move(awaitables))));
}

template <class T>
using GatheredVector = std::conditional_t<std::is_void_v<T>, void, std::vector<NoVoid<T>>>;

}  // namespace detail

// Runs the awaitables at the same time and gives their results in the order of the arguments.
// Futures and tasks are taken as they are, anything else becomes a task before gather returns.
// The first failure is thrown at once; the other children go on, and their later failures are not
// reported. A child that was cancelled by others counts as one that failed with CancelledError:
// the gather itself is not cancelled() then.
//
// Order:        a child that is done is heard of in the next pass, the awaiter wakes in the one
//               after that; no pass where nothing is given, or all children are done.
// Cancellation: cancels every child that is not done. C++: with or without return_exceptions it
//               waits for all of them, then throws CancelledError with the message.
// Threads:      the loop's thread only.
// Lifetime:     free: children go on where the future is dropped.
template <class... A>
  requires(detail::Child<A> && ...)
Future<std::tuple<NoVoid<await_result_t<A>>...>> gather(A&&... awaitables) {
  return detail::gather_tuple<false, std::tuple<NoVoid<await_result_t<A>>...>>(
      std::forward<A>(awaitables)...);
}

// The same, but failures, CancelledError included, stand among the results; it throws only where
// the gather itself is cancelled.
template <class... A>
  requires(detail::Child<A> && ...)
Future<std::tuple<Outcome<await_result_t<A>>...>> gather(ReturnExceptions, A&&... awaitables) {
  return detail::gather_tuple<true, std::tuple<Outcome<await_result_t<A>>...>>(
      std::forward<A>(awaitables)...);
}

// The same for any number of one type: a vector, or nothing where they yield nothing.
template <detail::Child A>
Future<detail::GatheredVector<await_result_t<A>>> gather(std::vector<A> awaitables) {
  return detail::gather_vector<false, detail::GatheredVector<await_result_t<A>>>(
      std::move(awaitables));
}
template <detail::Child A>
Future<std::vector<Outcome<await_result_t<A>>>> gather(ReturnExceptions,
                                                       std::vector<A> awaitables) {
  return detail::gather_vector<true, std::vector<Outcome<await_result_t<A>>>>(
      std::move(awaitables));
}

}  // namespace asyncio
