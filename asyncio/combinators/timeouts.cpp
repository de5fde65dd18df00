#include "asyncio/combinators/timeouts.hpp"

#include "asyncio/core/events.hpp"

namespace asyncio {

Timeout timeout(std::optional<Duration> delay) {
  if (!delay) return Timeout(std::nullopt);
  return Timeout(detail::current_scheduler().now() + *delay);
}

Timeout timeout_at(std::optional<TimePoint> when) { return Timeout(when); }

Timeout::~Timeout() { disarm(); }

void Timeout::enter() {
  if (state_ != State::created) throw RuntimeError("Timeout has already been entered");
  detail::TaskBase* task = detail::current_scheduler().current_task;
  if (task == nullptr) throw RuntimeError("Timeout should be used inside a task");
  task_ = detail::StatePtr<detail::TaskBase>::share(task);
  requests_before_ = task->cancelling();
  cancel_was_due_ = task->cancel_is_due();
  state_ = State::active;
  arm();
}

void Timeout::reschedule(std::optional<TimePoint> when) {
  switch (state_) {
    case State::active:
      break;
    case State::created:
      throw RuntimeError("Timeout has not been entered");
    case State::expiring:
      throw RuntimeError("Cannot change state of expiring Timeout");
    case State::expired:
      throw RuntimeError("Cannot change state of expired Timeout");
    case State::finished:
      throw RuntimeError("Cannot change state of finished Timeout");
  }
  disarm();
  when_ = when.value_or(kNever);
  arm();
}

void Timeout::arm() {
  if (when_ == kNever) return;
  detail::Scheduler& scheduler = *task_->scheduler();
  if (scheduler.has_come(when_))
    scheduler.push_ready(*this);
  else
    scheduler.arm(*this, when_);
}

void Timeout::disarm() noexcept {
  if (!task_) return;
  task_->scheduler()->disarm(*this);
  if (Node::is_linked()) Node::unlink();
}

void Timeout::notify() noexcept { task_->scheduler()->push_ready(*this); }

void Timeout::expire() {
  if (!kept_result_ && task_->is_woken() && !task_->cancel_is_due()) {
    // What the body waits for is there. It gets one turn; if it waits again, it is too late.
    kept_result_ = true;
    task_->scheduler()->push_ready(*this);
    return;
  }
  if (!task_->cancel_is_due()) cancel_was_due_ = false;  // it was delivered meanwhile
  task_->cancel("");
  state_ = State::expiring;
}

bool Timeout::finish(const std::exception_ptr& error) {
  disarm();
  if (state_ != State::expiring) {
    state_ = State::finished;
    return false;
  }
  state_ = State::expired;
  const bool only_ours = task_->uncancel() <= requests_before_;
  return only_ours && !cancel_was_due_ && detail::is_cancelled_error(error);
}

bool Timeout::finish_instead() noexcept {
  const bool only_ours = task_->cancelling() <= requests_before_ + 1;
  if (state_ != State::expiring || !only_ours || cancel_was_due_) return false;
  disarm();
  state_ = State::expired;
  task_->uncancel();
  task_->forget_cancellation();
  return true;
}

void Timeout::leave(const std::exception_ptr& error) {
  if (state_ == State::created) throw RuntimeError("Timeout has not been entered");
  if (finish(error)) detail::throw_timeout();
}

std::string Timeout::repr() const {
  const char* names[] = {"created", "active", "expiring", "expired", "finished"};
  std::string text = std::string("<Timeout [") + names[static_cast<std::size_t>(state_)] + "]";
  if (state_ == State::active)
    text += " when=" +
            (when_ == kNever
                 ? std::string("None")
                 : std::to_string(static_cast<double>(when_.time_since_epoch().count()) * 1e-9));
  return text + ">";
}

namespace detail {

void throw_timeout() { throw TimeoutError(); }

}  // namespace detail
}  // namespace asyncio
