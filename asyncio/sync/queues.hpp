// queues.hpp: Queue, PriorityQueue, LifoQueue.
// Source: docs.python.org/3/library/asyncio-queue.html. The rules are Python's; each difference
// is marked "C++:". Who waits and who is woken is in queues.cpp; the templates move the items.
#pragma once
#include <coroutine>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "asyncio/sync/internal/ring.hpp"
#include "asyncio/sync/locks.hpp"

namespace asyncio {
namespace detail {

class QueueBase;

// One task's wait in put() or get(). Stands in the awaiting frame.
//
// Not a WaitNode: Python takes a woken getter out of the line, and its turn may find that another
// has taken the item. So the node itself is queued to run, looks, and only then runs its task.
//
//   idle --suspend()--> waiting --notify()--> woken --run(): task goes on (ran)
//                          ^                    |
//                          +---run(): overtaken-+    C++: in front, so it keeps its place
class QueueWait final : public Node {
 public:
  enum class Side : bool { get, put };

  QueueWait(QueueBase& queue, Side side) noexcept : queue_(&queue), side_(side) {}
  QueueWait(const QueueWait& other) noexcept  // a copy waits nowhere
      : Node(other), queue_(other.queue_), side_(other.side_) {}
  QueueWait& operator=(const QueueWait&) = delete;
  ~QueueWait() {
    if (state_ == State::woken) [[unlikely]]
      give_up();
  }

  void suspend(CoroPromiseBase& promise);
  // On resumption: throws where the task was cancelled, and passes its wake-up on; throws
  // RuntimeError where the queue is gone.
  void finish() {
    if (queue_ == nullptr || task_->cancel_is_due()) [[unlikely]]
      throw_instead();
  }

  void run() override;
  void notify() noexcept override;
  bool cancel_wait(const std::string& message) override;
  void orphan() noexcept override { queue_ = nullptr; }
  bool waits_for(const QueueBase& queue) const noexcept { return queue_ == &queue; }

 private:
  template <class>
  friend struct Shape;
  enum class State : unsigned char { idle, waiting, woken, ran, cancelled };

  [[gnu::noinline]] void suspend_in_unbound(CoroPromiseBase& promise);
  bool is_blocked() const noexcept;
  NodeList& line() const noexcept;
  [[noreturn]] void throw_instead();
  void give_up() noexcept;  // its frame is destroyed

  QueueBase* queue_;  // null: it was destroyed meanwhile
  TaskBase* task_ = nullptr;
  Side side_;
  State state_ = State::idle;  // linked in line() while waiting, in the ready queue while woken
};

// What does not depend on the type of the items.
class QueueBase {
 public:
  QueueBase(const QueueBase&) = delete;
  QueueBase& operator=(const QueueBase&) = delete;

  std::size_t qsize() const noexcept { return size_; }
  std::size_t maxsize() const noexcept { return maxsize_; }  // 0: no limit
  bool empty() const noexcept { return size_ == 0; }
  bool full() const noexcept { return maxsize_ != 0 && size_ >= maxsize_; }
  bool is_shutdown() const noexcept { return shutdown_; }

  // An item that was got is dealt with. Throws ValueError("task_done() called too many times").
  void task_done();
  // co_await: waits until task_done() was called for every item that was ever put.
  SyncWait<Event> join() noexcept { return finished_.wait(); }
  // From now on put() throws QueueShutDown, and get() does once the queue is empty; whoever waits
  // is woken. `immediate` also discards the items, as if task_done() was called for each.
  void shutdown(bool immediate = false);
  std::string repr() const;

 protected:
  explicit QueueBase(std::size_t maxsize) noexcept : maxsize_(maxsize) {
    finished_.set();
    finished_.is_join_ = true;
  }
  ~QueueBase();

  virtual void discard_item() = 0;
  virtual const char* type_name() const noexcept = 0;

  bool blocks(QueueWait::Side side) const noexcept {
    if (shutdown_) return false;
    return side == QueueWait::Side::get ? empty() : full();
  }
  bool is_free(QueueWait::Side side) const {
    return !blocks(side) && current_scheduler().take_budget();
  }
  void check_can_put() const {
    if (shutdown_ || full()) [[unlikely]]
      throw_cannot_put();
  }
  void check_can_get() const {
    if (empty()) [[unlikely]]
      throw_cannot_get();
  }
  void item_was_put() {
    ++size_;
    if (unfinished_++ == 0) finished_.clear();
    if (!getters_.empty()) getters_.front().notify();
  }
  void item_was_got() noexcept {
    --size_;
    if (!putters_.empty()) putters_.front().notify();
  }

 private:
  friend class QueueWait;

  static void wake_next(NodeList& line) noexcept;
  static void wake_all(NodeList& line) noexcept;
  static std::string count(const char* name, const NodeList& line);
  void bind(Scheduler& scheduler);
  void orphan_woken() noexcept;
  [[noreturn]] void throw_cannot_put() const;
  [[noreturn]] void throw_cannot_get() const;

  std::size_t maxsize_;
  std::size_t size_ = 0;
  NodeList getters_;  // of QueueWait
  NodeList putters_;
  // Put and not yet task_done(). Not beside size_: counted up together, in one piece, the two would
  // have to wait for what was written to one of them (4 ns an item).
  std::size_t unfinished_ = 0;
  std::size_t woken_ = 0;  // waits that left a line and have not run yet
  Event finished_;         // set while unfinished_ == 0
  Scheduler* bound_ = nullptr;
  bool shutdown_ = false;
};

}  // namespace detail

template <class T>
class Queue;

namespace detail {

// The awaiters of get() and put(). Only one that suspends makes a QueueWait.
template <class T>
class [[nodiscard]] QueueGet {
 public:
  explicit QueueGet(Queue<T>& queue) noexcept : queue_(&queue) {}

