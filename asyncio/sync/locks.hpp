// locks.hpp: Lock, Event, Condition, Semaphore, BoundedSemaphore, Barrier.
// Source: docs.python.org/3/library/asyncio-sync.html. The rules are Python's; each difference is
// marked "C++:". Who waits, in which order, and what a cancelled waiter leaves behind is in
// core/wait_queue.hpp.
//
//   asyncio::Lock lock;
//   {
//     auto held = co_await lock.scoped();   // async with lock:
//     ...
//   }                                       // released here
#pragma once
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/core/wait_queue.hpp"

namespace asyncio {

// Holds a lock or a permit, and gives it back in its destructor. Empty once moved from.
class [[nodiscard]] Guard {
 public:
  using Release = void (*)(void* owner) noexcept;

  Guard(void* owner, Release give_back) noexcept : owner_(owner), give_back_(give_back) {}
  Guard(Guard&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)), give_back_(other.give_back_) {}
  Guard& operator=(Guard&& other) noexcept {
    if (this != &other) {
      release();
      owner_ = std::exchange(other.owner_, nullptr);
      give_back_ = other.give_back_;
    }
    return *this;
  }
  ~Guard() { release(); }

  // Gives it back now; the destructor then does nothing.
  void release() noexcept {
    if (owner_ != nullptr) give_back_(std::exchange(owner_, nullptr));
  }
  explicit operator bool() const noexcept { return owner_ != nullptr; }

 private:
  void* owner_;
  Release give_back_;
};

namespace detail {

class QueueBase;
struct SyncNode final : WaitNode {};

// The awaiter of acquire() and wait(). What is free is taken inline; only an await that suspends
// makes a WaitNode. A Primitive says how: take_free(), begin_wait(), and end_wait(), which is false
// where the task is cancelled instead.
template <class Primitive>
class [[nodiscard]] SyncWait {
 public:
  explicit SyncWait(Primitive& primitive) noexcept
      : word_(reinterpret_cast<std::uintptr_t>(&primitive)) {}
  SyncWait(const SyncWait& other) noexcept : SyncWait(other.primitive()) {}  // waits nowhere
  SyncWait& operator=(const SyncWait&) = delete;
  ~SyncWait() {
    if (has_node()) node_.~SyncNode();
  }

  bool await_ready() const { return primitive().take_free(); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    ::new (static_cast<void*>(&node_)) SyncNode;
    word_ |= kHasNode;
    primitive().begin_wait(node_, handle.promise());
  }
  void await_resume() { end(); }
  // await_resume() in two parts, for who need not throw: move_on_after(). True where the task's
  // cancellation, which stays due, has ended the wait; whom that concerns has been told.
  bool is_cancelled() { return has_node() && !primitive().end_wait(node_); }
  void take() const noexcept {}

 protected:
  void end() {
    if (is_cancelled()) [[unlikely]]
      node_.throw_cancelled();
  }
  Primitive& primitive() const noexcept { return *reinterpret_cast<Primitive*>(word_ & ~kHasNode); }

 private:
  static constexpr std::uintptr_t kHasNode = 1;
  bool has_node() const noexcept { return (word_ & kHasNode) != 0; }

  std::uintptr_t
      word_;  // the primitive, and whether node_ is there: a flag of its own takes 8 bytes
  union {
    SyncNode node_;
  };
};

// The awaiter of scoped().
template <class Primitive>
class [[nodiscard]] ScopedWait : public SyncWait<Primitive> {
 public:
  using SyncWait<Primitive>::SyncWait;
  Guard await_resume() {
    this->end();
    return take();
  }
  Guard take() const noexcept { return Guard(&this->primitive(), &Primitive::give_back); }
};

}  // namespace detail

// Mutual exclusion between tasks; not owned by a task, so any may release it.
//
// Order:        first come, first served; a newcomer never overtakes a waiter.
// Cancellation: a cancelled waiter leaves; one that was chosen already passes its turn on.
// Threads:      the loop's thread only.
// Lifetime:     outlives its waiters and guards.
class Lock {
 public:
  Lock() noexcept = default;

