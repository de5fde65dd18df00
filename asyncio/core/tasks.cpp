// tasks.cpp: how a task runs, waits, is cancelled and ends. The diagram is in tasks.hpp.
#include "asyncio/core/tasks.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <typeinfo>

#include "asyncio/base/assert.hpp"
#include "asyncio/base/function_name.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/core/services.hpp"

namespace asyncio {
namespace detail {
namespace {

std::atomic<std::uint32_t> next_task_number{1};

constexpr int kMostCancelDepth = 500;
thread_local int cancel_depth = 0;  // of TaskBase::cancel_awaited() within each other

CancelledError cancelled_error() noexcept { return CancelledError(); }

std::string place_of(const std::source_location& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

std::string line_of(const StackFrame& frame) {
  return "  File \"" + std::string(frame.where.file_name()) + "\", line " +
         std::to_string(frame.where.line()) + ", in " + frame.function + "\n";
}

}  // namespace

TaskBase::TaskBase(Scheduler& scheduler) : FutureBase(&scheduler) {}

TaskBase::~TaskBase() = default;

TaskBase::Extras& TaskBase::extras() {
  if (!extras_) extras_ = std::make_unique<Extras>();
  return *extras_;
}

void TaskBase::adopt_options(TaskOptions& options) {
  if (!options.name.empty()) extras().name = std::move(options.name);
  if (options.context) extras().context = std::move(options.context);
}

void TaskBase::start(CoroPromiseBase& root_promise, bool eager) {
  scheduler_->tasks.push_back(*this);  // not before: what comes between may throw
  if (!extras_ || !extras_->name)
    number_ = next_task_number.fetch_add(1, std::memory_order_relaxed);
  if (!extras_ || !extras_->context) context_ = current_context_slot();
  root_promise.set_task(*this);
  leaf_ = &root_promise;
  root_ = &root_promise;
  add_reference();  // the loop's, until the task is done
  if (eager && tls_scheduler == scheduler_)
    run();
  else
    scheduler_->push_ready(*this);
}

bool starts_eagerly(const Scheduler& scheduler) noexcept {
  return scheduler.loop != nullptr && scheduler.loop->services().task_factory == TaskFactory::eager;
}

// ---- one step

void TaskBase::run() {
  Scheduler& scheduler = *scheduler_;
  TaskBase* const outer = scheduler.current_task;
  scheduler.current_task = this;
  scheduler.budget = Scheduler::kBudget;
  waiter_ = nullptr;
  if ((task_flags_ & (kStarted | kMustCancel)) == kMustCancel) [[unlikely]] {
    finish_unstarted();
    scheduler.current_task = outer;
    drop_reference();
    return;
  }
  task_flags_ |= kStarted;
  leaf_->handle().resume();
  scheduler.current_task = outer;
  if ((task_flags_ & kBodyDone) != 0)
    finish();
  else if (waiter_ == nullptr && !Node::is_linked()) [[unlikely]]
    bad_await();
  else if ((task_flags_ & kMustCancel) != 0) [[unlikely]]
    deliver_kept_cancel();
}

// The task was cancelled while it ran, and waits now. Where the waiter can no longer be cancelled,
// the next resumption throws.
void TaskBase::deliver_kept_cancel() {
  if (waiter_ == nullptr || Node::is_linked()) return;
  const std::string message = cancel_message_ ? *cancel_message_ : std::string();
  if (!cancel_awaited(message)) return;
  task_flags_ &= static_cast<std::uint8_t>(~kMustCancel);
  if ((task_flags_ & kCancelInFlight) == 0) cancel_message_.reset();  // a future carries it now
}

void TaskBase::body_left(CoroPromiseBase& root_promise) noexcept {
  leaf_ = &root_promise;
  task_flags_ |= kBodyDone;
}

void TaskBase::note_exception(const std::type_info* type) noexcept {
  if (type == nullptr) return;
  if (*type == typeid(CancelledError)) task_flags_ |= kThrewCancelled;
  if (*type == typeid(KeyboardInterrupt) || *type == typeid(SystemExit))
    task_flags_ |= kThrewInterrupt;
}

void TaskBase::finish() {
  CoroPromiseBase& root_promise = *leaf_;
  std::exception_ptr error = root_promise.take_exception();
  error_once_ = (task_flags_ & kThrewCancelled) != 0;
  const bool is_cancelled = error_once_ || (!error && (task_flags_ & kMustCancel) != 0);
  if (!error && is_cancelled) error = take_cancel_error();
  if (!error && !is_cancelled) {
    try {
      take_value(root_promise);
    } catch (...) {
      error = std::current_exception();
    }
  }
  const bool interrupt = (task_flags_ & kThrewInterrupt) != 0;
  leaf_ = nullptr;
  root_ = nullptr;
  root_promise.handle().destroy();  // parameters die before anybody hears of the result
  leave_lists();
  drop_callable();
  const StatePtr<TaskBase> keep(this);  // adopts the loop's reference
  if (is_cancelled)
    finish_cancelled(error);
  else if (error)
    finish_with_exception(error);
  else
    finish_with_value();
  if (interrupt) [[unlikely]]
    std::rethrow_exception(error);
}

void TaskBase::finish_unstarted() {
  destroy_frames();
  leave_lists();
  drop_callable();
  error_once_ = true;
  finish_cancelled(take_cancel_error());
}

void TaskBase::leave_lists() noexcept {
  if (TaskLink::is_linked()) TaskLink::unlink();
}

void TaskBase::bad_await() {
  // Something suspended the task that will never wake it.
  std::string place = leaf_ != nullptr ? place_of(leaf_->where()) : "unknown place";
  destroy_frames();
  leave_lists();
  drop_callable();
  const StatePtr<TaskBase> keep(this);
  finish_with_exception(std::make_exception_ptr(RuntimeError(
      "Task got bad yield\n  at: " + place +
      "\n  instead: co_await only awaitables of asyncio; this one suspended without a waiter")));
}

void TaskBase::destroy_frames() noexcept {
  CoroPromiseBase* root_promise = std::exchange(root_, nullptr);
  leaf_ = nullptr;
  waiter_ = nullptr;
  if (root_promise != nullptr) root_promise->handle().destroy();
}

void TaskBase::abandon() noexcept {
  const StatePtr<TaskBase> keep(this);  // adopts the loop's reference
  leave_lists();
  if (Node::is_linked()) Node::unlink();
  destroy_frames();
  if (Node::is_linked()) Node::unlink();  // a destructor in the frames may have woken it
  drop_callable();
}

// ---- cancellation

bool TaskBase::cancel(const std::string& message) {
  scheduler_->check_thread();
  log_failure_ = false;
  if (done()) return false;
  if (cancel_depth >= kMostCancelDepth) [[unlikely]] {
    cancel_later(message);
    return true;
  }
  ++cancel_requests_;
  if (waiter_ != nullptr && !Node::is_linked() && cancel_awaited(message)) return true;
  // The next resumption throws; where a cancelled waiter is on its way, its message stands.
  if ((task_flags_ & kCancelInFlight) == 0) store_cancel_message(message);
  task_flags_ |= kMustCancel;
  return true;
}

// From task to task, inward.
bool TaskBase::cancel_awaited(const std::string& message) {
  ++cancel_depth;
  task_flags_ |= kPassesCancelOn;
  const bool cancelled = waiter_->cancel_wait(message);
  task_flags_ &= static_cast<std::uint8_t>(~kPassesCancelOn);
  --cancel_depth;
  return cancelled;
}

// A long chain of tasks must not use up the stack: the rest of it follows in the next pass.
void TaskBase::cancel_later(const std::string& message) {
  scheduler_->loop->call_soon(
      [self = StatePtr<TaskBase>::share(this), message] { self->cancel(message); });
}

int TaskBase::uncancel() noexcept {
  if (cancel_requests_ == 0) return 0;
  --cancel_requests_;
  if (cancel_requests_ == 0) task_flags_ &= static_cast<std::uint8_t>(~kMustCancel);
  return static_cast<int>(cancel_requests_);
}

void TaskBase::wake_cancelled(const std::string& message) {
  store_cancel_message(message);
  task_flags_ |= kCancelInFlight;
  wake();
}

void TaskBase::store_cancel_message(const std::string& message) {
  if (message.empty())
    cancel_message_.reset();
  else
    cancel_message_ = std::make_unique<std::string>(message);
}

std::exception_ptr TaskBase::take_cancel_error() {
  auto message = std::move(cancel_message_);
  return message ? std::make_exception_ptr(CancelledError(std::move(*message))) : nullptr;
}

void TaskBase::throw_cancelled() {
  forget_cancellation();
  if (cancel_message_) throw_cancelled_with_message();
  throw cancelled_error();  // no locals or temporaries here: unwinding would stop to destroy them
}

[[gnu::noinline]] void TaskBase::throw_cancelled_with_message() {
  const auto message = std::move(cancel_message_);
  throw CancelledError(std::move(*message));
}

// ---- looking at a task

std::string TaskBase::get_name() const {
  return extras_ && extras_->name ? *extras_->name : "Task-" + std::to_string(number_);
}

void TaskBase::set_name(std::string name) { extras().name = std::move(name); }

std::vector<StackFrame> TaskBase::get_stack() const {
  std::vector<StackFrame> frames;
  for (CoroPromiseBase* promise = root_; promise != nullptr; promise = promise->callee())
    frames.push_back({short_function_name(promise->where().function_name()), promise->where()});
  return frames;
}

// The innermost coroutine comes here first, and each one around it that the error leaves, too.
void TaskBase::note_traceback(const std::exception_ptr& error) noexcept {
  if (root_ == nullptr || (extras_ && extras_->traced == error)) return;
  try {
    extras().traceback = get_stack();
    extras().traced = error;
  } catch (const std::bad_alloc&) {
    return;  // then without
  }
}

std::string TaskBase::traceback() const {
  if (!extras_ || !extras_->traced || extras_->traced != exception_) return "";
  std::string text = "Traceback (most recent call last):\n";
  for (const StackFrame& frame : extras_->traceback) text += line_of(frame);
  return text + describe(exception_) + "\n";
}

Context TaskBase::get_context() {
  Extras& more = extras();
  if (!more.context) more.context.emplace(std::move(context_));
  return *more.context;
}

std::string TaskBase::repr() const {
  std::string text = "<Task ";
  if (state_ == State::pending)
    text += cancel_requests_ > 0 ? "cancelling" : "pending";
  else
    text += state_ == State::cancelled ? "cancelled" : "finished";
  text += " name='" + get_name() + "'";
  if (CoroPromiseBase* promise = root_)
    text += " coro=<" + short_function_name(promise->where().function_name()) + "() at " +
            place_of(promise->where()) + ">";
  if (state_ == State::finished && exception_) text += " exception=" + describe(exception_);
  return text + ">";
}

const char* TaskBase::never_retrieved_sentence() const noexcept {
  return "Task exception was never retrieved";
}

void print_stack_of(const TaskBase& task) {
  std::string text = task.traceback();  // where it failed, if that is known
  if (text.empty()) {
    text = "Stack for " + task.repr() + " (most recent call last):\n";
    for (const StackFrame& frame : task.get_stack()) text += line_of(frame);
  }
  std::fputs(text.c_str(), stderr);
}

namespace {

std::optional<AnyTask> running_task_of(const Scheduler& scheduler) {
  if (scheduler.current_task == nullptr) return std::nullopt;
  return AnyTask(StatePtr<TaskBase>::share(scheduler.current_task));
}

std::vector<AnyTask> tasks_of(Scheduler& scheduler) {
  std::vector<AnyTask> tasks;
  for (TaskLink* link = scheduler.tasks.first(); link != nullptr;
       link = scheduler.tasks.after(*link))
    tasks.emplace_back(StatePtr<TaskBase>::share(static_cast<TaskBase*>(link)));
  return tasks;
}

}  // namespace
}  // namespace detail

std::optional<AnyTask> current_task() {
  return detail::running_task_of(detail::current_scheduler());
}
std::optional<AnyTask> current_task(const Loop& loop) {
  return detail::running_task_of(loop.scheduler());
}
std::vector<AnyTask> all_tasks() { return detail::tasks_of(detail::current_scheduler()); }
std::vector<AnyTask> all_tasks(const Loop& loop) { return detail::tasks_of(loop.scheduler()); }

}  // namespace asyncio
