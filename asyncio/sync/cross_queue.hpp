// cross_queue.hpp: CrossQueue, a queue between loops and threads.
// Within one loop, Queue (queues.hpp) is many times cheaper. C++: Python has no such class.
#pragma once
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "asyncio/sync/queues.hpp"
#include "asyncio/sync/threads.hpp"

namespace asyncio {
namespace detail {

// Somebody who waits for an item or for room: a task in some loop, or a blocked thread.
class CrossWaiter {
 public:
  CrossWaiter() = default;
  CrossWaiter(const CrossWaiter&) = delete;
  CrossWaiter& operator=(const CrossWaiter&) = delete;
  virtual ~CrossWaiter() = default;
  // Any thread. False where it is gone, so that another must be woken.
  virtual bool wake() noexcept = 0;
};

// Who waits and who is woken; what does not depend on the type of the items.
class CrossQueueBase {
 public:
  CrossQueueBase(const CrossQueueBase&) = delete;
  CrossQueueBase& operator=(const CrossQueueBase&) = delete;

  std::size_t maxsize() const noexcept { return maxsize_; }  // 0: no limit
  std::size_t qsize() const noexcept;                        // at some moment
  bool empty() const noexcept { return qsize() == 0; }
  // From now on put() throws QueueShutDown, and get() does once it is empty.
  void shutdown();

 protected:
  enum class Side : bool { get, put };
  enum class Attempt { done, blocked, shut_down };

  explicit CrossQueueBase(std::size_t maxsize);
  ~CrossQueueBase();

  // Holds the mutex. After done(), wakes one waiter of the other side as it leaves.
  class Access {
   public:
    Access(CrossQueueBase& queue, Side side);
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;
    ~Access();
    Attempt check() const noexcept;
    void done() noexcept;

   private:
    CrossQueueBase& queue_;
    Side side_;
    bool done_ = false;
  };

  // Returns once it is worth another attempt: the task suspends, or the thread blocks. Throws
  // CancelledError, and TimeoutError for a thread.
  Coro<> wait_in_loop(Side side);
  void wait_in_thread(Side side, std::optional<TimePoint> deadline);
  [[noreturn]] static void throw_shut_down() { throw QueueShutDown(); }

 private:
  struct Lines;  // mutex and waiters
  class Place;
  class TaskWaiter;
  class ThreadWaiter;

  bool enter(Side side, const std::shared_ptr<CrossWaiter>& waiter);
  void leave(Side side, const CrossWaiter* waiter) noexcept;
  bool is_blocked(Side side) const noexcept;
  void wake_next(Side side) noexcept;

  const std::size_t maxsize_;
  std::size_t size_ = 0;  // all under the mutex
  bool shutdown_ = false;
  std::unique_ptr<Lines> lines_;
};

}  // namespace detail

// A line of items between any loops and threads.
//
// Order:        first in, first out; waiters are woken first come, first served, and whoever
//               comes at the right moment may be faster.
// Cancellation: nothing is lost: an item leaves when its getter runs.
// Threads:      any: put() and get() in a loop, the other forms everywhere.
// Lifetime:     outlives its waiters.
template <class T>
class CrossQueue : public detail::CrossQueueBase {
 public:
  using value_type = T;

  explicit CrossQueue(std::size_t maxsize = 0) : CrossQueueBase(maxsize) {}

  // co_await: waits while it is full. Throws QueueShutDown.
  Coro<> put(T item) {
    for (;;) {
      const Attempt attempt = attempt_put(item);
      if (attempt == Attempt::done) co_return;
      if (attempt == Attempt::shut_down) throw_shut_down();
      co_await wait_in_loop(Side::put);
    }
  }
  // co_await: waits while it is empty. Throws QueueShutDown.
  Coro<T> get() {
    for (;;) {
      std::optional<T> item;
      const Attempt attempt = attempt_get(item);
      if (attempt == Attempt::done) co_return std::move(*item);
      if (attempt == Attempt::shut_down) throw_shut_down();
      co_await wait_in_loop(Side::get);
    }
  }
  // Throws QueueFull or QueueShutDown.
  void put_nowait(T item) {
    const Attempt attempt = attempt_put(item);
    if (attempt == Attempt::shut_down) throw_shut_down();
    if (attempt == Attempt::blocked) throw QueueFull();
  }
  // Throws QueueEmpty or QueueShutDown.
  T get_nowait() {
    std::optional<T> item;
    const Attempt attempt = attempt_get(item);
    if (attempt == Attempt::shut_down) throw_shut_down();
    if (attempt == Attempt::blocked) throw QueueEmpty();
    return std::move(*item);
  }
  // Value forms. `item` is moved from only where true is returned.
  bool try_put(T& item) { return attempt_put(item) == Attempt::done; }
  bool try_put(T&& item) { return try_put(item); }
  std::optional<T> try_get() {
    std::optional<T> item;
    attempt_get(item);
    return item;
  }
  // Block the thread; not for coroutines. Throw QueueShutDown, and TimeoutError.
  void put_blocking(T item, std::optional<Duration> timeout = {}) {
    const std::optional<TimePoint> deadline = deadline_of(timeout);
    for (;;) {
      const Attempt attempt = attempt_put(item);
      if (attempt == Attempt::done) return;
      if (attempt == Attempt::shut_down) throw_shut_down();
      wait_in_thread(Side::put, deadline);
    }
  }
  T get_blocking(std::optional<Duration> timeout = {}) {
    const std::optional<TimePoint> deadline = deadline_of(timeout);
    for (;;) {
      std::optional<T> item;
      const Attempt attempt = attempt_get(item);
      if (attempt == Attempt::done) return std::move(*item);
      if (attempt == Attempt::shut_down) throw_shut_down();
      wait_in_thread(Side::get, deadline);
    }
  }

 private:
  static std::optional<TimePoint> deadline_of(std::optional<Duration> timeout) {
    if (!timeout) return std::nullopt;
    return TimePoint(Clock::now()) + *timeout;
  }
  Attempt attempt_put(T& item) {
    Access access(*this, Side::put);
    const Attempt attempt = access.check();
    if (attempt == Attempt::done) {
      items_.push_back(std::move(item));
      access.done();
    }
    return attempt;
  }
  Attempt attempt_get(std::optional<T>& item) {
    Access access(*this, Side::get);
    const Attempt attempt = access.check();
    if (attempt == Attempt::done) {
      item.emplace(items_.pop_front());
      access.done();
    }
    return attempt;
  }

  detail::Ring<T> items_;  // under the mutex
};

}  // namespace asyncio
