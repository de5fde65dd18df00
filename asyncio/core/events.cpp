#include "asyncio/core/events.hpp"

#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

#include "asyncio/base/assert.hpp"
#include "asyncio/base/logging.hpp"
#include "asyncio/core/services.hpp"
#include "asyncio/io/io_uring.hpp"

namespace asyncio {
namespace detail {

// ---- callbacks

void CallbackBlock::run() {
  queued = false;
  const StatePtr<CallbackBlock> keep(this);  // adopts the loop's reference
  // relaxed: a cancel from another thread that comes now came too late.
  if (cancelled.load(std::memory_order_relaxed)) {
    drop_function();
    return;
  }
  const CallbackContext::Scope scope(context);
  try {
    call();
  } catch (const KeyboardInterrupt&) {
    throw;
  } catch (const SystemExit&) {
    throw;
  } catch (...) {
    scheduler->report({.message = "Exception in callback",
                       .exception = std::current_exception(),
                       .handle = Handle(StatePtr<CallbackBlock>::share(this))});
  }
}

void CallbackBlock::cancel() noexcept {
  // A load and a store: an exchange would lock the bus, and one thread alone needs none.
  const bool was_cancelled = cancelled.load(std::memory_order_relaxed);
  cancelled.store(true, std::memory_order_relaxed);
  // Here may be another thread: the loop skips what it finds cancelled.
  if (was_cancelled || crosses_threads) return;
  if (slot().is_queued()) scheduler->disarm(*this);
  if (is_linked()) unlink();
  if (has_function_) drop_function();
  if (queued) {
    queued = false;
    drop_reference();
  }
}

namespace {

// "in async_main at main.cpp:12 (Task-1)": the innermost coroutine that is not of the library.
std::string place_of_creation() {
  if (tls_scheduler == nullptr || tls_scheduler->current_task == nullptr) return "in a callback";
  const TaskBase& task = *tls_scheduler->current_task;
  const std::vector<StackFrame> stack = task.get_stack();
  const StackFrame* found = nullptr;
  for (const StackFrame& frame : stack)
    if (std::strstr(frame.where.file_name(), "asyncio/net/") == nullptr &&
        std::strstr(frame.where.file_name(), "asyncio/os/") == nullptr)
      found = &frame;
  if (found == nullptr) return "in " + task.get_name();
  return "in " + found->function + " at " + found->where.file_name() + ":" +
         std::to_string(found->where.line()) + " (" + task.get_name() + ")";
}

}  // namespace

OpenResource::OpenResource(Scheduler& scheduler, std::function<std::string()> repr)
    : repr_(std::move(repr)), created_(place_of_creation()) {
  if (scheduler.loop != nullptr) scheduler.loop->services().resources.push_back(*this);
}

void OpenResource::warn_if_open() const {
  const std::string text = repr_();
  if (text.empty()) return;
  logging::log(LogLevel::warning, "ResourceWarning: unclosed " + text + "\n  created " + created_);
}

void FdCallbacks::on_ready(bool readable, bool writable) noexcept {
  if (readable && reader) queue(reader);
  if (writable && writer) queue(writer);
}

void FdCallbacks::queue(StatePtr<CallbackBlock>& block) noexcept {
  if (block->is_linked()) return;
  block->keep_for_loop();
  scheduler_.push_ready(*block);
}

namespace {

std::uintptr_t this_thread() noexcept { return static_cast<std::uintptr_t>(pthread_self()); }

bool debug_from_environment() noexcept {
  const char* value = std::getenv("ASYNCIO_DEBUG");
  return value != nullptr && *value != '\0' && std::strcmp(value, "0") != 0;
}

// ASYNCIO_BACKEND comes before what the program says.
Backend wanted_backend(Backend chosen) {
  const char* const value = std::getenv("ASYNCIO_BACKEND");
  const std::string_view name = value != nullptr ? value : "";
  if (name.empty()) return chosen;
  if (name == "automatic") return Backend::automatic;
  if (name == "epoll") return Backend::epoll;
  if (name == "io_uring") return Backend::io_uring;
  throw ValueError("ASYNCIO_BACKEND is '" + std::string(name) +
                   "'\n  instead: epoll, io_uring or automatic");
}

// Once for the process: with a loop on each core the same line would come many times.
void say_that_it_is_epoll(const std::exception& why) {
  static std::atomic<bool> said{false};
  if (said.exchange(true)) return;
  logging::log(LogLevel::warning,
               std::string("io_uring is not available, using epoll: ") + why.what());
}

std::unique_ptr<IoBackend> make_backend(const LoopOptions& options) {
  if (options.make_backend) return options.make_backend();
  // automatic is epoll: docs/decisions/0010-io-uring.md has the measurements.
  if (wanted_backend(options.backend) != Backend::io_uring) return make_epoll_backend();
  try {
    return make_io_uring_backend();
  } catch (const OSError& error) {
    say_that_it_is_epoll(error);
    return make_epoll_backend();
  }
}

// Makes the scheduler this thread's for a scope.
class RunningScope {
 public:
  explicit RunningScope(Scheduler& scheduler) noexcept : scheduler_(scheduler) {
    scheduler_.running = true;
    scheduler_.thread = this_thread();
    scheduler_.shown.thread_id = this_thread_id();
    tls_scheduler = &scheduler_;
  }
  RunningScope(const RunningScope&) = delete;
  RunningScope& operator=(const RunningScope&) = delete;
  ~RunningScope() {
    tls_scheduler = nullptr;
    scheduler_.thread = 0;
    scheduler_.stopping = false;
    scheduler_.running = false;
  }