  // co_await: waits until it is free, then takes it. Costs no pass where it is free.
  detail::SyncWait<Lock> acquire() noexcept { return detail::SyncWait<Lock>(*this); }
  // co_await: the same, and gives a Guard.
  detail::ScopedWait<Lock> scoped() noexcept { return detail::ScopedWait<Lock>(*this); }
  // Takes it where that needs no waiting; false otherwise.
  bool try_acquire() noexcept {
    if (locked_ || waiters_.has_live()) return false;
    locked_ = true;
    waiters_.note_holder(detail::tls_scheduler != nullptr ? detail::tls_scheduler->current_task
                                                          : nullptr);
    return true;
  }
  // Throws RuntimeError("Lock is not acquired.").
  void release() {
    if (!locked_) [[unlikely]]
      throw_not_acquired();
    locked_ = false;
    if (!waiters_.empty()) waiters_.wake_front();
  }
  bool locked() const noexcept { return locked_; }
  std::string repr() const;

 private:
  friend class detail::SyncWait<Lock>;
  friend class detail::ScopedWait<Lock>;

  bool take_free() {
    if (locked_ || waiters_.has_live()) return false;
    detail::Scheduler& scheduler = detail::current_scheduler();
    if (!scheduler.take_budget()) return false;
    locked_ = true;
    waiters_.note_holder(scheduler.current_task);
    return true;
  }
  void begin_wait(detail::WaitNode& node, detail::CoroPromiseBase& promise);
  bool end_wait(detail::WaitNode& node);
  static void give_back(void* lock) noexcept;
  [[noreturn]] static void throw_not_acquired();

  bool locked_ = false;
  detail::WaitQueue waiters_;
};

// A flag that tasks can wait for. Starts lowered.
//
// Order:        waiters resume first come, first served.
// Cancellation: a cancelled waiter leaves; nobody else notices.
// Threads:      the loop's thread only; from elsewhere, call_soon_threadsafe.
// Lifetime:     outlives its waiters.
class Event {
 public:
  Event() noexcept = default;

  bool is_set() const noexcept { return set_; }
  // Raises the flag and wakes every waiter, also those that a clear() in this pass overtakes.
  void set() {
    if (set_) return;
    set_ = true;
    if (!waiters_.empty()) waiters_.wake_all();
  }
  void clear() noexcept { set_ = false; }
  // co_await: returns once the flag is up; at once where it is.
  detail::SyncWait<Event> wait() noexcept { return detail::SyncWait<Event>(*this); }
  std::string repr() const;

 private:
  friend class detail::SyncWait<Event>;
  friend class detail::QueueBase;

  bool take_free() const { return set_ && detail::current_scheduler().take_budget(); }
  void begin_wait(detail::WaitNode& node, detail::CoroPromiseBase& promise);
  bool end_wait(detail::WaitNode& node);

  bool set_ = false;
  bool is_join_ = false;  // a queue's: for who looks at those that wait
  detail::WaitQueue waiters_;
};

// A number of permits.
//
// Order:        first come, first served; release() assigns its permit to the first at once.
// Cancellation: a cancelled waiter leaves; one that had its permit already passes it on.
// Threads:      the loop's thread only.
// Lifetime:     outlives its waiters and guards.
class Semaphore {
 public:
  // Throws ValueError("Semaphore initial value must be >= 0").
  explicit Semaphore(std::ptrdiff_t value = 1)
      : Semaphore(value, std::numeric_limits<std::ptrdiff_t>::max()) {}

  // co_await: waits for a permit and takes it. Costs no pass where one is free.
  detail::SyncWait<Semaphore> acquire() noexcept { return detail::SyncWait<Semaphore>(*this); }
  // co_await: the same, and gives a Guard.
  detail::ScopedWait<Semaphore> scoped() noexcept { return detail::ScopedWait<Semaphore>(*this); }
  bool try_acquire() noexcept {
    if (locked()) return false;
    --value_;
    return true;
  }
  // True where acquire() would wait.
  bool locked() const noexcept { return value_ == 0 || waiters_.has_live(); }
  // A BoundedSemaphore throws ValueError("BoundedSemaphore released too many times").
  void release() {
    if (value_ >= bound_) [[unlikely]]
      throw_over_released();
    ++value_;
    if (!waiters_.empty()) wake_next();
  }
  std::string repr() const;

