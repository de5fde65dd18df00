// tasks.hpp: Task<T>, create_task, current_task, all_tasks.
// Source: docs.python.org/3/library/asyncio-task.html. How a task runs, is woken and cancelled is
// in tasks.cpp; the templates here only move the value.
#pragma once
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "asyncio/core/futures.hpp"

namespace asyncio {

struct StackFrame {
  std::string function;
  std::source_location where;  // the await it stands at
};

struct TaskOptions {
  std::string name = {};                // default: "Task-N", N counts in the process
  std::optional<Context> context = {};  // default: a copy of the current one
  bool eager_start = false;             // run to the first suspension inside create_task
};

namespace detail {

// The numbers of tasks that have no name count in the process. A thread takes some in advance: a
// locked addition for each task would cost 4 ns.
struct TaskNumbers {
  std::uint32_t next = 0;
  std::uint32_t end = 0;
};
extern constinit thread_local TaskNumbers tls_task_numbers
    __attribute__((tls_model("initial-exec")));
void take_task_numbers() noexcept;
inline std::uint32_t next_task_number() noexcept {
  if (tls_task_numbers.next == tls_task_numbers.end) [[unlikely]]
    take_task_numbers();
  return tls_task_numbers.next++;
}

// Life of a task:
//
//   queued --run()--> running --suspend_on()--> waiting --wake()--> queued
//     |                  |                         |
//     | cancel before    | leave_task()            | cancel(): the waiter ends its wait,
//     | the first step   v                         | or the request is kept (kMustCancel)
//     +-------------> done (finish()) <------------+   until the next resumption
class TaskBase : public FutureBase, public TaskLink {
 public:
  static void* operator new(std::size_t size) {
    return FramePool::allocate(size, FramePool::Lists::tasks);
  }
  static void operator delete(void* block, std::size_t size) noexcept {
    FramePool::release(block, size, FramePool::Lists::tasks);
  }
  bool cancel(const std::string& message) override;
  int cancelling() const noexcept { return static_cast<int>(cancel_requests_); }
  int uncancel() noexcept;

  std::string get_name() const;
  void set_name(std::string name);
  std::vector<StackFrame> get_stack() const;
  std::optional<StackFrame> get_coro() const;
  std::string repr() const override;
  bool is_task() const noexcept override { return true; }
  ContextSlot& context_slot();  // to be written to; throws std::bad_alloc
  const ContextSlot& context() const noexcept;

  // ---- for awaiters
  // The running task waits on `waiter`; its next resumption is at `promise`.
  void suspend_on(CoroPromiseBase& promise, Node& waiter) noexcept {
    leaf_ = &promise;
    waiter_ = &waiter;
  }
  // The running task goes to the end of the ready queue.
  void yield(CoroPromiseBase& promise) noexcept {
    leaf_ = &promise;
    scheduler_->push_ready(*this);
  }
  // The wait is over.
  void wake() noexcept {
    if (!Node::is_linked()) scheduler_->push_ready(*this);
  }
  // The waiter ends its wait with CancelledError(message).
  void wake_cancelled(const std::string& message);
  // On resumption: throws CancelledError where one is due.
  void check_cancelled() {
    if ((task_flags_ & (kMustCancel | kCancelInFlight)) != 0) [[unlikely]]
      throw_cancelled();
  }
  bool cancel_is_due() const noexcept {
    return (task_flags_ & (kMustCancel | kCancelInFlight)) != 0;
  }
  // Inline: each function between a throw and its catch costs unwinding some 300 ns.
  [[noreturn, gnu::always_inline]] void throw_cancelled() { throw take_cancelled_error(); }
  // What throw_cancelled() throws; the request is dealt with.
  CancelledError take_cancelled_error() noexcept;
  // Takes back a cancellation that would be thrown now; the caller then throws something else.
  void forget_cancellation() noexcept { task_flags_ &= kKeepOnForget; }

  // Woken by what it waited for, but not running yet.
  bool is_woken() const noexcept { return waiter_ != nullptr && Node::is_linked(); }
  bool is_running() const noexcept { return scheduler_->current_task == this; }
  // In a ring of tasks that await each other, cancelling one comes back to it.
  bool passes_cancel_on() const noexcept { return (task_flags_ & kPassesCancelOn) != 0; }
  Node* waiter() const noexcept { return waiter_; }
  CoroPromiseBase* root() const noexcept { return root_; }

