#include "asyncio/sync/cross_queue.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace asyncio::detail {

struct CrossQueueBase::Lines {
  using Line = std::deque<std::shared_ptr<CrossWaiter>>;
  std::mutex mutex;
  Line getters;
  Line putters;
  Line& of(Side side) noexcept { return side == Side::get ? getters : putters; }
};

CrossQueueBase::CrossQueueBase(std::size_t maxsize)
    : maxsize_(maxsize), lines_(std::make_unique<Lines>()) {}
CrossQueueBase::~CrossQueueBase() = default;

std::size_t CrossQueueBase::qsize() const noexcept {
  const std::lock_guard held(lines_->mutex);
  return size_;
}

bool CrossQueueBase::is_blocked(Side side) const noexcept {
  return side == Side::get ? size_ == 0 : maxsize_ != 0 && size_ >= maxsize_;
}

void CrossQueueBase::wake_next(Side side) noexcept {
  Lines::Line& line = lines_->of(side);
  while (!line.empty()) {
    const std::shared_ptr<CrossWaiter> first = std::move(line.front());
    line.pop_front();
    if (first->wake()) return;
  }
}

void CrossQueueBase::shutdown() {
  const std::lock_guard held(lines_->mutex);
  shutdown_ = true;
  while (!lines_->getters.empty()) wake_next(Side::get);
  while (!lines_->putters.empty()) wake_next(Side::put);
}

// ---- an attempt

CrossQueueBase::Access::Access(CrossQueueBase& queue, Side side) : queue_(queue), side_(side) {
  queue.lines_->mutex.lock();
}

CrossQueueBase::Attempt CrossQueueBase::Access::check() const noexcept {
  if (queue_.shutdown_ && (side_ == Side::put || queue_.size_ == 0)) return Attempt::shut_down;
  return queue_.is_blocked(side_) ? Attempt::blocked : Attempt::done;
}

void CrossQueueBase::Access::done() noexcept {
  side_ == Side::put ? ++queue_.size_ : --queue_.size_;
  done_ = true;
}

CrossQueueBase::Access::~Access() {
  if (done_) queue_.wake_next(side_ == Side::put ? Side::get : Side::put);
  queue_.lines_->mutex.unlock();
}

// ---- waiting

// False where there is no need to wait any more.
bool CrossQueueBase::enter(Side side, const std::shared_ptr<CrossWaiter>& waiter) {
  const std::lock_guard held(lines_->mutex);
  if (shutdown_ || !is_blocked(side)) return false;
  lines_->of(side).push_back(waiter);
  return true;
}

// Somebody gives up. Where it was woken already, the wake-up goes to the next.
void CrossQueueBase::leave(Side side, const CrossWaiter* waiter) noexcept {
  const std::lock_guard held(lines_->mutex);
  Lines::Line& line = lines_->of(side);
  const auto place = std::find_if(line.begin(), line.end(),
                                  [waiter](const auto& each) { return each.get() == waiter; });
  if (place != line.end())
    line.erase(place);
  else if (!is_blocked(side))
    wake_next(side);
}

// A task, as other threads may hold it: what belongs to its loop is in the delivery.
class CrossQueueBase::TaskWaiter final : public CrossWaiter {
 public:
  TaskWaiter(std::shared_ptr<LoopPort> port, std::uint64_t number) noexcept
      : port_(std::move(port)), number_(number) {}
  bool wake() noexcept override { return port_->send(number_); }
  void withdraw() noexcept { port_->withdraw(number_); }

 private:
  std::shared_ptr<LoopPort> port_;
  std::uint64_t number_;
};

namespace {

class WakeDelivery final : public Delivery {
 public:
  WakeDelivery(Loop& loop, Future<> woken) : Delivery(loop, false), woken_(std::move(woken)) {}

 private:
  void deliver() override {
    if (!woken_.done()) woken_.set_result();
  }
  Future<> woken_;
};

}  // namespace

// A place in the line, for as long as the frame of wait_in_loop() lives.
class CrossQueueBase::Place {
 public:
  Place(CrossQueueBase& queue, Side side, const Future<>& woken) : queue_(queue), side_(side) {
    Loop& loop = get_running_loop();
    std::shared_ptr<LoopPort> port = LoopPort::of(loop);
    const std::uint64_t number = port->add(new WakeDelivery(loop, woken));
    waiter_ = std::make_shared<TaskWaiter>(std::move(port), number);
    is_in_line_ = queue.enter(side, waiter_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    waiter_->withdraw();
    if (is_in_line_) queue_.leave(side_, waiter_.get());
  }
  bool is_in_line() const noexcept { return is_in_line_; }
  void was_woken() noexcept { is_in_line_ = false; }

 private:
  CrossQueueBase& queue_;
  Side side_;
  bool is_in_line_ = false;
  std::shared_ptr<TaskWaiter> waiter_;
};

Coro<> CrossQueueBase::wait_in_loop(Side side) {
  const Future<> woken = get_running_loop().create_future();
  Place place(*this, side, woken);
  if (!place.is_in_line()) co_return;
  co_await woken;
  place.was_woken();
}

class CrossQueueBase::ThreadWaiter final : public CrossWaiter {
 public:
  bool wake() noexcept override {
    const std::lock_guard held(mutex_);
    woken_ = true;
    changed_.notify_one();
    return true;
  }
  bool wait(std::optional<TimePoint> deadline) {
    std::unique_lock held(mutex_);
    const auto is_woken = [this] { return woken_; };
    if (deadline) return changed_.wait_until(held, *deadline, is_woken);
    changed_.wait(held, is_woken);
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
};

void CrossQueueBase::wait_in_thread(Side side, std::optional<TimePoint> deadline) {
  const auto waiter = std::make_shared<ThreadWaiter>();
  if (!enter(side, waiter)) return;
  if (waiter->wait(deadline)) return;
  leave(side, waiter.get());
  throw TimeoutError();
}

}  // namespace asyncio::detail
