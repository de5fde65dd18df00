// scheduler.cpp: one pass of the loop.
//
//   1. poll: I/O completions are queued behind the handles that are ready already. The kernel is
//      asked when nothing is ready, and else every poll_interval handles, but not more often than
//      every kPollPeriod.
//   2. timers that are due are queued behind those, by deadline.
//   3. exactly what is queued now is run; what that queues waits for the next pass.
#include "asyncio/core/scheduler.hpp"

#include <pthread.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include "asyncio/base/logging.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/core/recorder.hpp"
#include "asyncio/core/services.hpp"
#include "asyncio/io/backend.hpp"

namespace asyncio::detail {

constinit thread_local Scheduler* tls_scheduler = nullptr;

TimerNode& TimerNode::of(TimerSlot& slot) noexcept {
  // slot_ is the only member; offsetof of a non-standard-layout class is what compilers give.
  const TimerNode* const null = nullptr;
  const auto offset = reinterpret_cast<std::uintptr_t>(&null->slot_);
  return *reinterpret_cast<TimerNode*>(reinterpret_cast<std::uintptr_t>(&slot) - offset);
}

void throw_no_running_loop() { throw RuntimeError("no running event loop"); }

Scheduler::Scheduler() = default;

Scheduler::~Scheduler() {
  while (!generators.empty()) generators.pop_front();  // a generator may outlive its loop
}

void Scheduler::destroy() noexcept { delete this; }

// The handles of one pass, taken out of the queue. Where one throws, the rest goes back.
struct Scheduler::Batch {
  explicit Batch(NodeList& ready) noexcept : queue(ready) { nodes.splice_back(ready); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  ~Batch() {
    if (!nodes.empty()) [[unlikely]]
      queue.splice_front(nodes);
  }

  NodeList nodes;
  NodeList& queue;
};

void Scheduler::run_until_stopping() {
  const ContextScope none(nullptr);  // run() may be called within Context::run()
  handles_until_poll = 0;            // the first pass polls
  do {
    run_once();
  } while (!stopping);
}

inline void Scheduler::run_handle(Node& node) {
  if (watched) [[unlikely]]
    run_watched(node);
  else
    node.run();  // may throw KeyboardInterrupt
}

// One handle is ready and nothing else to look at: so it is where tasks pass the turn on to each
// other. In the loop itself, and without a list: 28 instructions a pass where it took 45.
[[gnu::always_inline]] inline void Scheduler::run_once() {
  // A post that is missed here is seen a pass later.
  if (ready.only() != nullptr && handles_until_poll > 0 && timers.empty() &&
      posted_.load(std::memory_order_relaxed) == nullptr) [[likely]] {
    ++passes;
    --handles_until_poll;
    run_handle(ready.pop_only());
  } else {
    run_full_pass();
  }
}

void Scheduler::run_full_pass() {
  if (handles_until_poll <= 0 || ready.empty())
    look_at_kernel();
  else if (posted_.load(std::memory_order_relaxed) != nullptr)
    take_posted();
  if (!timers.empty()) queue_due_timers();
  ++passes;
  if (ready.only() != nullptr) {
    --handles_until_poll;
    run_handle(ready.pop_only());
  } else {
    run_batch();
  }
}

void Scheduler::run_batch() {
  int ran = 0;
  for (Batch batch(ready); !batch.nodes.empty(); ++ran) run_handle(batch.nodes.pop_front());
  handles_until_poll -= ran;
}

// 128 cheap handles take 1 us, a look at the kernel 0.2 us: without the period, 1.7 ns a handle.
void Scheduler::look_at_kernel() {
  constexpr Duration kPollPeriod = std::chrono::microseconds(10);
  // relaxed: a signal that is missed here is seen 128 handles later.
  const bool may_wait = !ready.empty() && !stopping && poll_interval > 1 &&
                        time_source == nullptr && signals_.load(std::memory_order_relaxed) == 0;
  if (may_wait) {
    const TimePoint current = now();
    if (current < next_poll_) {
      handles_until_poll = poll_interval;
      take_posted();
      return;
    }
    next_poll_ = current + kPollPeriod;
  }
  poll();
}

void Scheduler::poll() {
  const bool idle = ready.empty();
  handles_until_poll = poll_interval;
  if (take_posted() || !idle || stopping)
    backend->wait(0);
  else
    wait_for_work();
  surely_ahead_ = TimePoint::max();  // that may have taken long
  take_posted();
  if (const std::uint64_t arrived = signals_.exchange(0, std::memory_order_acquire);
      arrived != 0 && deliver_signals_ != nullptr) [[unlikely]]
    deliver_signals_(*this, arrived);
  if (is_asked_from_outside()) [[unlikely]]
    watched = true;
}

// Nothing is ready. What waits for exactly that (all_tasks_blocked(), virtual time) gets its turn
// only if the kernel has nothing either.
void Scheduler::wait_for_work() {
  if (time_source != nullptr || !idle_waiters.empty()) {
    backend->wait(0);
    if (!ready.empty() || take_posted()) return;
    const bool timer_due =
        !timers.empty() && timers.next_deadline() <= now().time_since_epoch().count();
    if (timer_due) return;
    if (outside_work == 0 && !idle_waiters.empty()) {
      idle_waiters.pop_front().notify();
      return;
    }
  }
  sleep_in_backend();
}

void Scheduler::sleep_in_backend() {
  std::int64_t timeout = IoBackend::kForever;
  if (!timers.empty()) {
    const TimePoint deadline{Duration(timers.next_deadline())};
    if (time_source != nullptr && outside_work == 0 && time_source->jump_to(deadline)) return;
    const TimePoint current = time_source != nullptr ? time_source->now() : clock.refresh();
    // A day at most: backends need not take more.
    timeout = std::clamp<std::int64_t>((deadline - current).count(), 0, 86'400'000'000'000);
  }
  // seq_cst, with post() and raise_signal(): either they see us asleep, or we see what they left.
  asleep_.store(true);
  if (posted_.load() != nullptr || signals_.load() != 0) timeout = 0;
  backend->wait(timeout);
  asleep_.store(false, std::memory_order_relaxed);
}

void Scheduler::queue_due_timers() {
  timers.pop_due(now().time_since_epoch().count(),
                 [](TimerSlot& slot) { TimerNode::of(slot).notify(); });
}

bool Scheduler::take_posted() noexcept {
  if (arrivals != nullptr && posted_.load() != nullptr) [[unlikely]]
    arrivals->gather(outside_work);
  // acquire: pairs with the release in post().
  CallbackBlock* newest = posted_.exchange(nullptr, std::memory_order_acquire);
  if (newest == nullptr) return false;
  CallbackBlock* oldest = nullptr;
  while (newest != nullptr) {  // a stack: reversed, it is in order of arrival
    CallbackBlock* next = newest->next_posted;
    newest->next_posted = oldest;
    oldest = newest;
    newest = next;
  }
  if (arrivals != nullptr) [[unlikely]]
    oldest = arrivals->arrange(oldest);
  while (oldest != nullptr) {
    CallbackBlock* next = oldest->next_posted;
    push_ready(*oldest);
    oldest = next;
  }
  return true;
}

void Scheduler::post(CallbackBlock& block) noexcept {
  if (arrivals != nullptr) [[unlikely]]
    arrivals->posted(block);
  CallbackBlock* head = posted_.load(std::memory_order_relaxed);
  do {
    block.next_posted = head;
  } while (!posted_.compare_exchange_weak(head, &block));  // seq_cst: see sleep_in_backend
  // Only the first post to a sleeping loop pays for the system call.
  if (asleep_.load() && asleep_.exchange(false)) backend->wake();
}

namespace {

// "12 (worker)"; without the name where the thread is gone.
std::string name_of_thread(std::int32_t id) {
  std::ifstream file("/proc/self/task/" + std::to_string(id) + "/comm");
  std::string name;
  std::getline(file, name);
  return std::to_string(id) + (name.empty() ? "" : " (" + name + ")");
}

}  // namespace

void Scheduler::check_thread_in_debug() const {
  if (thread == 0 || thread == static_cast<std::uintptr_t>(pthread_self())) return;
  throw RuntimeError(
      "Non-thread-safe operation invoked on an event loop other than the current one\n"
      "  the loop runs in thread " +
      name_of_thread(shown.thread_id) + "\n  called in thread " + name_of_thread(this_thread_id()) +
      "\n  instead: call_soon_threadsafe(), from other threads");
}

void Scheduler::raise_signal(int number) noexcept {
  signals_.fetch_or(std::uint64_t{1} << (number - 1));
  backend->wake();
}

void Scheduler::report(const ExceptionContext& context) noexcept {
  if (loop != nullptr) {
    loop->call_exception_handler(context);
    return;
  }
  std::string text = context.message;
  if (context.exception) text += "\n  exception: " + describe(context.exception);
  logging::log(LogLevel::error, text);
}

namespace {

// The task whose step it is: of the node itself, or of the one who waits in it (a queue's getter).
StatePtr<TaskBase> task_of(Node& node) {
  if (auto* task = dynamic_cast<TaskBase*>(&node)) return StatePtr<TaskBase>::share(task);
  return StatePtr<TaskBase>::share(told_task(node));
}

std::string place_in(const TaskBase& task) {
  const std::vector<StackFrame> stack = task.get_stack();
  if (stack.empty()) return "its end";
  return stack.back().function + " at " + stack.back().where.file_name() + ":" +
         std::to_string(stack.back().where.line());
}

}  // namespace

void Scheduler::run_watched(Node& node) {
  const TaskBase* const task = observer_ != nullptr ? stepping_task(node) : nullptr;
  if (recorder_ == nullptr && Recorder::is_wanted()) recorder_ = Recorder::start(*this);
  if (recorder_ != nullptr)
    run_recorded(node);
  else
    run_timed(node);
  if (observer_ != nullptr) observer_->stepped(task);
  // In vain, where recording is over or cannot be.
  decide_watching();
}

void Scheduler::decide_watching() noexcept {
  watched = debug || measures || observer_ != nullptr || recorder_ != nullptr ||
            registry_control().measure_until.load(std::memory_order_relaxed) != 0;
}

void Scheduler::run_recorded(Node& node) {
  {
    const Recorder::Step step(*recorder_, node);
    run_timed(node);
  }
  if (recorder_->is_over()) end_recording();
}

void Scheduler::end_recording() noexcept { recorder_.reset(); }

void Scheduler::run_timed(Node& node) {
  if (debug)
    run_in_debug(node);
  else if (measures || registry_control().measure_until.load(std::memory_order_relaxed) != 0)
    run_measured(node);
  else
    node.run();
}

void Scheduler::run_measured(Node& node) {
  const TimePoint start = clock.refresh();
  node.run();
  if (measures || is_measured_from_outside(start)) add_time(clock.refresh() - start);
}

void Scheduler::run_in_debug(Node& node) {
  const StatePtr<TaskBase> task = task_of(node);
  std::string who = task ? task->repr() : name_of_callback(node);
  std::string from = task ? place_in(*task) : std::string();
  const TimePoint start = clock.refresh();
  node.run();  // may destroy the node
  const Duration took = clock.refresh() - start;
  add_time(took);
  if (took >= slow_callback) {
    if (task) who += "\n  from: " + from + "\n  to:   " + place_in(*task);
    report_slow(took, who);
  }
}

void Scheduler::report_slow(Duration took, const std::string& who) {
  const std::int64_t ms = took.count() / 1'000'000;
  std::string fraction = std::to_string(ms % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  const std::size_t first_line = std::min(who.find('\n'), who.size());
  logging::log(LogLevel::warning, "Executing " + who.substr(0, first_line) + " took " +
                                      std::to_string(ms / 1000) + "." + fraction + " seconds" +
                                      who.substr(first_line));
}

}  // namespace asyncio::detail