  void run() final;  // one step
  void body_left(CoroPromiseBase& root) noexcept {
    leaf_ = &root;
    task_flags_ |= kBodyDone;
  }
  // In debug mode: `error` leaves a coroutine of this running task. Keeps where it came from.
  void note_traceback(const std::exception_ptr& error) noexcept;
  // "Traceback (most recent call last):" and its lines; empty where none was kept.
  std::string traceback() const;
  // The very context, as Python has it: what is set in it, the task sees.
  Context get_context();
  // The loop goes away: destroys the frames; the task stays pending for ever.
  void abandon() noexcept;
  // Name and context; may throw, so before the task owns its frame. `options` may be null.
  void prepare(TaskOptions* options) {
    if (options != nullptr || may_have_context()) [[unlikely]]
      adopt(options);
    else
      number_ = next_task_number();
  }
  // From here on the loop holds a reference, too, until the task is done.
  void start(CoroPromiseBase& root, bool eager) {
    scheduler_->tasks.push_back(*this);
    root.set_task(*this);
    leaf_ = &root;
    root_ = &root;
    add_reference();
    if (eager && tls_scheduler == scheduler_) [[unlikely]]
      run_inside(scheduler_->current_task);
    else
      scheduler_->push_ready(*this);
  }

 protected:
  explicit TaskBase(Scheduler& scheduler) noexcept : FutureBase(&scheduler) {}
  [[gnu::always_inline]] ~TaskBase() override = default;  // in each state's, as FutureBase's
  // Moves the result out of the promise.
  virtual void take_value(CoroPromiseBase& root) = 0;
  // Frees what create_task(fn, args...) kept.
  virtual void drop_callable() noexcept {}
  void announce_callable() noexcept { task_flags_ |= kHasCallable; }
  const char* never_retrieved_sentence() const noexcept override;

 private:
  template <class>
  friend struct Shape;
  enum Flag : std::uint8_t {
    kStarted = 1,
    kMustCancel = 2,      // throw CancelledError at the next resumption
    kCancelInFlight = 4,  // the waiter was cancelled; the task is on its way to the throw
    kBodyDone = 8,
    kHasCallable = 16,     // drop_callable() has something to do
    kPassesCancelOn = 64,  // cancel() is under way: what is awaited is being cancelled
  };
  static constexpr std::uint8_t kKeepOnForget =
      static_cast<std::uint8_t>(~(kMustCancel | kCancelInFlight));

  // What few tasks have: a pointer instead of 48 bytes, and nothing to set up or destroy.
  struct Extras : Pooled {
    std::optional<std::string> name;  // none: "Task-" and number_
    std::optional<std::string> cancel_message;
    ContextSlot context;
    std::optional<Context> shared;  // the context, once somebody else has it, too
    std::exception_ptr traced;      // debug mode: the last exception, and where it came from
    std::vector<StackFrame> traceback;
  };
  struct DropExtras {  // not inline: hardly any task has some
    void operator()(Extras* extras) const noexcept;
  };

  Extras& extras();
  void adopt(TaskOptions* options);
  bool cancel_awaited(const std::string& message);
  void cancel_later(const std::string& message);
  void run_inside(TaskBase* outer);
  void step_inline(TaskBase* outer);
  void end_step();
  void finish();
  void finish_without_value(CoroPromiseBase& root);
  void finish_with_current_exception();
  void finish_badly(std::exception_ptr error, bool is_cancelled);
  void let_go() noexcept;
  void finish_unstarted();
  void deliver_kept_cancel();
  void destroy_root() noexcept;
  void store_cancel_message(const std::string& message);
  std::exception_ptr take_cancel_error();
  void destroy_frames() noexcept;
  void bad_await();

  CoroPromiseBase* root_ = nullptr;  // its body; null once that is destroyed
  Node* waiter_ = nullptr;           // what the task waits on, until its next step
  // Null: the usual name, nothing set in the context.
  std::unique_ptr<Extras, DropExtras> extras_;
  std::uint32_t number_ = 0;
  std::uint32_t cancel_requests_ = 0;
};

template <class T>
class TaskState : public TaskBase {
 public:
  using value_type = T;
  explicit TaskState(Scheduler& scheduler) : TaskBase(scheduler) {}

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

 protected:
  void take_value(CoroPromiseBase& root) override {
    if constexpr (!std::is_void_v<T>)
      slot_.emplace(std::move(static_cast<CoroPromise<T>&>(root).value()));
    else
      static_cast<void>(root);
  }

 private:
  [[no_unique_address]] ValueSlot<T> slot_;
};

// create_task(coroutine).
template <class T>
class CoroTaskState final : public TaskState<T> {
 public:
  using TaskState<T>::TaskState;

 protected:
  void dispose() noexcept override {  // here, in a final class: saves two virtual calls
    if (this->is_to_be_deleted()) delete this;
  }
};

// create_task(fn, args...): the callable and its arguments live as long as the body.
template <class T, class F, class... Args>
class CallableTaskState final : public TaskState<T> {
 public:
  template <class... A>
  CallableTaskState(Scheduler& scheduler, F&& function, A&&... args)
      : TaskState<T>(scheduler),
        callable_(std::in_place, std::move(function), std::forward<A>(args)...) {
    this->announce_callable();
  }
  ASYNCIO_CORO_WRAPPER auto call() { return call_with(std::index_sequence_for<Args...>{}); }

