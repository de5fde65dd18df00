// futures.hpp: Future<T>, a result that arrives later, and the shared state under it.
// Source: docs.python.org/3/library/asyncio-future.html. Completing a future never resumes
// anybody inline: it queues the wake-ups, in the order of registration.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "asyncio/base/copyable.hpp"
#include "asyncio/core/coroutines.hpp"
#include "asyncio/core/scheduler.hpp"

namespace asyncio {

template <class T>
using Ref = std::conditional_t<std::is_void_v<T>, void, std::add_lvalue_reference_t<const T>>;

// Names one registration of add_done_callback.
class CallbackToken {
 public:
  CallbackToken() = default;
  explicit CallbackToken(std::uint64_t id) noexcept : id_(id) {}
  std::uint64_t id() const noexcept { return id_; }

 private:
  std::uint64_t id_ = 0;
};

struct CallbackOptions {
  std::optional<Context> context = {};  // default: a copy of the current one
};

namespace detail {

class FutureBase;

// What will complete a future, for who looks at those that wait for it; core/instrument.cpp has the
// words.
enum class FuturePurpose : std::uint8_t {
  none,
  executor,
  file,
  look_up,
  connect,
  socket,
  handshake,
  serve,
  server_close,
  process
};
inline constexpr std::size_t kFuturePurposes = 10;

// One add_done_callback: waits in the future's list, then in the ready queue.
class DoneCallback : public Node, public Pooled {
 public:
  void notify() noexcept final;
  void run() final;
  bool cancel_wait(const std::string&) final { return false; }
  std::uint64_t id = 0;
  FutureBase* future = nullptr;  // holds a reference once notified
  CallbackContext context;

  virtual ~DoneCallback() = default;

 protected:
  virtual void call() = 0;
};

// Result slot, state and waiters; reference counted, used on the loop's thread only.
class FutureBase : public Node, public Pooled {
 public:
  enum class State : std::uint8_t { pending, cancelled, finished };

  bool done() const noexcept { return state_ != State::pending; }
  bool cancelled() const noexcept { return state_ == State::cancelled; }
  // False where it is done already.
  virtual bool cancel(const std::string& message);

  // Null where it has a result. Throws CancelledError, or InvalidStateError while pending.
  std::exception_ptr exception();
  void set_exception(std::exception_ptr error);
  void throw_unless_result();  // what result() does before it returns
  // Ends a cancelled or failed await by throwing; marks the failure as retrieved.
  [[noreturn]] void rethrow();
  std::exception_ptr failure();  // what rethrow() throws
  bool has_result() const noexcept { return state_ == State::finished && !exception_; }
  void mark_retrieved() noexcept { log_failure_ = false; }
  const std::exception_ptr& stored_exception() const noexcept { return exception_; }  // once done

  CallbackToken add_callback(DoneCallback* callback, const CallbackOptions& options);
  bool remove_callback(CallbackToken token) noexcept;
  void add_waiter(Node& node) noexcept { waiters_.push_back(node); }
  NodeList& waiters() noexcept { return waiters_; }

  Loop& get_loop() const;
  Scheduler* scheduler() const noexcept { return scheduler_; }
  // Binds a future that was made outside a loop to the running one.
  Scheduler& bind();
  virtual std::string repr() const;
  virtual bool is_task() const noexcept { return false; }
  // Not for tasks, whose flags stand in its place.
  void set_purpose(FuturePurpose purpose) noexcept {
    task_flags_ = static_cast<std::uint8_t>(kPurposeFlag | static_cast<unsigned>(purpose));
  }
  FuturePurpose purpose() const noexcept {
    return (task_flags_ & kPurposeFlag) == 0
               ? FuturePurpose::none
               : static_cast<FuturePurpose>(task_flags_ & ~kPurposeFlag);
  }
  static constexpr unsigned kPurposeFlag = 0x80;

  void add_reference() noexcept { ++references_; }
  void drop_reference() noexcept {
    if (--references_ == 0) dispose();
  }
  std::uint32_t references() const noexcept { return references_; }

  void run() override {}
  void notify() noexcept override {}
  bool cancel_wait(const std::string&) override { return false; }

 protected:
  template <class>
  friend struct Shape;
  explicit FutureBase(Scheduler* scheduler) noexcept : scheduler_(scheduler), leaf_(nullptr) {
    if (scheduler_ != nullptr) scheduler_->add_reference();
  }
  FutureBase(const FutureBase&) = delete;
  FutureBase& operator=(const FutureBase&) = delete;
  [[gnu::always_inline]] virtual ~FutureBase() {  // in each state's: 12 instructions less
    if (!waiters_.empty()) [[unlikely]]
      orphan_waiters();
    if (scheduler_ != nullptr) scheduler_->drop_reference();
    if (leaf_ != nullptr) [[unlikely]]
      drop_exception();
  }

