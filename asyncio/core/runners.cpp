#include "asyncio/core/runners.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "asyncio/base/logging.hpp"
#include "asyncio/core/services.hpp"
#include "asyncio/core/when_done.hpp"

namespace asyncio {
namespace detail {
namespace {

bool is_main_thread() noexcept { return getpid() == gettid(); }

bool sigint_is_default() noexcept {
  struct sigaction action{};
  return sigaction(SIGINT, nullptr, &action) == 0 && action.sa_handler == SIG_DFL;
}

// Ctrl-C while the main task runs.
class SigintScope {
 public:
  SigintScope(Loop& loop, TaskBase& main) : loop_(loop), main_(StatePtr<TaskBase>::share(&main)) {
    if (!is_main_thread() || !sigint_is_default()) return;
    installed_ = true;
    loop_.add_signal_handler(SIGINT, [this] { on_sigint(); });
  }
  SigintScope(const SigintScope&) = delete;
  SigintScope& operator=(const SigintScope&) = delete;
  ~SigintScope() {
    if (installed_ && !loop_.is_closed()) loop_.remove_signal_handler(SIGINT);
  }
  bool interrupted() const noexcept { return count_ > 0; }

 private:
  void on_sigint() {
    if (++count_ == 1 && !main_->done()) {
      main_->cancel("");
      return;
    }
    throw KeyboardInterrupt();
  }

  Loop& loop_;
  StatePtr<TaskBase> main_;
  int count_ = 0;
  bool installed_ = false;
};

Coro<> wait_until_done(std::vector<AnyTask> tasks) {
  for (const AnyTask& task : tasks)
    while (!task.done()) co_await WhenDone(task.base());
}

void report_failures(Loop& loop, const std::vector<AnyTask>& tasks) {
  for (const AnyTask& task : tasks) {
    if (task.cancelled()) continue;
    if (std::exception_ptr error = task.exception(); error && !is_interrupt(error))
      loop.call_exception_handler({.message = "unhandled exception during asyncio.run() shutdown",
                                   .exception = error,
                                   .task = task});
  }
}

// Runs the loop until the tasks are done. An interrupt that one of them throws waits for the rest.
void wait_out(Loop& loop, const std::vector<AnyTask>& tasks, std::exception_ptr& interrupt) {
  for (;;) {
    try {
      loop.run_until_complete(wait_until_done(tasks));
      return;
    } catch (...) {
      interrupt = std::current_exception();
      if (!is_interrupt(interrupt)) throw;
    }
  }
}

// Python cancels one snapshot; here tasks that the cancelled ones started are ended, too.
void cancel_all_tasks(Loop& loop) {
  constexpr int kRounds = 100;
  std::exception_ptr interrupt;  // thrown once nothing is left
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<AnyTask> tasks = all_tasks(loop);
    if (tasks.empty()) break;
    for (const AnyTask& task : tasks) task.cancel();
    wait_out(loop, tasks, interrupt);
    report_failures(loop, tasks);
  }
  for (const AnyTask& task : all_tasks(loop))
    logging::log(LogLevel::warning, "asyncio.run(): this task survived " + std::to_string(kRounds) +
                                        " cancellations and is destroyed: " + task.repr());
  if (interrupt) std::rethrow_exception(interrupt);
}

}  // namespace

void throw_nested_run() {
  throw RuntimeError(
      "asyncio.run() cannot be called from a running event loop\n"
      "  running: " +
      (current_task() ? current_task()->repr() : std::string("a callback")) +
      "\n  instead: co_await the coroutine, or pass it to create_task()");
}

}  // namespace detail

Runner::Runner(RunOptions options) : options_(std::move(options)), context_(copy_context()) {}

Runner::~Runner() {
  try {
    close();
  } catch (...) {
    // An interrupt on its way out is enough.
    if (std::uncaught_exceptions() > 0 && detail::is_interrupt(std::current_exception())) return;
    logging::log(LogLevel::error,
                 "Runner: close() failed in the destructor: " + describe(std::current_exception()));
  }
}

void Runner::prepare(const char* misuse) {
  if (state_ == State::closed) throw RuntimeError("Runner is closed");
  if (detail::tls_scheduler != nullptr) throw RuntimeError(misuse);
  if (state_ == State::initialized) return;
  loop_ = options_.loop_factory ? options_.loop_factory()
                                : std::make_unique<Loop>(LoopOptions{.backend = options_.backend,
                                                                     .debug = options_.debug});
  state_ = State::initialized;
}

Loop& Runner::get_loop() {
  if (state_ == State::closed) throw RuntimeError("Runner is closed");
  if (state_ == State::created) prepare("Runner.get_loop() inside a running event loop");
  return *loop_;
}

void Runner::run_main(detail::TaskBase& main) {
  detail::SigintScope sigint(*loop_, main);
  try {
    loop_->run_until_done(main, true);
    main.throw_unless_result();
  } catch (const CancelledError&) {
    if (sigint.interrupted() && main.cancelled() && main.uncancel() == 0) throw KeyboardInterrupt();
    throw;
  }
}

void Runner::close() {
  if (loop_ && loop_->is_running()) throw RuntimeError("Cannot close a running event loop");
  if (state_ != State::initialized) {
    state_ = State::closed;
    return;
  }
  state_ = State::closed;
  struct Closer {
    Loop& loop;
    ~Closer() { loop.close(); }
  } closer{*loop_};
  detail::cancel_all_tasks(*loop_);
  loop_->run_until_complete(loop_->shutdown_asyncgens());
  loop_->run_until_complete(loop_->shutdown_default_executor());
  detail::cancel_all_tasks(*loop_);  // a server that nobody closed may have started some meanwhile
}

}  // namespace asyncio