 protected:
  void drop_callable() noexcept override { callable_.reset(); }
  void dispose() noexcept override {
    if (this->is_to_be_deleted()) delete this;
  }

 private:
  template <std::size_t... Index>
  ASYNCIO_CORO_WRAPPER auto call_with(std::index_sequence<Index...>) {
    auto& function = std::get<0>(*callable_);
    if constexpr (std::is_invocable_v<F&, Args...>)
      return detail::call(function, std::move(std::get<Index + 1>(*callable_))...);
    else
      return detail::call(std::move(function), std::move(std::get<Index + 1>(*callable_))...);
  }

  std::optional<std::tuple<F, Args...>> callable_;
};

void print_stack_of(const TaskBase& task);

// ---- how a task waits for a future (futures.hpp)

inline void FutureWait::notify() noexcept { task_->wake(); }

inline void FutureWait::suspend(CoroPromiseBase& promise) {
  Scheduler& scheduler = *tls_scheduler;
  TaskBase& task = *scheduler.current_task;
  if (future_->scheduler() != &scheduler || future_ == &task) [[unlikely]]
    check_awaitable_by(task);
  task_ = &task;
  future_->add_waiter(*this);
  task.suspend_on(promise, *this);
}

inline bool FutureWait::has_result() noexcept {
  if (task_ != nullptr && task_->cancel_is_due()) [[unlikely]] {
    if (!future_->cancelled()) return false;
    task_->forget_cancellation();  // a future that was cancelled itself speaks with its own message
  }
  return future_->has_result();
}

}  // namespace detail

// What does not depend on a task's result; a shared handle.
class AnyTask {
 public:
  AnyTask() noexcept = default;
  explicit AnyTask(detail::StatePtr<detail::TaskBase> state) noexcept : base_(std::move(state)) {}

  std::string get_name() const { return base().get_name(); }
  void set_name(std::string name) const { base().set_name(std::move(name)); }
  bool done() const { return base().done(); }
  bool cancelled() const { return base().cancelled(); }
  // Asks the task to end: CancelledError is thrown at its await. False where it is done.
  bool cancel(std::string message = {}) const { return base().cancel(message); }
  // cancel() requests minus uncancel() calls; 0 where it only awaited something cancelled.
  int cancelling() const { return base().cancelling(); }
  int uncancel() const { return base().uncancel(); }
  // Null where there is a result. Throws CancelledError, or InvalidStateError while pending.
  std::exception_ptr exception() const { return base().exception(); }
  // Outermost first, as Python prints it; empty when done.
  std::vector<StackFrame> get_stack() const { return base().get_stack(); }
  // C++: of the body, the function and the await where it stands; nothing once it is done.
  std::optional<StackFrame> get_coro() const { return base().get_coro(); }
  void print_stack() const { detail::print_stack_of(base()); }
  Context get_context() const { return base().get_context(); }
  Loop& get_loop() const { return base().get_loop(); }
  std::string repr() const { return base_ ? base_->repr() : "<Task empty>"; }
  // False for a handle that was never given a task.
  explicit operator bool() const noexcept { return static_cast<bool>(base_); }

  friend bool operator==(const AnyTask& a, const AnyTask& b) noexcept {
    return a.base_.get() == b.base_.get();
  }
  detail::TaskBase& base() const {
    if (!base_) [[unlikely]]
      detail::throw_empty_handle("Task");
    return *base_;
  }

 protected:
  detail::StatePtr<detail::TaskBase> base_;
};

// A coroutine that runs on the loop by itself; a shared handle. Dropping it detaches: the loop
// keeps the task until it is done.
//
// Order:        the first step runs in the next pass, behind what is queued already.
// Cancellation: cancelling an awaiter of the task cancels the task; see shield().
// Threads:      its loop's thread only.
// Lifetime:     free; may be asked and dropped after its loop is closed.
template <class T = void>
class Task : public AnyTask {
 public:
  using State = detail::TaskState<T>;
  using value_type = T;

  Task() noexcept = default;  // empty: to be assigned
  explicit Task(detail::StatePtr<State> state) noexcept
      : AnyTask(detail::StatePtr<detail::TaskBase>(state.release())) {}

  // Throws the failure, CancelledError, or InvalidStateError("Result is not set.").
  Ref<T> result() const {
    base().throw_unless_result();
    return typed().value();
  }
  // Calls back(task) through the ready queue once it is done, now if it is.
  template <class F>
    requires std::invocable<F&, const Task&>
  CallbackToken add_done_callback(F back, CallbackOptions options = {}) const {
    return base().add_callback(new detail::TypedDoneCallback<Task, F>(std::move(back)), options);
  }
  bool remove_done_callback(CallbackToken token) const { return base().remove_callback(token); }

