// scheduler.hpp: the hot state of one loop: ready queue, timers, the running task.
// Loop (events.hpp) is its face to users; futures and tasks point here, so that they can be asked
// and dropped after their loop is gone. The rules of a pass are in scheduler.cpp.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "asyncio/base/clock.hpp"
#include "asyncio/core/context.hpp"
#include "asyncio/core/instrument.hpp"
#include "asyncio/core/node.hpp"

namespace asyncio {
class Loop;
struct ExceptionContext;
}  // namespace asyncio

namespace asyncio::detail {

class TaskBase;
class IoBackend;
class CallbackBlock;
class Recorder;
struct TaskLink : Link {};
struct GeneratorLink : Link {};

// Sees every step of a watched loop; for tests and tracing (Scheduler::observe).
class StepObserver {
 public:
  // After a step of a task, which may be gone, or with null of a callback.
  virtual void stepped(const TaskBase* task) = 0;

 protected:
  ~StepObserver() = default;
};

// Decides in which order runs what other threads have posted; for tests, since between threads
// no order was promised.
class ArrivalOrder {
 public:
  // On the posting thread, before the loop can see the block.
  virtual void posted(CallbackBlock& block) noexcept = 0;
  // On the loop's thread: something has come, and so many threads are expected to post. May wait
  // for them a while.
  virtual void gather(int expected) noexcept = 0;
  // What has come, linked by next_posted, oldest first; the result is run in its order.
  virtual CallbackBlock* arrange(CallbackBlock* oldest) noexcept = 0;

 protected:
  ~ArrivalOrder() = default;
};

struct Scheduler {
  // Awaits in a row that need not suspend before an I/O, queue or lock await yields.
  static constexpr int kBudget = 128;

  Scheduler();
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Passes, one at least, until `stopping`. What a handle throws through (KeyboardInterrupt) ends
  // it; the handles behind that one stay queued.
  void run_until_stopping();
  void push_ready(Node& node) noexcept { ready.push_back(node); }

  // For who has just shown interest in something that may be there already.
  void poll_in_next_pass() noexcept {
    handles_until_poll = 0;
    next_poll_ = TimePoint::min();
  }

  // ---- time
  TimePoint now() noexcept {
    if (time_source != nullptr) [[unlikely]]
      return time_source->now();
    const TimePoint current = clock.now();
    surely_ahead_ = current + std::chrono::seconds(1);
    return current;
  }
  // Whether `when` is now or past. A deadline a second ahead of the last look at the clock counts
  // as ahead: a look takes 10 ns, and there is one every 128 handles and after each sleep.
  bool has_come(TimePoint when) noexcept { return when < surely_ahead_ && when <= now(); }
  void arm(TimerNode& node, TimePoint when) {
    timers.push(when.time_since_epoch().count(), node.slot());
  }
  void disarm(TimerNode& node) noexcept {
    if (node.slot().is_queued()) timers.remove(node.slot());
  }

  // ---- from other threads and signal handlers
  void post(CallbackBlock& block) noexcept;
  // Null ends it.
  void observe(StepObserver* observer) noexcept {
    observer_ = observer;
    decide_watching();
  }
  void end_recording() noexcept;

  // In debug mode: throws RuntimeError in a thread other than the one that runs the loop.
  void check_thread() const {
    if (debug) [[unlikely]]
      check_thread_in_debug();
  }

  // ---- errors nobody awaits
  void report(const ExceptionContext& context) noexcept;

  // True where the await that asks may complete at once; false once the budget is used up.
  bool take_budget() noexcept { return --budget > 0; }

  void add_reference() noexcept { ++references; }
  void drop_reference() noexcept {
    if (--references == 0) [[unlikely]]
      destroy();
  }

  NodeList ready;
  TaskBase* current_task = nullptr;
  int budget = kBudget;
  bool stopping = false;
  bool running = false;
  bool closed = false;
  bool debug = false;
  bool watched = false;      // debug, an observer, or to be recorded: steps take the slow way
  bool measures = false;     // steps and passes are timed
  bool eager_tasks = false;  // the loop's task factory wants them
  // Poll the kernel after so many handles while they keep coming; 1 is CPython's order exactly.
  int poll_interval = 1;
  int handles_until_poll = 0;
  std::uint64_t passes = 0;
  IntrusiveList<TaskLink> tasks;            // all that are not done, in creation order
  IntrusiveList<GeneratorLink> generators;  // started and not finished
  NodeList idle_waiters;                    // woken one by one when there is nothing else to do
  int outside_work = 0;                     // threads that will post: virtual time must wait
  TimerHeap timers;
  FastClock clock;
  TimeSource* time_source = nullptr;  // null: the real clock
  ContextSlot callback_context;       // the context while no task runs
  IoBackend* backend = nullptr;
  Loop* loop = nullptr;  // null once the Loop object is gone
  std::uint32_t references = 1;
  LoopTimes* times = nullptr;                // of the Loop; null once that is gone
  const std::uint64_t* io_counts = nullptr;  // the backend's IoCounts
  LoopLink shown;                            // to who looks from outside
  std::uintptr_t thread = 0;                 // the thread that runs the loop, 0 while none does
  Duration slow_callback = std::chrono::milliseconds(100);

 private:
  template <class>
  friend struct Shape;
  friend class asyncio::Loop;
  struct Batch;

  void destroy() noexcept;
  void run_once();
  void run_handle(Node& node);
  [[gnu::noinline]] void run_full_pass();
  void run_batch();
  void queue_due_timers();
  void look_at_kernel();
  void poll();
  void wait_for_work();
  void sleep_in_backend();
  [[gnu::noinline]] bool take_posted() noexcept;
  void run_watched(Node& node);
  void decide_watching() noexcept;
  void run_recorded(Node& node);
  void run_timed(Node& node);
  void run_in_debug(Node& node);
  void run_measured(Node& node);
  void add_time(Duration took) noexcept {
    if (times != nullptr) times->add_step(passes, took);
  }
  void check_thread_in_debug() const;
  void report_slow(Duration took, const std::string& who);

  StepObserver* observer_ = nullptr;
  std::unique_ptr<Recorder> recorder_;
  std::atomic<CallbackBlock*> posted_{nullptr};  // a stack, newest first
  std::atomic<bool> asleep_{false};
  TimePoint next_poll_ = TimePoint::min();
  TimePoint surely_ahead_ = TimePoint::max();  // max(): look at the clock
  std::atomic<std::uint64_t> signals_{0};      // bit n-1: signal n arrived
  void (*deliver_signals_)(Scheduler&, std::uint64_t) = nullptr;

 public:
  void raise_signal(int number) noexcept;  // async-signal-safe
  void set_signal_delivery(void (*deliver)(Scheduler&, std::uint64_t)) noexcept {
    deliver_signals_ = deliver;
  }
  // Here, since other threads read it with posted_. Set before they know the loop.
  ArrivalOrder* arrivals = nullptr;
};

// The scheduler whose loop runs on this thread, or null.
extern constinit thread_local Scheduler* tls_scheduler __attribute__((tls_model("initial-exec")));

[[noreturn]] void throw_no_running_loop();

// Throws RuntimeError("no running event loop").
inline Scheduler& current_scheduler() {
  if (Scheduler* scheduler = tls_scheduler) [[likely]]
    return *scheduler;
  throw_no_running_loop();
}

}  // namespace asyncio::detail
