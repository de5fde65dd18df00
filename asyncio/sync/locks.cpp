#include "asyncio/sync/locks.hpp"

#include <algorithm>
#include <cstdio>

namespace asyncio {
namespace {

// As Python prints it: "<asyncio.locks.Lock object at 0x7f0c [unlocked, waiters:1]>".
std::string describe_lock(const char* name, const void* address, std::string state,
                          std::size_t waiters) {
  char place[2 + 2 * sizeof(void*) + 1];
  std::snprintf(place, sizeof(place), "%p", address);
  if (waiters > 0) state += ", waiters:" + std::to_string(waiters);
  return std::string("<asyncio.locks.") + name + " object at " + place + " [" + state + "]>";
}

// The first wait in `queue`, and one that is `free` but has used up its budget: it is woken
// already. By itself, so that the usual case need not save registers for it (14 instructions less).
[[gnu::noinline, gnu::cold]] void suspend_carefully(detail::WaitQueue& queue, bool free,
                                                    const char* owner, detail::WaitNode& node,
                                                    detail::CoroPromiseBase& promise) {
  queue.bind(detail::current_scheduler(), owner);
  if (free)
    node.suspend_woken(queue, promise);
  else
    node.suspend(queue, promise);
}

inline void suspend_in(detail::WaitQueue& queue, bool free, const char* owner,
                       detail::WaitNode& node, detail::CoroPromiseBase& promise) {
  if (free || !queue.is_bound_to(detail::current_scheduler())) [[unlikely]]
    return suspend_carefully(queue, free, owner, node, promise);
  node.suspend(queue, promise);
}

}  // namespace

// ---- Lock

void Lock::begin_wait(detail::WaitNode& node, detail::CoroPromiseBase& promise) {
  const bool free = !locked_ && !waiters_.has_live();
  suspend_in(waiters_, free, "<asyncio.locks.Lock object>", node, promise);
}

bool Lock::end_wait(detail::WaitNode& node) {
  if (node.resume()) [[unlikely]] {
    if (!locked_) waiters_.wake_front();
    return false;
  }
  locked_ = true;
  waiters_.note_holder(node.task());
  return true;
}

void Lock::give_back(void* lock) noexcept {
  auto* self = static_cast<Lock*>(lock);
  // Unlocked: a frame destroyed inside Condition::wait(), which had given the lock back.
  if (!self->locked_) return;
  self->locked_ = false;
  self->waiters_.wake_front();
}

void Lock::throw_not_acquired() { throw RuntimeError("Lock is not acquired."); }

std::string Lock::repr() const {
  return describe_lock("Lock", this, locked_ ? "locked" : "unlocked", waiters_.live_count());
}

// ---- Event

void Event::begin_wait(detail::WaitNode& node, detail::CoroPromiseBase& promise) {
  suspend_in(waiters_, set_,
             is_join_ ? "<asyncio.queues.Queue.join>" : "<asyncio.locks.Event object>", node,
             promise);
}

bool Event::end_wait(detail::WaitNode& node) { return !node.resume(); }

std::string Event::repr() const {
  return describe_lock("Event", this, set_ ? "set" : "unset", waiters_.live_count());
}

// ---- Semaphore

Semaphore::Semaphore(std::ptrdiff_t value, std::ptrdiff_t bound) : value_(value), bound_(bound) {
  if (value < 0) throw ValueError("Semaphore initial value must be >= 0");
}

void Semaphore::begin_wait(detail::WaitNode& node, detail::CoroPromiseBase& promise) {
  const bool free = !locked();
  suspend_in(waiters_, free, "<asyncio.locks.Semaphore object>", node, promise);
  if (free) --value_;
}

bool Semaphore::end_wait(detail::WaitNode& node) {
  const bool is_cancelled = node.resume();
  if (is_cancelled && node.was_woken()) ++value_;  // its permit: the next one gets it
  while (value_ > 0 && wake_next()) {}
  return !is_cancelled;
}

bool Semaphore::wake_next() noexcept {
  if (!waiters_.wake_one()) return false;
  --value_;
  return true;
}

void Semaphore::give_back(void* semaphore) noexcept {
  auto* self = static_cast<Semaphore*>(semaphore);
  if (self->value_ >= self->bound_) return;  // somebody released for us
  ++self->value_;
  self->wake_next();
}

void Semaphore::throw_over_released() {
  throw ValueError("BoundedSemaphore released too many times");
}

std::string Semaphore::repr() const {
  const bool bounded = bound_ != std::numeric_limits<std::ptrdiff_t>::max();
  return describe_lock(bounded ? "BoundedSemaphore" : "Semaphore", this,
                       locked() ? "locked" : "unlocked, value:" + std::to_string(value_),
                       waiters_.live_count());
}

// ---- Condition

void Condition::begin_wait(detail::WaitNode& node, detail::CoroPromiseBase& promise) {
  waiters_.bind(detail::current_scheduler(), "<asyncio.locks.Condition object>");
  lock_->release();
  node.suspend(waiters_, promise);
}

bool Condition::end_wait(detail::WaitNode& node) { return !node.resume(); }

Coro<> Condition::wait() {
  if (!locked()) throw RuntimeError("cannot wait on un-acquired lock");
  std::exception_ptr error;
  try {
    co_await detail::SyncWait<Condition>(*this);
  } catch (const CancelledError&) {
    error = std::current_exception();
  }
  for (bool held = false; !held;) {
    try {
      co_await lock_->acquire();
      held = true;
    } catch (const CancelledError&) {
      error = std::current_exception();  // the latest is the one that leaves
    }
  }
  if (error) {
    wake(1);  // the notification may have been ours
    std::rethrow_exception(error);
  }
}

void Condition::wake(std::size_t n) noexcept {
  while (n > 0 && waiters_.wake_one()) --n;
}

void Condition::notify(std::size_t n) {
  if (!locked()) throw RuntimeError("cannot notify on un-acquired lock");
  wake(n);
}

void Condition::notify_all() { notify(std::numeric_limits<std::size_t>::max()); }

std::string Condition::repr() const {
  return describe_lock("Condition", this, locked() ? "locked" : "unlocked", waiters_.live_count());
}

// ---- Barrier
//
//   filling --the last arrives--> draining --the last leaves--> filling
//      | reset(), somebody waits                                   ^
//      +------------------------> resetting --the last leaves------+
//   any --abort()--> broken --reset()--> filling, or resetting while somebody is still leaving

// One task's place, until it leaves.
class Barrier::Place {
 public:
  explicit Place(Barrier& barrier) : barrier_(barrier) {
    while (barrier.taken_[barrier.first_free_]) ++barrier.first_free_;
    index_ = barrier.first_free_++;
    barrier.taken_[index_] = true;
    ++barrier.count_;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    barrier_.taken_[index_] = false;
    barrier_.first_free_ = std::min(barrier_.first_free_, index_);
    if (--barrier_.count_ > 0) return;
    if (barrier_.state_ == State::resetting || barrier_.state_ == State::draining)
      barrier_.state_ = State::filling;
    barrier_.changed_.wake(std::numeric_limits<std::size_t>::max());
  }
  int index() const noexcept { return static_cast<int>(index_); }