  void check_pending() const {
    if (scheduler_ != nullptr) scheduler_->check_thread();
    if (done()) [[unlikely]]
      throw_invalid_state();
  }
  void finish_with_value() noexcept {
    ::new (static_cast<void*>(&exception_)) std::exception_ptr();
    state_ = State::finished;
    wake_waiters();
  }
  void finish_with_exception(std::exception_ptr error) noexcept;
  void finish_cancelled(std::exception_ptr error) noexcept;
  virtual const char* never_retrieved_sentence() const noexcept;
  // The last reference is gone. Overridden by states that live on until their children are done.
  virtual void dispose() noexcept;
  // For dispose(): reports a failure that nobody has retrieved. False where the exception handler
  // has kept the task.
  bool is_to_be_deleted() noexcept { return !log_failure_ || report_failure(); }

  std::uint32_t references_ = 1;
  State state_ = State::pending;
  bool log_failure_ = false;     // an exception that nobody has retrieved yet
  std::uint8_t task_flags_ = 0;  // tasks.hpp
  // Of a cancelled task: the first who asks gets its very CancelledError, later ones a plain one.
  bool error_once_ = false;
  Scheduler* scheduler_;
  union {                           // one word for what is never there together
    CoroPromiseBase* leaf_;         // pending, of a task: where it resumes; stale while it runs
    std::exception_ptr exception_;  // done: its failure, or the CancelledError with a message
  };

 private:
  void wake_waiters() noexcept {
    while (!waiters_.empty()) waiters_.pop_front().notify();
  }
  void finish_with(State state, std::exception_ptr error) noexcept;
  void drop_exception() noexcept;
  bool report_failure() noexcept;
  void orphan_waiters() noexcept;
  [[noreturn]] static void throw_invalid_state();

  NodeList waiters_;
};

// A counted pointer to a future's or a task's state.
template <class State>
class StatePtr {
 public:
  StatePtr() noexcept = default;
  explicit StatePtr(State* adopted) noexcept : state_(adopted) {}
  StatePtr(const StatePtr& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->add_reference();
  }
  StatePtr(StatePtr&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  StatePtr& operator=(StatePtr other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~StatePtr() {
    if (state_ != nullptr) state_->drop_reference();
  }
  // Gives the reference away.
  State* release() noexcept { return std::exchange(state_, nullptr); }
  static StatePtr share(State* state) noexcept {
    if (state != nullptr) state->add_reference();
    return StatePtr(state);
  }
  State* get() const noexcept { return state_; }
  State* operator->() const noexcept { return state_; }
  State& operator*() const noexcept { return *state_; }
  explicit operator bool() const noexcept { return state_ != nullptr; }

 private:
  State* state_ = nullptr;
};

// Room for a T that may not be there yet.
template <class T>
class ValueSlot {
 public:
  ValueSlot() noexcept {}
  ValueSlot(const ValueSlot&) = delete;
  ValueSlot& operator=(const ValueSlot&) = delete;
  ~ValueSlot() {
    if (full_) value_.~T();
  }
  template <class... V>
  void emplace(V&&... value) {
    ::new (static_cast<void*>(std::addressof(value_))) T(std::forward<V>(value)...);
    full_ = true;
  }
  const T& get() const noexcept { return value_; }
  T& get() noexcept { return value_; }

 private:
  union {
    T value_;
  };
  bool full_ = false;
};
template <>
class ValueSlot<void> {
 public:
  void emplace() const noexcept {}
};

template <class T>
class FutureState : public FutureBase {
 public:
  using value_type = T;
  explicit FutureState(Scheduler* scheduler) noexcept : FutureBase(scheduler) {}

  template <class... V>
  void set_result(V&&... value) {
    check_pending();
    slot_.emplace(std::forward<V>(value)...);
    finish_with_value();
  }
  Ref<T> value() const noexcept {
    if constexpr (!std::is_void_v<T>) return slot_.get();
  }
  T take_value(bool alone) {
    if constexpr (!std::is_void_v<T>) {
      if constexpr (kCopyable<T>) {
        if (!alone) return slot_.get();
      }
      return std::move(slot_.get());
    }
  }

 private:
  [[no_unique_address]] ValueSlot<T> slot_;
};

// The wait of one task for one future. Stands in the awaiting frame.
class FutureWait : public Node {
 public:
  void run() final {}
  void notify() noexcept final;
  bool cancel_wait(const std::string& message) final;
  FutureBase* awaited() const noexcept { return future_; }

 protected:
  template <class>
  friend struct Shape;
  explicit FutureWait(FutureBase* future) noexcept : future_(future) {}
  FutureWait(const FutureWait&) noexcept = default;
  FutureWait& operator=(const FutureWait&) noexcept = default;
  ~FutureWait() = default;

  void suspend(CoroPromiseBase& promise);
  // Binds a future that is not bound yet. Throws RuntimeError where `task` may not await it.
  void check_awaitable_by(TaskBase& task);
  // On resumption. The throw stands in the awaiting frame itself: each function between a throw and
  // its catch costs unwinding some 300 ns.
  void throw_if_not_result() {
    if (!has_result()) [[unlikely]]
      std::rethrow_exception(error());
  }
  // False also where the task was cancelled by itself, and not through what it awaits.
  bool has_result() noexcept;
  std::exception_ptr error() noexcept;  // where it has no result; deals with the cancellation

  FutureBase* future_;
  TaskBase* task_ = nullptr;
};

template <class State>
class SharedAwaiter : public FutureWait {  // co_await of an lvalue: the result stays
 public:
  using T = typename State::value_type;
  explicit SharedAwaiter(State* state) noexcept : FutureWait(state) {}
  bool await_ready() const noexcept { return future_->done(); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    suspend(handle.promise());
  }
  Ref<T> await_resume() {
    throw_if_not_result();
    return static_cast<State*>(future_)->value();
  }
};

template <class State>
class OwningAwaiter : public FutureWait {  // co_await of an rvalue: the result moves out
 public:
  using T = typename State::value_type;
  explicit OwningAwaiter(StatePtr<State> state) noexcept : FutureWait(state.release()) {}
  OwningAwaiter(const OwningAwaiter& other) noexcept : FutureWait(other) {
    future_->add_reference();
  }
  OwningAwaiter& operator=(const OwningAwaiter&) = delete;
  ~OwningAwaiter() { future_->drop_reference(); }
  bool await_ready() const noexcept { return future_->done(); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    suspend(handle.promise());
  }
  T await_resume() {
    throw_if_not_result();
    return static_cast<State*>(future_)->take_value(future_->references() == 1);
  }
};

[[noreturn]] void throw_empty_handle(const char* what);

}  // namespace detail

// A result that arrives later; a shared handle.
//
// Order:        awaiters and callbacks are woken in the order they came, through the ready queue.
// Cancellation: cancelling a task that awaits it cancels it, for every awaiter; see shield().
// Threads:      its loop's thread only; from elsewhere, call_soon_threadsafe.
// Lifetime:     free: state lives as long as a handle does, also after the loop is closed.
template <class T = void>
class Future {
 public:
  using State = detail::FutureState<T>;
  using value_type = T;

