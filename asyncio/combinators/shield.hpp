// shield.hpp: shield. Source: docs.python.org/3/library/asyncio-task.html#asyncio.shield
#pragma once
#include <type_traits>
#include <utility>

#include "asyncio/combinators/children.hpp"

namespace asyncio {
namespace detail {

// Copies the end of `inner` unless `outer` was cancelled before; never the other way round.
class ShieldBase : public Follower {
 protected:
  ShieldBase(FutureBase& outer, FutureBase& inner) noexcept;
  ~ShieldBase() = default;

  // Where inner is done already, it counts at once.
  void begin();
  void outer_cancelled() noexcept;
  bool may_die() noexcept { return Follower::may_die(&watch_, 1); }

  virtual void copy_value(FutureBase& inner) = 0;
  virtual void cancel_outer(std::exception_ptr error) noexcept = 0;

 private:
  void settle(ChildWatch& watch) final;
  void copy_end(FutureBase& inner) noexcept;

  ChildWatch watch_;
};

template <class State>
class ShieldState final : public FutureState<typename State::value_type>, private ShieldBase {
  using T = typename State::value_type;

 public:
  explicit ShieldState(State& inner) : FutureState<T>(inner.scheduler()), ShieldBase(*this, inner) {
    begin();
  }
  bool cancel(const std::string& message) override {
    if (!FutureState<T>::cancel(message)) return false;
    outer_cancelled();
    return true;
  }

 private:
  void dispose() noexcept override {
    if (may_die()) FutureState<T>::dispose();
  }
  void copy_value(FutureBase& inner) override {
    auto& state = static_cast<State&>(inner);
    if constexpr (std::is_void_v<T>)
      this->set_result();
    else
      this->set_result(take_child_value(state));
  }
  void cancel_outer(std::exception_ptr error) noexcept override {
    this->finish_cancelled(std::move(error));
  }
};

}  // namespace detail

// Waits for an awaitable without passing a cancellation on to it: the future that shield() gives
// can be cancelled, what it stands for goes on. Where that is cancelled itself, so is the future.
// A coroutine becomes a task at once; a future that is done is returned as it is.
// C++: a failure that comes after the shield was cancelled is reported once, when the last handle
// to the task or future is gone and nobody has asked for it.
//
// Order:        the awaiter resumes two passes after the inner one is done; no pass where it is
//               done already.
// Cancellation: ends the wait only.
// Threads:      the loop's thread only.
// Lifetime:     free: the inner task goes on where the future is dropped.
template <detail::Child A>
Future<await_result_t<A>> shield(A&& awaitable) {
  using T = await_result_t<A>;
  auto inner = detail::child_handle(std::forward<A>(awaitable));
  if constexpr (std::is_same_v<std::remove_cvref_t<A>, Future<T>>)
    if (inner.done()) return inner;
  using State = typename detail::child_handle_t<A>::State;
  return Future<T>(
      detail::StatePtr<detail::FutureState<T>>(new detail::ShieldState<State>(*inner.state())));
}

}  // namespace asyncio
