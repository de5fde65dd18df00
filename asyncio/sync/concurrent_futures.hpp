// concurrent_futures.hpp: ConcurrentFuture, a result that threads can wait for, and
// ThreadPoolExecutor. Source: docs.python.org/3/library/concurrent.futures.html.
// Loops meet threads in threads.hpp. Blocking calls are for threads; in a coroutine, use
// wrap_future() or run_in_executor().
#pragma once
#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "asyncio/base/clock.hpp"
#include "asyncio/core/futures.hpp"

namespace asyncio {
namespace detail {

// State and waiters of a ConcurrentFuture; every member is for any thread.
//
//   pending --start()--> running --finish()--> finished
//      |                    a coroutine's goes from pending to finished
//      +----cancel()----> cancelled
class ConcurrentBase {
 public:
  enum class State : std::uint8_t { pending, running, cancelled, finished };

  ConcurrentBase(const ConcurrentBase&) = delete;
  ConcurrentBase& operator=(const ConcurrentBase&) = delete;

  State state() const noexcept;
  bool done() const noexcept { return state() >= State::cancelled; }
  bool cancel();  // false where it runs or is finished
  bool start();   // false where it is cancelled
  // False where it is done; a value must be stored before.
  bool finish(std::exception_ptr error);
  // Blocks. Throws TimeoutError; CancelledError where it is cancelled.
  std::exception_ptr wait(std::optional<Duration> timeout);
  // For the only one who asks, once it is done: null where there is a value.
  std::exception_ptr take_exception() noexcept { return std::move(error_); }
  // Calls back() once it is done, in the thread that ends it; now where it is done.
  void add_callback(std::function<void()> back);
  virtual void execute() noexcept {}  // what a thread of an executor does with it

  void add_reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void drop_reference() noexcept {
    // acq_rel: the last owner sees what the others wrote.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 protected:
  ConcurrentBase();
  virtual ~ConcurrentBase();

 private:
  struct Sync;  // mutex, condition variable, callbacks
  bool end(State state, std::exception_ptr error);

  std::atomic<std::uint32_t> references_{1};
  std::atomic<State> state_{State::pending};  // written under the mutex
  std::exception_ptr error_;
  std::unique_ptr<Sync> sync_;
};

template <class T>
class ConcurrentState : public ConcurrentBase {
 public:
  template <class... V>
  void set_value(V&&... value) {
    value_.emplace(std::forward<V>(value)...);
    finish(nullptr);
  }
  // A copy; moves what cannot be copied.
  T value() {
    if constexpr (std::is_void_v<T>)
      return;
    else if constexpr (kCopyable<T>)
      return *value_;
    else
      return std::move(*value_);
  }
  T take_value() {
    if constexpr (!std::is_void_v<T>) return std::move(*value_);
  }

 protected:
  std::optional<NoVoid<T>> value_;
};

// What an executor runs.
template <class T, class F>
class ConcurrentJob final : public ConcurrentState<T> {
 public:
  explicit ConcurrentJob(F function) : function_(std::move(function)) {}

  void execute() noexcept override {
    if (!this->start()) {
      function_.reset();
      return;
    }
    std::exception_ptr error;
    try {
      if constexpr (std::is_void_v<T>)
        (*function_)();
      else
        this->value_.emplace((*function_)());
    } catch (...) {
      error = std::current_exception();
    }
    function_.reset();  // what it holds dies before anybody hears of the result
    this->finish(std::move(error));
  }

 private:
  std::optional<F> function_;
};

}  // namespace detail

// The result of work elsewhere, for threads that may block; a shared handle.
//
// Order:        callbacks run in the order of registration, in the thread that ends the work.
// Cancellation: cancel() succeeds until the work runs; that of a coroutine is cancelled in its
//               loop also later.
// Threads:      any.
// Lifetime:     free.
template <class T = void>
class ConcurrentFuture {
 public:
  using State = detail::ConcurrentState<T>;

  ConcurrentFuture() : state_(new State) {}
  explicit ConcurrentFuture(detail::StatePtr<State> state) noexcept : state_(std::move(state)) {}

  // Blocks until it is done. Throws what the work threw, CancelledError, or TimeoutError, which
  // leaves the work running. What cannot be copied is moved out: ask once.
  T result(std::optional<Duration> timeout = {}) const {
    if (std::exception_ptr error = state_->wait(timeout)) std::rethrow_exception(error);
    return state_->value();
  }
  // Null where there is a result; blocks and throws as result() does.
  std::exception_ptr exception(std::optional<Duration> timeout = {}) const {
    return state_->wait(timeout);
  }
  bool done() const noexcept { return state_->done(); }
  bool running() const noexcept {
    return state_->state() == detail::ConcurrentBase::State::running;
  }
  bool cancelled() const noexcept {
    return state_->state() == detail::ConcurrentBase::State::cancelled;
  }
  // False where it is too late.
  bool cancel() const { return state_->cancel(); }
  // Calls back(future) once it is done, now if it is.
  template <class F>
    requires std::invocable<F&, const ConcurrentFuture&>
  void add_done_callback(F back) const {
    // By address: a counted handle inside its own callback would keep itself alive.
    state_->add_callback([state = state_.get(), back = std::move(back)]() mutable {
      back(ConcurrentFuture(detail::StatePtr<State>::share(state)));
    });
  }
  const detail::StatePtr<State>& state() const noexcept { return state_; }

 private:
  detail::StatePtr<State> state_;
};

// Threads that run jobs in the order of submission. They are started as needed and reused.
//
// Order:        first come, first served.
// Cancellation: a job that does not run yet can be cancelled; one that runs goes on.
// Threads:      any.
// Lifetime:     the destructor runs what is queued and joins the threads.
class ThreadPoolExecutor {
 public:
  // At most this many threads; 0: 4 more than there are processors, at most 32, as in Python.
  explicit ThreadPoolExecutor(unsigned threads = 0);
  ThreadPoolExecutor(const ThreadPoolExecutor&) = delete;
  ThreadPoolExecutor& operator=(const ThreadPoolExecutor&) = delete;
  ~ThreadPoolExecutor();

  // Throws RuntimeError("cannot schedule new futures after shutdown").
  template <std::invocable F>
  ConcurrentFuture<std::invoke_result_t<F&>> submit(F function) {
    using T = std::invoke_result_t<F&>;
    detail::StatePtr<detail::ConcurrentState<T>> job(
        new detail::ConcurrentJob<T, F>(std::move(function)));
    enqueue(*job);
    return ConcurrentFuture<T>(std::move(job));
  }
  // No more jobs. `wait` blocks until the queued ones have run, `cancel_futures` cancels them
  // instead. Without `wait` the threads end by themselves.
  void shutdown(bool wait = true, bool cancel_futures = false);
  unsigned max_threads() const noexcept;
  unsigned threads() const noexcept;  // started so far
  bool is_idle() const noexcept;      // no job is queued or running

 private:
  struct State;
  void enqueue(detail::ConcurrentBase& job);

  std::shared_ptr<State> state_;  // shared with the threads
};

}  // namespace asyncio