  detail::SharedAwaiter<State> operator co_await() const& {
    return detail::SharedAwaiter<State>(&typed());
  }
  detail::OwningAwaiter<State> operator co_await() && {
    static_cast<void>(base());
    return detail::OwningAwaiter<State>(
        detail::StatePtr<State>(static_cast<State*>(base_.release())));
  }
  detail::StatePtr<State> state() const { return detail::StatePtr<State>::share(&typed()); }

 private:
  State& typed() const { return static_cast<State&>(base()); }
};

namespace detail {

template <class T>
struct CoroResult;
template <class T>
struct CoroResult<Coro<T>> {
  using type = T;
};
template <class A>
inline constexpr bool is_coro = false;
template <class T>
inline constexpr bool is_coro<Coro<T>> = true;

// Awaits what is not a coroutine, so that a task can run it.
template <class A>
Coro<await_result_t<A>> await_in_coroutine(A awaitable) {
  co_return co_await std::move(awaitable);
}
template <class A>
ASYNCIO_CORO_WRAPPER decltype(auto) as_coroutine(A&& awaitable) {
  if constexpr (is_coro<A>)
    return std::move(awaitable);
  else
    return await_in_coroutine(A(std::forward<A>(awaitable)));
}

template <class T>
Task<T> spawn(Scheduler& scheduler, Coro<T>&& coroutine) {
  StatePtr<TaskState<T>> owner(new CoroTaskState<T>(scheduler));
  owner->prepare(nullptr);
  auto frame = std::move(coroutine).release();  // nothing throws from here on
  owner->start(frame.promise(), scheduler.eager_tasks);
  return Task<T>(std::move(owner));
}
template <class T>
Task<T> spawn(Scheduler& scheduler, Coro<T>&& coroutine, TaskOptions& options) {
  StatePtr<TaskState<T>> owner(new CoroTaskState<T>(scheduler));
  owner->prepare(&options);
  auto frame = std::move(coroutine).release();
  owner->start(frame.promise(), options.eager_start || scheduler.eager_tasks);
  return Task<T>(std::move(owner));
}

template <class F, class... Args>
auto spawn_call(Scheduler& scheduler, F function, Args... args) {
  using Returned = std::invoke_result_t<F, Args...>;
  using T = await_result_t<Returned>;
  using State = CallableTaskState<T, F, Args...>;
  auto* state = new State(scheduler, std::move(function), std::move(args)...);
  StatePtr<TaskState<T>> owner(state);
  state->prepare(nullptr);
  auto frame = as_coroutine(state->call()).release();
  state->start(frame.promise(), scheduler.eager_tasks);
  return Task<T>(std::move(owner));
}

}  // namespace detail

// Runs an awaitable as a task of the running loop; its first step comes in the next pass.
// Throws RuntimeError("no running event loop").
template <Awaitable A>
  requires(!std::is_lvalue_reference_v<A>)
Task<await_result_t<A>> create_task(A&& awaitable) {
  return detail::spawn(detail::current_scheduler(),
                       detail::as_coroutine(std::forward<A>(awaitable)));
}
template <Awaitable A>
  requires(!std::is_lvalue_reference_v<A>)
Task<await_result_t<A>> create_task(A&& awaitable, TaskOptions options) {
  return detail::spawn(detail::current_scheduler(),
                       detail::as_coroutine(std::forward<A>(awaitable)), options);
}
// Moves the callable and copies the arguments into the task, so that nothing they hold can
// dangle while the body runs; std::ref() passes a reference.
template <class F, class... Args>
  requires(std::invocable<F, Args...> && !Awaitable<F>)
Task<await_result_t<std::invoke_result_t<F, Args...>>> create_task(F function, Args... args) {
  return detail::spawn_call(detail::current_scheduler(), std::move(function), std::move(args)...);
}

// The task whose step is running; nullopt in a plain callback.
// Throws RuntimeError("no running event loop").
std::optional<AnyTask> current_task();
std::optional<AnyTask> current_task(const Loop& loop);
// All tasks of the running loop that are not done, in creation order.
std::vector<AnyTask> all_tasks();
std::vector<AnyTask> all_tasks(const Loop& loop);

// A future or task unchanged; anything else as a task.
template <class T>
Future<T> ensure_future(Future<T> future) {
  return future;
}
template <class T>
Task<T> ensure_future(Task<T> task) {
  return task;
}
template <class T>
Task<T> ensure_future(Coro<T> coroutine) {
  return create_task(std::move(coroutine));
}

}  // namespace asyncio
