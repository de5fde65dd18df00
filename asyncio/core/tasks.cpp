// tasks.cpp: how a task runs, waits, is cancelled and ends. The diagram is in tasks.hpp.
#include "asyncio/core/tasks.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>

#include "asyncio/base/assert.hpp"
#include "asyncio/base/function_name.hpp"
#include "asyncio/core/events.hpp"

namespace asyncio {
namespace detail {
namespace {

const ContextSlot no_context;

constexpr int kMostCancelDepth = 500;
thread_local int cancel_depth = 0;  // of TaskBase::cancel_awaited() within each other

std::string place_of(const std::source_location& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

std::string line_of(const StackFrame& frame) {
  return "  File \"" + std::string(frame.where.file_name()) + "\", line " +
         std::to_string(frame.where.line()) + ", in " + frame.function + "\n";
}

}  // namespace

constinit thread_local TaskNumbers tls_task_numbers;

void take_task_numbers() noexcept {
  constexpr std::uint32_t kAtOnce = 16;
  static constinit std::atomic<std::uint32_t> next{1};
  const std::uint32_t first = next.fetch_add(kAtOnce, std::memory_order_relaxed);
  tls_task_numbers = {first, first + kAtOnce};
}

TaskBase::Extras& TaskBase::extras() {
  if (!extras_) extras_.reset(new Extras);
  return *extras_;
}

void TaskBase::DropExtras::operator()(Extras* extras) const noexcept { delete extras; }

void TaskBase::adopt(TaskOptions* options) {
  if (options != nullptr && !options->name.empty())
    extras().name = std::move(options->name);
  else
    number_ = next_task_number();
  if (options != nullptr && options->context)
    extras().shared = std::move(options->context);
  else if (const ContextSlot& current = current_context())
    extras().context = current;
}

ContextSlot& TaskBase::context_slot() {
  Extras& kept = extras();
  return kept.shared ? kept.shared->slot() : kept.context;
}

const ContextSlot& TaskBase::context() const noexcept {
  if (!extras_) return no_context;
  return extras_->shared ? extras_->shared->slot() : extras_->context;
}

// ---- one step

// `outer` is the task that runs meanwhile: none, but for an eager start inside of one.
[[gnu::always_inline]] inline void TaskBase::step_inline(TaskBase* outer) {
  scheduler_->current_task = this;
  scheduler_->budget = Scheduler::kBudget;
  waiter_ = nullptr;
  if ((task_flags_ & kStarted) == 0) {
    if ((task_flags_ & kMustCancel) != 0) [[unlikely]] {
      finish_unstarted();
      scheduler_->current_task = outer;
      drop_reference();
      return;
    }
    task_flags_ |= kStarted;
  }
  leaf_->handle().resume();
  scheduler_->current_task = outer;
  const bool waits = waiter_ != nullptr || Node::is_linked();
  if (!waits || (task_flags_ & (kBodyDone | kMustCancel)) != 0) end_step();
}

void TaskBase::run() { step_inline(nullptr); }
void TaskBase::run_inside(TaskBase* outer) {
  const ContextScope own(nullptr);
  step_inline(outer);
}

void TaskBase::end_step() {
  if ((task_flags_ & kBodyDone) != 0)
    finish();
  else if (waiter_ == nullptr && !Node::is_linked())
    bad_await();
  else
    deliver_kept_cancel();
}

// The task was cancelled while it ran, and waits now. Where the waiter can no longer be cancelled,
// the next resumption throws.
void TaskBase::deliver_kept_cancel() {
  if (waiter_ == nullptr || Node::is_linked()) return;
  const bool with_message = extras_ && extras_->cancel_message;
  const std::string message = with_message ? *extras_->cancel_message : std::string();
  if (!cancel_awaited(message)) return;
  task_flags_ &= static_cast<std::uint8_t>(~kMustCancel);
  if ((task_flags_ & kCancelInFlight) == 0) store_cancel_message({});  // a future carries it now
}

void TaskBase::finish() {
  CoroPromiseBase& root_promise = *leaf_;
  const bool must_cancel = (task_flags_ & kMustCancel) != 0;
  if (must_cancel || root_promise.has_exception()) [[unlikely]]
    return finish_without_value(root_promise);
  try {
    take_value(root_promise);
  } catch (...) {
    return finish_with_current_exception();
  }
  destroy_root();
  finish_with_value();
  drop_reference();  // the loop's
}

// The body has thrown, or the task has cancelled itself.
void TaskBase::finish_without_value(CoroPromiseBase& root_promise) {
  const std::exception_ptr error = root_promise.take_exception();
  error_once_ = is_cancelled_error(error);
  const bool is_cancelled = error_once_ || !error;
  finish_badly(is_cancelled && !error ? take_cancel_error() : error, is_cancelled);
}

void TaskBase::finish_with_current_exception() { finish_badly(std::current_exception(), false); }

void TaskBase::finish_badly(std::exception_ptr error, bool is_cancelled) {
  destroy_root();
  const StatePtr<TaskBase> keep(this);  // adopts the loop's reference
  const bool interrupt = is_interrupt(error);
  if (is_cancelled)
    finish_cancelled(error);
  else
    finish_with_exception(error);
  if (interrupt) [[unlikely]]
    std::rethrow_exception(error);
}

// The parameters die before anybody hears of the result.
void TaskBase::destroy_root() noexcept {
  leaf_ = nullptr;
  std::exchange(root_, nullptr)->handle().destroy();
  let_go();
}

void TaskBase::finish_unstarted() {
  destroy_frames();
  let_go();
  error_once_ = true;
  finish_cancelled(take_cancel_error());
}

void TaskBase::let_go() noexcept {
  if (TaskLink::is_linked()) TaskLink::unlink();
  if ((task_flags_ & kHasCallable) != 0) [[unlikely]]
    drop_callable();
}

void TaskBase::bad_await() {
  // Something suspended the task that will never wake it.
  std::string place = leaf_ != nullptr ? place_of(leaf_->where()) : "unknown place";
  destroy_frames();
  let_go();
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
  if (TaskLink::is_linked()) TaskLink::unlink();
  if (Node::is_linked()) Node::unlink();
  destroy_frames();
  if (Node::is_linked()) Node::unlink();  // a destructor in the frames may have woken it
  let_go();
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
  if (!message.empty())
    extras().cancel_message = message;
  else if (extras_)
    extras_->cancel_message.reset();
}

CancelledError TaskBase::take_cancelled_error() noexcept {
  forget_cancellation();
  if (!extras_ || !extras_->cancel_message) return CancelledError();
  CancelledError error(std::move(*extras_->cancel_message));
  extras_->cancel_message.reset();
  return error;
}

// The same for a task that ends without a throw; null where there is no message.
std::exception_ptr TaskBase::take_cancel_error() {
  if (!extras_ || !extras_->cancel_message) return nullptr;
  return std::make_exception_ptr(take_cancelled_error());
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

std::optional<StackFrame> TaskBase::get_coro() const {
  if (root_ == nullptr) return std::nullopt;
  return StackFrame{short_function_name(root_->where().function_name()), root_->where()};
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
  if (!done() || !extras_ || !extras_->traced || extras_->traced != stored_exception()) return "";
  std::string text = "Traceback (most recent call last):\n";
  for (const StackFrame& frame : extras_->traceback) text += line_of(frame);
  return text + describe(stored_exception()) + "\n";
}

Context TaskBase::get_context() {
  Extras& kept = extras();
  if (!kept.shared) kept.shared.emplace(std::move(kept.context));
  return *kept.shared;
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
  if (state_ == State::finished && stored_exception())
    text += " exception=" + describe(stored_exception());
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