 private:
  Barrier& barrier_;
  std::size_t index_;
};

namespace {

std::size_t checked_parties(int parties) {
  if (parties < 1) throw ValueError("parties must be > 0");
  return static_cast<std::size_t>(parties);
}

}  // namespace

Barrier::Barrier(int parties) : taken_(checked_parties(parties), false) {}

Coro<int> Barrier::wait() {
  auto held = co_await changed_.scoped();
  co_await changed_.wait_for(
      [this] { return state_ != State::draining && state_ != State::resetting; });
  if (state_ == State::broken) throw BrokenBarrierError("Barrier aborted");
  const Place place(*this);
  if (count_ == parties()) {
    state_ = State::draining;
    changed_.notify_all();
  } else {
    co_await changed_.wait_for([this] { return state_ != State::filling; });
    if (state_ == State::broken || state_ == State::resetting)
      throw BrokenBarrierError("Abort or reset of barrier");
  }
  co_return place.index();
}

Coro<> Barrier::reset() {
  auto held = co_await changed_.scoped();
  state_ = count_ > 0 ? State::resetting : State::filling;
  changed_.notify_all();
}

Coro<> Barrier::abort() {
  auto held = co_await changed_.scoped();
  state_ = State::broken;
  changed_.notify_all();
}

std::string Barrier::repr() const {
  constexpr const char* kNames[] = {"filling", "draining", "resetting", "broken"};
  std::string state = kNames[static_cast<std::size_t>(state_)];
  if (!broken())
    state += ", waiters:" + std::to_string(n_waiting()) + "/" + std::to_string(parties());
  return describe_lock("Barrier", this, std::move(state), 0);
}

}  // namespace asyncio
