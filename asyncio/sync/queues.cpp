#include "asyncio/sync/queues.hpp"

#include <cstddef>
#include <cstdio>

#include "asyncio/core/instrument.hpp"

#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // of classes with bases: all compilers give it

namespace asyncio::detail {

// ---- for who looks from outside

template <>
struct Shape<QueueWait> {
  static constexpr const char* kLabels[] = {"Queue.get", "Queue.put"};  // by QueueWait::Side
  static inline constinit WaitKind kind{.type = &typeid(QueueWait),
                                        .labels = kLabels,
                                        .label_count = 2,
                                        .choice = offsetof(QueueWait, side_),
                                        .told = offsetof(QueueWait, task_),
                                        .runs_told = true};
};
namespace {
const ShownKind kShowQueueWait(Shape<QueueWait>::kind);
}  // namespace

// ---- one wait

NodeList& QueueWait::line() const noexcept {
  return side_ == Side::get ? queue_->getters_ : queue_->putters_;
}

void QueueWait::give_up() noexcept {
  if (queue_ != nullptr) --queue_->woken_;
}

bool QueueWait::is_blocked() const noexcept { return queue_->blocks(side_); }

void QueueWait::suspend(CoroPromiseBase& promise) {
  Scheduler& scheduler = current_scheduler();
  if (queue_->bound_ != &scheduler) [[unlikely]]
    return suspend_in_unbound(promise);
  task_ = scheduler.current_task;
  task_->suspend_on(promise, *this);
  if (is_blocked()) {
    state_ = State::waiting;
    line().push_back(*this);
  } else {  // the budget is used up: others run first
    state_ = State::woken;
    ++queue_->woken_;
    scheduler.push_ready(*this);
  }
}

// By itself, so that suspend() need not save its registers for it.
void QueueWait::suspend_in_unbound(CoroPromiseBase& promise) {
  queue_->bind(current_scheduler());
  suspend(promise);
}

void QueueWait::notify() noexcept {
  unlink();
  state_ = State::woken;
  ++queue_->woken_;
  task_->scheduler()->push_ready(*this);
}

void QueueWait::run() {
  if (queue_ == nullptr) [[unlikely]] {
    task_->run();
    return;
  }
  --queue_->woken_;
  if (is_blocked() && !task_->cancel_is_due()) {
    state_ = State::waiting;
    line().push_front(*this);
    return;
  }
  state_ = State::ran;
  task_->run();
}

bool QueueWait::cancel_wait(const std::string& message) {
  if (state_ != State::waiting) return false;  // run() is queued, and sees the cancellation
  if (is_linked()) unlink();                   // not linked: the queue is gone
  state_ = State::cancelled;
  task_->wake_cancelled(message);
  return true;
}

void QueueWait::throw_instead() {
  if (queue_ == nullptr) {
    task_->check_cancelled();
    throw RuntimeError("the queue that this task waited for was destroyed meanwhile");
  }
  if (state_ == State::ran && !is_blocked()) QueueBase::wake_next(line());
  task_->throw_cancelled();
}

// ---- the queue

QueueBase::~QueueBase() {
  // Frames that still wait are destroyed later, with their loop; they must not touch us then.
  for (NodeList* line : {&getters_, &putters_})
    while (!line->empty()) line->pop_front().orphan();
  if (woken_ > 0) orphan_woken();
}

// Those stand in the ready queue, where only their tasks know them.
void QueueBase::orphan_woken() noexcept {
  for (TaskLink* link = bound_->tasks.first(); link != nullptr; link = bound_->tasks.after(*link)) {
    auto* wait = dynamic_cast<QueueWait*>(static_cast<TaskBase*>(link)->waiter());
    if (wait != nullptr && wait->waits_for(*this)) wait->orphan();
  }
}

void QueueBase::wake_next(NodeList& line) noexcept {
  if (Node* first = line.first()) first->notify();
}

void QueueBase::wake_all(NodeList& line) noexcept {
  while (!line.empty()) wake_next(line);
}

void QueueBase::bind(Scheduler& scheduler) {
  if (bound_ != nullptr) throw RuntimeError(repr() + " is bound to a different event loop");
  bound_ = &scheduler;
}

std::string QueueBase::count(const char* name, const NodeList& line) {
  auto& nodes = const_cast<NodeList&>(line);  // walked, not changed
  std::size_t waiting = 0;
  for (Node* node = nodes.first(); node != nullptr; node = nodes.after(*node)) ++waiting;
  return waiting == 0 ? "" : std::string(" ") + name + "[" + std::to_string(waiting) + "]";
}

void QueueBase::task_done() {
  if (unfinished_ == 0) throw ValueError("task_done() called too many times");
  if (--unfinished_ == 0) finished_.set();
}

void QueueBase::shutdown(bool immediate) {
  shutdown_ = true;
  while (immediate && size_ > 0) {
    discard_item();
    --size_;
    if (unfinished_ > 0) --unfinished_;
  }
  if (unfinished_ == 0) finished_.set();
  wake_all(getters_);
  wake_all(putters_);
}

void QueueBase::throw_cannot_put() const {
  if (shutdown_) throw QueueShutDown();
  throw QueueFull();
}

void QueueBase::throw_cannot_get() const {
  if (shutdown_) throw QueueShutDown();
  throw QueueEmpty();
}

std::string QueueBase::repr() const {
  char place[2 + 2 * sizeof(void*) + 1];
  std::snprintf(place, sizeof(place), "%p", static_cast<const void*>(this));
  std::string text =
      std::string("<") + type_name() + " at " + place + " maxsize=" + std::to_string(maxsize_);
  if (size_ > 0) text += " qsize=" + std::to_string(size_);
  text += count("_getters", getters_) + count("_putters", putters_);
  if (unfinished_ > 0) text += " tasks=" + std::to_string(unfinished_);
  if (shutdown_) text += " shutdown";
  return text + ">";
}

}  // namespace asyncio::detail
