#include "asyncio/core/futures.hpp"

#include <atomic>

#include "asyncio/base/assert.hpp"
#include "asyncio/core/events.hpp"

namespace asyncio::detail {

// ---- waiting for a future

bool FutureWait::cancel_wait(const std::string& message) {
  if (future_->is_task() && static_cast<TaskBase*>(future_)->passes_cancel_on()) [[unlikely]] {
    // C++: a ring of tasks that await each other is broken here; CPython ends in RecursionError.
    unlink();
    task_->wake_cancelled(message);
    return true;
  }
  return future_->cancel(message);
}

void FutureWait::check_awaitable_by(TaskBase& task) {
  if (future_ == &task) throw RuntimeError("Task cannot await on itself: " + task.repr());
  if (&future_->bind() != task.scheduler())
    throw RuntimeError("Task " + task.repr() + " got Future " + future_->repr() +
                       " attached to a different loop");
}

std::exception_ptr FutureWait::error() noexcept {
  if (task_ != nullptr && task_->cancel_is_due())
    return std::make_exception_ptr(task_->take_cancelled_error());
  return future_->failure();
}

// ---- callbacks

void DoneCallback::notify() noexcept {
  future->add_reference();
  future->scheduler()->push_ready(*this);
}

void DoneCallback::run() {
  std::unique_ptr<DoneCallback> self(this);
  const StatePtr<FutureBase> keep(future);  // adopts the reference of notify()
  const CallbackContext::Scope scope(context);
  try {
    call();
  } catch (const KeyboardInterrupt&) {
    throw;
  } catch (const SystemExit&) {
    throw;
  } catch (...) {
    future->scheduler()->report(
        {.message = "Exception in callback", .exception = std::current_exception()});
  }
}

CallbackToken FutureBase::add_callback(DoneCallback* callback, const CallbackOptions& options) {
  static std::atomic<std::uint64_t> next_id{1};
  std::unique_ptr<DoneCallback> owner(callback);
  static_cast<void>(bind());
  callback->id = next_id.fetch_add(1, std::memory_order_relaxed);
  callback->future = this;
  callback->context.enter(options.context);
  owner.release();
  if (done())
    callback->notify();
  else
    waiters_.push_back(*callback);
  return CallbackToken(callback->id);
}

bool FutureBase::remove_callback(CallbackToken token) noexcept {
  for (Node* node = waiters_.first(); node != nullptr; node = waiters_.after(*node)) {
    auto* callback = dynamic_cast<DoneCallback*>(node);
    if (callback == nullptr || callback->id != token.id()) continue;
    delete callback;  // unlinks itself
    return true;
  }
  return false;
}

// ---- state

// Nobody can wake them any more.
void FutureBase::orphan_waiters() noexcept {
  while (Node* node = waiters_.first()) {
    NodeList::remove(*node);
    if (auto* callback = dynamic_cast<DoneCallback*>(node))
      delete callback;
    else
      node->orphan();
  }
}

const char* FutureBase::never_retrieved_sentence() const noexcept {
  return "Future exception was never retrieved";
}

void FutureBase::finish_with_exception(std::exception_ptr error) noexcept {
  log_failure_ = true;
  finish_with(State::finished, std::move(error));
}

void FutureBase::finish_cancelled(std::exception_ptr error) noexcept {
  finish_with(State::cancelled, std::move(error));
}

void FutureBase::finish_with(State state, std::exception_ptr error) noexcept {
  ::new (static_cast<void*>(&exception_)) std::exception_ptr(std::move(error));
  state_ = state;
  wake_waiters();
}

void FutureBase::drop_exception() noexcept {
  if (done()) exception_.~exception_ptr();
}

void FutureBase::dispose() noexcept {
  if (is_to_be_deleted()) delete this;
}

// Before the destructor, which would no longer know a task from a future.
bool FutureBase::report_failure() noexcept {
  if (scheduler_ == nullptr) return true;
  ExceptionContext context{.message = never_retrieved_sentence(), .exception = exception_};
  ++references_;  // the report may hold and drop one
  if (is_task()) context.task = AnyTask(StatePtr<TaskBase>::share(static_cast<TaskBase*>(this)));
  log_failure_ = false;
  scheduler_->report(context);
  context.task.reset();
  return --references_ == 0;
}

Scheduler& FutureBase::bind() {
  if (scheduler_ == nullptr) {
    scheduler_ = &current_scheduler();
    scheduler_->add_reference();
  }
  return *scheduler_;
}

Loop& FutureBase::get_loop() const {
  if (scheduler_ == nullptr) throw RuntimeError("Future is not bound to a loop yet");
  if (scheduler_->loop == nullptr) throw RuntimeError("Event loop is closed");
  return *scheduler_->loop;
}

void FutureBase::throw_invalid_state() { throw InvalidStateError("invalid state"); }

bool FutureBase::cancel(const std::string& message) {
  log_failure_ = false;
  if (done()) return false;
  finish_cancelled(message.empty() ? nullptr : std::make_exception_ptr(CancelledError(message)));
  return true;
}

void FutureBase::set_exception(std::exception_ptr error) {
  check_pending();
  if (!error) throw TypeError("invalid exception object: it is null");
  finish_with_exception(std::move(error));
}

std::exception_ptr FutureBase::exception() {
  if (state_ == State::pending) throw InvalidStateError("Exception is not set.");
  if (state_ == State::cancelled) rethrow();
  log_failure_ = false;
  return exception_;
}

void FutureBase::throw_unless_result() {
  if (state_ == State::pending) throw InvalidStateError("Result is not set.");
  if (!has_result()) rethrow();
}

void FutureBase::rethrow() { std::rethrow_exception(failure()); }

std::exception_ptr FutureBase::failure() {
  log_failure_ = false;
  ASYNCIO_ASSERT(state_ != State::pending, "a pending future was read");
  if (exception_ && error_once_) return std::move(exception_);
  if (exception_) return exception_;
  return std::make_exception_ptr(CancelledError());
}

std::string FutureBase::repr() const {
  switch (state_) {
    case State::pending:
      return "<Future pending>";
    case State::cancelled:
      return "<Future cancelled>";
    case State::finished:
      break;
  }
  if (exception_) return "<Future finished exception=" + describe(exception_) + ">";
  return "<Future finished>";
}

void throw_empty_handle(const char* what) {
  throw RuntimeError(std::string(what) +
                     " handle is empty\n  instead: assign it from create_task() first");
}

}  // namespace asyncio::detail
