// children.hpp: how gather, wait, as_completed and shield hear that a future or task is done.
// A ChildWatch stands in the child's list of waiters, then for one pass in the ready queue, as a
// done callback of CPython's does, but is allocated with its owner.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "asyncio/core/outcome.hpp"
#include "asyncio/core/tasks.hpp"

namespace asyncio::detail {

class ChildWatch;

// Whoever watches children.
class ChildOwner {
 public:
  virtual void child_done(ChildWatch& watch) = 0;   // a pass after the child was done
  virtual void child_lost(ChildWatch&) noexcept {}  // it never will be
 protected:
  ~ChildOwner() = default;
  // Says who waits for what is made of the children, to who looks from outside.
  void show_awaiters(NodeList& awaiters) noexcept { awaiters_ = &awaiters; }

 private:
  template <class>
  friend struct Shape;
  NodeList* awaiters_ = nullptr;
};

// The watch on one child. Keeps a reference to it; loosen() makes that a weak one.
class ChildWatch final : public Node {
 public:
  ChildWatch() noexcept = default;
  ChildWatch(const ChildWatch&) = delete;
  ChildWatch& operator=(const ChildWatch&) = delete;
  ~ChildWatch() { stop(); }

  void set(ChildOwner& owner, FutureBase& child) noexcept {
    owner_ = &owner;
    child_ = &child;
    child.add_reference();
    strong_ = true;
  }
  // Begins to listen. Where the child is done already, it is heard of in the next pass.
  void start() {
    child_->bind();
    if (child_->done())
      notify();
    else
      child_->add_waiter(*this);
  }
  // Forgets the child, wherever the watch stands.
  void stop() noexcept {
    if (is_linked()) unlink();
    release();
  }
  // From now on, others keep the child alive until it is done.
  void loosen() noexcept;
  void release() noexcept {
    FutureBase* child = std::exchange(child_, nullptr);
    if (std::exchange(strong_, false)) child->drop_reference();
  }

  FutureBase* child() const noexcept { return child_; }  // null once it was released
  template <class State>
  State& child_as() const noexcept {
    return static_cast<State&>(*child_);
  }

  void notify() noexcept override;
  void run() override { owner_->child_done(*this); }
  bool cancel_wait(const std::string&) override { return false; }
  void orphan() noexcept override;

 private:
  template <class>
  friend struct Shape;
  ChildOwner* owner_ = nullptr;
  FutureBase* child_ = nullptr;
  bool strong_ = false;
};

// What a future that is made of others (gather, shield) has beside its result: it lives until no
// handle is left and no child can complete any more.
//
// Invariant: watching_ is the number of watches that stand in a list, so child_done or child_lost
// will come for each of them.
class Follower : public ChildOwner {
 public:
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

 protected:
  explicit Follower(FutureBase& outer) noexcept : outer_(outer) { show_awaiters(outer.waiters()); }
  ~Follower() = default;

  void start(ChildWatch& watch) {
    watch.start();
    ++watching_;
  }
  void stop(ChildWatch& watch) noexcept {
    watch.stop();
    --watching_;
  }
  // For dispose(): false while children may still complete. References to pending ones become
  // weak, so that a child nobody else holds takes us along.
  bool may_die(ChildWatch* watches, std::size_t count) noexcept;

  virtual void settle(ChildWatch& watch) = 0;  // a child is done

  FutureBase& outer_;

 private:
  void child_done(ChildWatch& watch) final;
  void child_lost(ChildWatch& watch) noexcept final;

  std::size_t watching_ = 0;
  bool loosened_ = false;
};

// What a child failed with, CancelledError included; null where it has a result. The failure
// counts as retrieved.
std::exception_ptr take_failure(FutureBase& child);

// Throws ValueError where the future belongs to another loop than `scheduler`.
[[noreturn]] void throw_other_loop(const FutureBase& future);
inline void check_same_loop(const FutureBase& future, const Scheduler* scheduler) {
  if (future.scheduler() != scheduler && future.scheduler() != nullptr) throw_other_loop(future);
}

// The result of a child that has one: moved out where nobody else can ask for it.
template <class State>
NoVoid<typename State::value_type> take_child_value(State& state) {
  if constexpr (std::is_void_v<typename State::value_type>)
    return Unit{};
  else
    return state.take_value(state.references() == 1);
}

template <class State>
Outcome<typename State::value_type> take_child_outcome(State& state) {
  if (std::exception_ptr error = take_failure(state))
    return Outcome<typename State::value_type>(std::move(error));
  return Outcome<typename State::value_type>(std::in_place, take_child_value(state));
}

// ---- what stands for an awaitable: a future or a task for itself, a new task for anything else

template <class A>
struct ChildOf {
  using Handle = Task<await_result_t<A>>;
};
template <class T>
struct ChildOf<Task<T>> {
  using Handle = Task<T>;
};
template <class T>
struct ChildOf<Future<T>> {
  using Handle = Future<T>;
};
template <class A>
using child_handle_t = typename ChildOf<std::remove_cvref_t<A>>::Handle;
template <class A>
using child_state_t = typename child_handle_t<A>::State;

// An lvalue that is neither future nor task must be copyable: it is awaited as a copy.
template <class A>
concept Child =
    Awaitable<std::remove_cvref_t<A>&&> && std::constructible_from<std::remove_cvref_t<A>, A>;

template <Child A>
child_handle_t<A> child_handle(A&& awaitable) {
  using Bare = std::remove_cvref_t<A>;
  if constexpr (std::is_same_v<child_handle_t<A>, Bare>)
    return std::forward<A>(awaitable);
  else if constexpr (std::is_same_v<A, Bare>)
    return create_task(std::forward<A>(awaitable));
  else
    return create_task(Bare(awaitable));
}

template <class T>
FutureBase& base_of(const Future<T>& future) noexcept {
  return *future.state();
}
inline FutureBase& base_of(const AnyTask& task) { return task.base(); }

}  // namespace asyncio::detail