 protected:
  Semaphore(std::ptrdiff_t value, std::ptrdiff_t bound);

 private:
  friend class detail::SyncWait<Semaphore>;
  friend class detail::ScopedWait<Semaphore>;

  bool take_free() {
    if (locked() || !detail::current_scheduler().take_budget()) return false;
    --value_;
    return true;
  }
  void begin_wait(detail::WaitNode& node, detail::CoroPromiseBase& promise);
  bool end_wait(detail::WaitNode& node);
  bool wake_next() noexcept;
  static void give_back(void* semaphore) noexcept;
  [[noreturn]] static void throw_over_released();

  std::ptrdiff_t value_;  // free permits; those of woken waiters are taken off already
  std::ptrdiff_t bound_;  // what release() must not exceed
  detail::WaitQueue waiters_;
};

// A Semaphore that release() never raises above its initial value.
class BoundedSemaphore : public Semaphore {
 public:
  explicit BoundedSemaphore(std::ptrdiff_t value = 1) : Semaphore(value, value) {}
};

// Tasks wait, with a lock held, until another says that something has changed.
//
// Order:        notify() wakes first come, first served; those then queue for the lock.
// Cancellation: wait() takes the lock again before it throws, however often it is cancelled,
//               and throws the latest; if it was notified already, it notifies another.
// Threads:      the loop's thread only.
// Lifetime:     outlives its waiters; so does the lock it was given.
class Condition {
 public:
  Condition() noexcept : lock_(&own_lock_) {}
  explicit Condition(Lock& shared) noexcept : lock_(&shared) {}

  detail::SyncWait<Lock> acquire() noexcept { return lock_->acquire(); }
  detail::ScopedWait<Lock> scoped() noexcept { return lock_->scoped(); }
  void release() { lock_->release(); }
  bool locked() const noexcept { return lock_->locked(); }

  // Releases the lock, waits for a notification, and takes the lock again. May return without
  // one, so check again. Throws RuntimeError("cannot wait on un-acquired lock").
  Coro<> wait();
  // Waits until predicate() is true; it is called with the lock held.
  template <std::predicate P>
  Coro<> wait_for(P predicate) {
    while (!predicate()) co_await wait();
  }
  // Wakes up to n waiters. Throws RuntimeError("cannot notify on un-acquired lock").
  void notify(std::size_t n = 1);
  void notify_all();
  std::string repr() const;

 private:
  friend class Barrier;
  friend class detail::SyncWait<Condition>;

  bool take_free() const noexcept { return false; }
  void begin_wait(detail::WaitNode& node, detail::CoroPromiseBase& promise);
  bool end_wait(detail::WaitNode& node);
  void wake(std::size_t n) noexcept;

  Lock own_lock_;
  Lock* lock_;
  detail::WaitQueue waiters_;
};

// Holds tasks back until a number of them have arrived; may be used again.
//
// Order:        all go on together, in the order in which they came.
// Cancellation: a cancelled waiter leaves, and its place is free again.
// Threads:      the loop's thread only.
// Lifetime:     outlives its waiters.
class Barrier {
 public:
  // Throws ValueError("parties must be > 0").
  explicit Barrier(int parties);

  // The place among the parties, from 0. C++: unique also after a cancellation; the newcomer
  // takes the place that became free. Throws BrokenBarrierError after abort(), and to those
  // that wait when reset() comes.
  Coro<int> wait();
  Coro<> reset();
  Coro<> abort();
  int parties() const noexcept { return static_cast<int>(taken_.size()); }
  int n_waiting() const noexcept { return state_ == State::filling ? count_ : 0; }
  bool broken() const noexcept { return state_ == State::broken; }
  std::string repr() const;

 private:
  enum class State : std::uint8_t { filling, draining, resetting, broken };
  class Place;

  // Invariant: count_ is the number of true entries in taken_.
  std::vector<bool> taken_;     // places, by index
  std::size_t first_free_ = 0;  // no place before this one is free
  int count_ = 0;
  State state_ = State::filling;
  Condition changed_;
};

}  // namespace asyncio