  // Pending; bound to the running loop, or else to the loop that first awaits it.
  Future() : state_(new State(detail::tls_scheduler)) {}
  explicit Future(Loop& loop);
  explicit Future(detail::StatePtr<State> state) noexcept : state_(std::move(state)) {}

  bool done() const noexcept { return state_->done(); }
  bool cancelled() const noexcept { return state_->cancelled(); }
  // False where it is done already. The message travels with the CancelledError.
  bool cancel(std::string message = {}) const { return state_->cancel(message); }
  // Throws the failure, CancelledError, or InvalidStateError("Result is not set.").
  Ref<T> result() const {
    state_->throw_unless_result();
    return state_->value();
  }
  // Null where there is a result. Throws CancelledError, or
  // InvalidStateError("Exception is not set.").
  std::exception_ptr exception() const { return state_->exception(); }
  // Throws InvalidStateError where it is done already; so does set_exception.
  template <class... V>
  void set_result(V&&... value) const {
    state_->set_result(std::forward<V>(value)...);
  }
  void set_exception(std::exception_ptr error) const { state_->set_exception(std::move(error)); }
  template <class E>
    requires(!std::same_as<std::remove_cvref_t<E>, std::exception_ptr>)
  void set_exception(E&& error) const {
    state_->set_exception(std::make_exception_ptr(std::forward<E>(error)));
  }
  // Calls back(future) through the ready queue once it is done, now if it is.
  template <class F>
    requires std::invocable<F&, const Future&>
  CallbackToken add_done_callback(F back, CallbackOptions options = {}) const;
  // False where it ran, is queued to run, or was removed.
  bool remove_done_callback(CallbackToken token) const noexcept {
    return state_->remove_callback(token);
  }
  Loop& get_loop() const { return state_->get_loop(); }
  std::string repr() const { return state_->repr(); }

  detail::SharedAwaiter<State> operator co_await() const& noexcept {
    return detail::SharedAwaiter<State>(state_.get());
  }
  detail::OwningAwaiter<State> operator co_await() && noexcept {
    return detail::OwningAwaiter<State>(std::move(state_));
  }
  friend bool operator==(const Future& a, const Future& b) noexcept {
    return a.state_.get() == b.state_.get();
  }
  const detail::StatePtr<State>& state() const noexcept { return state_; }

 private:
  detail::StatePtr<State> state_;
};

namespace detail {

template <class Handle, class F>
class TypedDoneCallback final : public DoneCallback {
 public:
  explicit TypedDoneCallback(F back) : back_(std::move(back)) {}

 private:
  void call() override {
    using State = typename Handle::State;
    const Handle handle(StatePtr<State>::share(static_cast<State*>(future)));
    back_(handle);
  }
  F back_;
};

}  // namespace detail

template <class T>
template <class F>
  requires std::invocable<F&, const Future<T>&>
CallbackToken Future<T>::add_done_callback(F back, CallbackOptions options) const {
  return state_->add_callback(new detail::TypedDoneCallback<Future, F>(std::move(back)), options);
}

}  // namespace asyncio