  bool await_ready() const { return queue_->is_free(QueueWait::Side::get); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    wait_.emplace(*queue_, QueueWait::Side::get).suspend(handle.promise());
  }
  T await_resume() {
    if (wait_) wait_->finish();
    return queue_->get_nowait();
  }

 private:
  Queue<T>* queue_;
  std::optional<QueueWait> wait_;
};

template <class T>
class [[nodiscard]] QueuePut {
 public:
  QueuePut(Queue<T>& queue, T&& item) noexcept(std::is_nothrow_move_constructible_v<T>)
      : queue_(&queue), item_(std::move(item)) {}

  bool await_ready() const { return queue_->is_free(QueueWait::Side::put); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    wait_.emplace(*queue_, QueueWait::Side::put).suspend(handle.promise());
  }
  void await_resume() {
    if (wait_) wait_->finish();
    queue_->put_nowait(std::move(item_));
  }

 private:
  Queue<T>* queue_;
  std::optional<QueueWait> wait_;
  T item_;
};

}  // namespace detail

// A line of items between tasks. T may be move-only.
//
// Order:        first in, first out; waiting tasks are woken first come, first served.
// Cancellation: nothing is lost: an item leaves when its getter runs, and comes in when its
//               putter runs; a cancelled one that was woken wakes the next.
// Threads:      the loop's thread only; between threads, CrossQueue.
// Lifetime:     outlives its waiters; one that was woken already throws RuntimeError where not.
template <class T>
class Queue : public detail::QueueBase {
 public:
  using value_type = T;

  // No limit where maxsize is 0.
  explicit Queue(std::size_t maxsize = 0) noexcept : QueueBase(maxsize) {}
  virtual ~Queue() = default;

  // co_await: waits while it is full. Throws QueueShutDown.
  detail::QueuePut<T> put(T item) { return detail::QueuePut<T>(*this, std::move(item)); }
  // co_await: waits while it is empty. Throws QueueShutDown.
  detail::QueueGet<T> get() noexcept { return detail::QueueGet<T>(*this); }
  // Throws QueueFull or QueueShutDown.
  void put_nowait(T item) {
    check_can_put();
    add(std::move(item));
    item_was_put();
  }
  // Throws QueueEmpty or QueueShutDown.
  T get_nowait() {
    check_can_get();
    T item = take();
    item_was_got();
    return item;
  }
  // Value forms: nothing is thrown. `item` is moved from only where true is returned.
  bool try_put(T& item) {
    if (is_shutdown() || full()) return false;
    add(std::move(item));
    item_was_put();
    return true;
  }
  bool try_put(T&& item) { return try_put(item); }
  std::optional<T> try_get() {
    if (empty()) return std::nullopt;
    std::optional<T> item(take());
    item_was_got();
    return item;
  }

 protected:
  friend class detail::QueueGet<T>;
  friend class detail::QueuePut<T>;
  // Which item leaves next: subclasses decide, as in Python (_put and _get).
  virtual void add(T&& item) { items_.push_back(std::move(item)); }
  virtual T take() { return items_.pop_front(); }
  const char* type_name() const noexcept override { return "Queue"; }

  detail::Ring<T> items_;

 private:
  void discard_item() final { static_cast<void>(take()); }
};

// A queue that gives the smallest item first, as `Compare` orders them.
//
// Order:        smallest first; equal ones in no promised order. A woken getter takes what is
//               smallest when it runs.
// Cancellation: as Queue.
// Threads:      the loop's thread only.
// Lifetime:     outlives its waiters.
template <class T, class Compare = std::less<T>>
class PriorityQueue : public Queue<T> {
 public:
  explicit PriorityQueue(std::size_t maxsize = 0, Compare compare = {})
      : Queue<T>(maxsize), compare_(std::move(compare)) {}

 protected:
  // A binary heap that moves items as Python's heapq does, so that equal ones leave as there.
  void add(T&& item) override {
    this->items_.push_back(std::move(item));
    rise(this->items_.size() - 1);
  }
  T take() override {
    detail::Ring<T>& heap = this->items_;
    T last = heap.pop_back();
    if (heap.empty()) return last;
    T smallest = std::move(heap[0]);
    // Down to a leaf along the smaller children; the last item then rises to where it belongs.
    std::size_t hole = 0;
    for (std::size_t child = 1; child < heap.size(); child = 2 * hole + 1) {
      if (child + 1 < heap.size() && !compare_(heap[child], heap[child + 1])) ++child;
      heap[hole] = std::move(heap[child]);
      hole = child;
    }
    heap[hole] = std::move(last);
    rise(hole);
    return smallest;
  }
  const char* type_name() const noexcept override { return "PriorityQueue"; }

 private:
  void rise(std::size_t hole) {
    detail::Ring<T>& heap = this->items_;
    T moving = std::move(heap[hole]);
    while (hole > 0) {
      const std::size_t parent = (hole - 1) / 2;
      if (!compare_(moving, heap[parent])) break;
      heap[hole] = std::move(heap[parent]);
      hole = parent;
    }
    heap[hole] = std::move(moving);
  }

  [[no_unique_address]] Compare compare_;
};

// A queue that gives the newest item first.
//
// Order:        last in, first out.
// Cancellation: as Queue.
// Threads:      the loop's thread only.
// Lifetime:     outlives its waiters.
template <class T>
class LifoQueue : public Queue<T> {
 public:
  using Queue<T>::Queue;

 protected:
  T take() override { return this->items_.pop_back(); }
  const char* type_name() const noexcept override { return "LifoQueue"; }
};

}  // namespace asyncio