 private:
  Scheduler& scheduler_;
};

// Python's done callback of run_until_complete: stops the loop one pass after the end.
class StopWhenDone final : public Node {
 public:
  explicit StopWhenDone(Scheduler& scheduler) noexcept : scheduler_(scheduler) {}
  void notify() noexcept override { scheduler_.push_ready(*this); }
  void run() override { scheduler_.stopping = true; }
  bool cancel_wait(const std::string&) override { return false; }

 private:
  Scheduler& scheduler_;
};

}  // namespace
}  // namespace detail

using detail::Scheduler;

std::string Handle::repr() const {
  if (!block_) return "<Handle empty>";
  return cancelled() ? "<Handle cancelled>" : "<Handle>";
}

// ---- construction and end

Loop::Loop(LoopOptions options)
    : state_(new Scheduler),
      time_source_(std::move(options.time_source)),
      services_(std::make_unique<detail::LoopServices>()) {
  try {
    backend_ = detail::make_backend(options);
  } catch (...) {
    state_->drop_reference();
    throw;
  }
  state_->backend = backend_.get();
  state_->loop = this;
  state_->times = &services_->times;
  state_->io_counts = backend_->counts().data();
  state_->time_source = time_source_.get();
  state_->poll_interval = static_cast<int>(std::clamp(options.poll_interval, 1U, 1U << 30));
  set_debug(options.debug || detail::debug_from_environment());
  measure_steps(options.measures_steps);
  detail::show_loop(*state_);
}

Loop::~Loop() {
  detail::hide_loop(*state_);
  abandon_tasks();
  if (!state_->closed) close();
  set_debug(false);
  state_->loop = nullptr;
  state_->times = nullptr;
  state_->io_counts = nullptr;
  state_->time_source = nullptr;
  services_->end_members();
  backend_.reset();
  state_->backend = nullptr;
  state_->drop_reference();
}

// Pending tasks cannot go on: each is named, and its frames are destroyed on this thread.
void Loop::abandon_tasks() noexcept {
  Scheduler* const outer = std::exchange(detail::tls_scheduler, state_);
  while (detail::TaskLink* link = state_->tasks.first()) {
    auto& task = static_cast<detail::TaskBase&>(*link);
    call_exception_handler({.message = "Task was destroyed but it is pending!",
                            .task = AnyTask(detail::StatePtr<detail::TaskBase>::share(&task))});
    task.abandon();
  }
  drop_callbacks();
  detail::tls_scheduler = outer;
}

namespace {

void cancel_timers(Scheduler& scheduler) noexcept {
  while (!scheduler.timers.empty()) {
    auto& node = detail::TimerNode::of(scheduler.timers.pop());
    if (auto* block = dynamic_cast<detail::CallbackBlock*>(&node)) block->cancel();
  }
}

// Drops the loop's reference to a callback that was queued; false for any other node.
bool drop_if_callback(detail::Node& node) noexcept {
  auto* block = dynamic_cast<detail::CallbackBlock*>(&node);
  if (block == nullptr) return false;
  if (std::exchange(block->queued, false)) block->drop_reference();
  return true;
}

}  // namespace

// What is queued and will never run. Dropping a callback may queue another: until none is left.
void Loop::drop_callbacks() noexcept {
  state_->take_posted();
  while (!state_->ready.empty() || !state_->timers.empty()) {
    cancel_timers(*state_);
    while (!state_->ready.empty()) {
      detail::Node& node = state_->ready.pop_front();
      if (drop_if_callback(node)) continue;
      if (auto* callback = dynamic_cast<detail::DoneCallback*>(&node)) {
        callback->future->drop_reference();
        delete callback;
      } else {
        node.orphan();
      }
    }
  }
}

void Loop::close() {
  if (state_->running) throw RuntimeError("Cannot close a running event loop");
  if (state_->closed) return;
  state_->closed = true;
  auto& resources = services_->resources;
  for (auto* link = resources.first(); link != nullptr; link = resources.after(*link))
    static_cast<detail::OpenResource*>(link)->warn_if_open();
  while (!resources.empty()) resources.pop_front();  // those who live on must not find us
  detail::uninstall_all_signals(*state_);
  for (auto& [fd, callbacks] : services_->fd_callbacks) backend_->forget(fd);
  services_->fd_callbacks.clear();
  services_->signal_callbacks.clear();
  // Timers and queued callbacks go; tasks that are pending stay, to be asked.
  state_->take_posted();
  cancel_timers(*state_);
  detail::NodeList kept;
  while (!state_->ready.empty()) {
    detail::Node& node = state_->ready.pop_front();
    if (!drop_if_callback(node)) kept.push_back(node);
  }
  state_->ready.splice_back(kept);
  services_->executor.reset();
}

std::string Loop::repr() const {
  return std::string("<Loop running=") + (is_running() ? "True" : "False") +
         " closed=" + (is_closed() ? "True" : "False") +
         " debug=" + (get_debug() ? "True" : "False") + " backend=" + backend_->name() + ">";
}

// ---- running

void Loop::check_open() const {
  if (state_->closed) [[unlikely]]
    throw RuntimeError("Event loop is closed");
}

void Loop::check_carefully() const {
  check_open();
  state_->check_thread();
}

void Loop::check_can_run() const {
  check_open();
  if (state_->running) throw RuntimeError("This event loop is already running");
  if (detail::tls_scheduler != nullptr)
    throw RuntimeError("Cannot run the event loop while another loop is running");
}

void Loop::run_forever() {
  check_can_run();
  detail::RunningScope scope(*state_);
  state_->run_until_stopping();
}

void Loop::run_until_done(detail::FutureBase& future, bool own_task) {
  check_can_run();
  if (future.scheduler() != state_)
    throw ValueError("The future belongs to a different loop than the one that runs it");
  detail::StopWhenDone stop_when_done(*state_);
  if (future.done())
    stop_when_done.notify();
  else
    future.add_waiter(stop_when_done);
  try {
    run_forever();
  } catch (...) {
    if (own_task && future.done() && !future.cancelled()) future.mark_retrieved();
    throw;
  }
  if (!future.done()) throw RuntimeError("Event loop stopped before Future completed.");
}

// ---- callbacks

Loop::BlockPtr Loop::post(BlockPtr block, CallbackOptions& options) {
  check_open();
  block->context.enter(options.context);
  block->keep_for_loop();
  if (detail::tls_scheduler == state_)
    state_->push_ready(*block);
  else
    state_->post(*block);
  return block;
}

// ---- errors nobody awaits

void Loop::set_exception_handler(ExceptionHandler handler) {
  services_->exception_handler = std::move(handler);
}

ExceptionHandler Loop::get_exception_handler() const { return services_->exception_handler; }

void Loop::call_exception_handler(const ExceptionContext& context) noexcept {
  try {
    if (!services_->exception_handler) {
      default_exception_handler(context);
      return;
    }
    try {
      const ExceptionHandler handler = services_->exception_handler;  // it may replace itself
      handler(*this, context);
    } catch (...) {
      default_exception_handler({.message = "Unhandled error in exception handler",
                                 .exception = std::current_exception()});
    }
  } catch (...) {
    logging::log(LogLevel::error, "Exception in default exception handler");
  }
}

void Loop::default_exception_handler(const ExceptionContext& context) {
  std::string text =
      context.message.empty() ? "Unhandled exception in event loop" : context.message;
  if (context.exception) text += "\n  exception: " + describe(context.exception);
  if (context.task) text += "\n  task: " + context.task->repr();
  if (context.task) {
    const std::string traceback = context.task->base().traceback();
    if (!traceback.empty()) text += "\n" + traceback.substr(0, traceback.size() - 1);
  }
  if (context.handle) text += "\n  handle: " + context.handle->repr();
  logging::log(LogLevel::error, text);
}

void Loop::set_debug(bool enabled) noexcept {
  // relaxed: a switch; who drops a coroutine in another thread meanwhile may see either.
  if (enabled != state_->debug)
    detail::debug_loops.fetch_add(enabled ? 1 : -1, std::memory_order_relaxed);
  state_->debug = enabled;
  state_->decide_watching();
}

void Loop::measure_steps(bool enabled) noexcept {
  state_->measures = enabled;
  state_->decide_watching();
}

Duration LoopStats::quantile(const Histogram& times, double share) noexcept {
  std::uint64_t all = 0;
  for (const std::uint64_t count : times) all += count;
  if (all == 0) return Duration(0);
  const double wanted = share * static_cast<double>(all);
  std::uint64_t met = 0;
  std::size_t i = 0;
  while (i + 1 < times.size() && static_cast<double>(met += times[i]) < wanted) ++i;
  return Duration(std::int64_t{2} << i);
}

LoopStats Loop::stats() const noexcept {
  LoopStats stats;
  for (auto* task = state_->tasks.first(); task != nullptr; task = state_->tasks.after(*task))
    ++stats.tasks;
  for (auto* node = state_->ready.first(); node != nullptr; node = state_->ready.after(*node))
    ++stats.ready;
  stats.timers = state_->timers.size();
  stats.passes = state_->passes;
  timespec busy{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &busy) == 0)
    stats.busy = std::chrono::seconds(busy.tv_sec) + Duration(busy.tv_nsec);
  const detail::IoCounts& counts = backend_->counts();
  const auto of = [&counts](detail::IoOperation what) {
    return counts[static_cast<std::size_t>(what)];
  };
  using enum detail::IoOperation;
  stats.operations = {of(wait),
                      of(receive) + of(receive_from),
                      of(send) + of(send_vectored) + of(send_to) + of(send_file),
                      of(accept),
                      of(connect),
                      of(read),
                      of(write),
                      of(spawn),
                      0};
  for (std::size_t i = static_cast<std::size_t>(open); i < counts.size(); ++i)
    stats.operations.files += counts[i];
  stats.slowest_step = services_->times.steps.slowest;
  stats.steps = services_->times.steps.times;
  stats.slowest_pass = services_->times.passes.slowest;
  stats.latency = services_->times.passes.times;
  return stats;
}

