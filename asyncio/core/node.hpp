// node.hpp: what stands in the loop's queues. One class serves the ready queue, the wait lists and
// the timers, so that a suspended task needs one object only, in the frame that waits.
#pragma once
#include <string>

#include "asyncio/base/intrusive_list.hpp"
#include "asyncio/base/timer_heap.hpp"

namespace asyncio::detail {

struct Scheduler;

// An element of the ready queue or of a list of waiters, of one at a time.
//
//   notify()      what it waited for has happened; usually queues itself or its task
//   run()         its turn in the ready queue has come
//   cancel_wait() ends the wait with CancelledError(message); false where it is over already
//   orphan()      whoever would notify or run it is gone, and will do neither
class Node : public Link {
 public:
  virtual void run() = 0;
  virtual void notify() noexcept = 0;
  virtual bool cancel_wait(const std::string& message) = 0;
  virtual void orphan() noexcept {}

 protected:
  Node() noexcept = default;
  Node(const Node&) noexcept = default;
  Node& operator=(const Node&) noexcept = default;
  ~Node() {  // not virtual: nobody deletes through a Node
    if (is_linked()) unlink();
  }
};

using NodeList = IntrusiveList<Node>;

// A node that also waits for a deadline. When that comes, the loop queues the node.
class TimerNode : public Node {
 public:
  TimerSlot& slot() noexcept { return slot_; }
  const TimerSlot& slot() const noexcept { return slot_; }
  static TimerNode& of(TimerSlot& slot) noexcept;

 protected:
  TimerNode() noexcept = default;
  TimerNode(const TimerNode&) noexcept {}  // a copy waits for nothing
  TimerNode& operator=(const TimerNode&) noexcept { return *this; }
  ~TimerNode() = default;

 private:
  template <class>
  friend struct Shape;
  TimerSlot slot_;
};

}  // namespace asyncio::detail