void Loop::set_task_factory(TaskFactory factory) noexcept {
  state_->eager_tasks = factory == TaskFactory::eager;
}
TaskFactory Loop::get_task_factory() const noexcept {
  return state_->eager_tasks ? TaskFactory::eager : TaskFactory::standard;
}

// ---- file descriptors

namespace {

detail::FdCallbacks& callbacks_of(detail::LoopServices& services, Scheduler& scheduler, int fd) {
  auto& slot = services.fd_callbacks[fd];
  if (!slot) slot = std::make_unique<detail::FdCallbacks>(scheduler);
  return *slot;
}

}  // namespace

void Loop::add_reader(int fd, std::function<void()> callback) {
  check_usable();
  auto& callbacks = callbacks_of(*services_, *state_, fd);
  if (callbacks.reader) callbacks.reader->cancel();
  callbacks.reader = make_callback(std::move(callback), false);
  callbacks.reader->context.enter(std::nullopt);
  backend_->watch_level(fd, callbacks, true, static_cast<bool>(callbacks.writer));
  state_->poll_in_next_pass();
}

void Loop::add_writer(int fd, std::function<void()> callback) {
  check_usable();
  auto& callbacks = callbacks_of(*services_, *state_, fd);
  if (callbacks.writer) callbacks.writer->cancel();
  callbacks.writer = make_callback(std::move(callback), false);
  callbacks.writer->context.enter(std::nullopt);
  backend_->watch_level(fd, callbacks, static_cast<bool>(callbacks.reader), true);
  state_->poll_in_next_pass();
}

bool Loop::remove_reader(int fd) {
  auto found = services_->fd_callbacks.find(fd);
  if (found == services_->fd_callbacks.end() || !found->second->reader) return false;
  detail::FdCallbacks& callbacks = *found->second;
  callbacks.reader->cancel();
  callbacks.reader = {};
  backend_->watch_level(fd, callbacks, false, static_cast<bool>(callbacks.writer));
  if (!callbacks.writer) services_->fd_callbacks.erase(found);
  return true;
}

bool Loop::remove_writer(int fd) {
  auto found = services_->fd_callbacks.find(fd);
  if (found == services_->fd_callbacks.end() || !found->second->writer) return false;
  detail::FdCallbacks& callbacks = *found->second;
  callbacks.writer->cancel();
  callbacks.writer = {};
  backend_->watch_level(fd, callbacks, static_cast<bool>(callbacks.reader), false);
  if (!callbacks.reader) services_->fd_callbacks.erase(found);
  return true;
}

Loop& get_running_loop() { return *detail::current_scheduler().loop; }

Loop* find_running_loop() noexcept {
  return detail::tls_scheduler == nullptr ? nullptr : detail::tls_scheduler->loop;
}

}  // namespace asyncio
