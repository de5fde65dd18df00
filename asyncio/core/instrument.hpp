// instrument.hpp: what a process shows of its loops to who looks from outside (`asyncio ps`), and
// how nodes are read, from outside and from inside (debug/call_graph.hpp).
//
// The registry is plain data. A reader finds it through an ELF note, which lies in memory and
// survives strip, and reads the rest by the offsets that stand in it. Nothing here runs while a
// program does: the lists that are shown are those that the kernel keeps anyway.
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "asyncio/base/clock.hpp"
#include "asyncio/base/intrusive_list.hpp"
#include "asyncio/base/shape.hpp"

namespace asyncio::detail {

class Node;
class FutureBase;
class TaskBase;
struct Scheduler;

// To be raised with each change of the structures below, or of what their offsets lead to.
inline constexpr std::uint32_t kRegistryVersion = 3;

// How the nodes of one class are read. Offsets are from the beginning of the node; -1: none.
struct WaitKind {
  const std::type_info* type;
  // What waits there. With `choice`, the offset of a byte, one of several labels; with `label_in`,
  // the offset of a pointer to a structure that has the label at `label_at`.
  const char* const* labels;
  std::int32_t label_count = 1;
  std::int32_t choice = -1;
  std::int32_t label_in = -1;
  std::int32_t label_at = -1;
  std::int32_t holder_at = -1;  // in that structure: the task that has it
  // Who is told: the pointer at `told` is a task; with `told_at`, it leads to a structure that has
  // there a pointer to the task, or to the list of those who are told in turn.
  std::int32_t told = -1;
  std::int32_t told_at = -1;
  bool told_is_list = false;
  bool runs_told = false;     // its turn in the ready queue is a step of that task
  std::int32_t awaited = -1;  // of a pointer to the future or task that is waited for
  std::int32_t timer = -1;    // of the TimerSlot
  // An int that says more, "pid 12": in the node, or in the structure that `number_in` leads to.
  std::int32_t number_in = -1;
  std::int32_t number_at = -1;
  const char* number_name = nullptr;  // "fd" where it is a file descriptor
  // More words about one node, from inside only: who holds the lock, who is the peer.
  std::string (*detail)(const Node& node) = nullptr;
  const WaitKind* next = nullptr;
};

// Offsets, filled in when the first loop is made.
struct RegistryLayout {
  std::uint32_t loop_link, loop_id, loop_thread;  // the last two from the link
  std::uint32_t loop_running, loop_asleep, loop_current, loop_tasks, loop_passes;
  std::uint32_t loop_timers;  // of the pointer to the heap's entries, {deadline, slot} each
  std::uint32_t loop_times;   // of the pointer to LoopTimes
  std::uint32_t loop_counts;  // of the pointer to IoCounts
  std::uint32_t task_link, task_state, task_requests, task_root, task_waiter, task_number;
  std::uint32_t task_extras, task_waiters, task_flags;
  std::uint32_t task_started;  // the bit in the flags
  std::uint32_t extras_name, extras_has_name;
  std::uint32_t string_data, string_size;
  std::uint32_t promise_caller, promise_callee,
      promise_where;  // where: pointer to {file, function, line}
  std::uint32_t slot_index;
  std::uint32_t purpose_count;
  // By the flags of a future that is no task, see FuturePurpose.
  const char* const* purposes;
  // The virtual tables of type_info for single and for multiple inheritance.
  const void* single_base;
  const void* several_bases;
};

// How long things took: times[i] of them 2^i nanoseconds or more, but less than twice that.
struct Durations {
  void add(Duration took) noexcept {
    slowest = std::max(slowest, took);
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 1));
    ++times[std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(ns)) - 1,
                                  times.size() - 1)];
  }
  Duration slowest{0};
  std::array<std::uint64_t, 32> times{};
};

// Of a loop, while it is in debug mode or measured.
struct LoopTimes {
  void add_step(std::uint64_t pass, Duration took) noexcept {
    steps.add(took);
    if (pass != last_pass_ && in_pass_ != Duration::zero())
      passes.add(std::exchange(in_pass_, Duration::zero()));
    last_pass_ = pass;
    in_pass_ += took;
  }
  Durations steps;
  Durations passes;

 private:
  std::uint64_t last_pass_ = 0;
  Duration in_pass_{0};  // the steps of that pass so far
};

// How the process is asked, from outside, to record what its loops do (recorder.hpp), and to
// measure it. Each loop looks here after it has looked at the kernel.
struct RecordingControl {
  std::atomic<std::uint32_t> wanted{0};  // kWanted...
  std::atomic<std::int32_t> fd{-1};      // of the memory that is recorded to
  std::atomic<std::int32_t> error{0};    // errno: why it cannot be
  // CLOCK_MONOTONIC: until then. 0: not at all.
  std::atomic<std::int64_t> measure_until{0};
};
inline constexpr std::uint32_t kWantedFromOutside = 1;
inline constexpr std::uint32_t kWantedByEnvironment = 2;

struct Registry {
  char magic[8] = {'a', 's', 'y', 'n', 'c', 'i', 'o', '\0'};
  std::uint32_t version = kRegistryVersion;
  std::uint32_t size = sizeof(Registry);
  char library[16] = {};  // its version, "0.1.0"
  Link loops;             // of Scheduler::shown; null before the first
  const WaitKind* kinds = nullptr;
  RegistryLayout layout = {};
  RecordingControl recording = {};
};

// A loop's place in the registry.
struct LoopLink : Link {
  std::uint64_t id = 0;        // counts in the process, from 1
  std::int32_t thread_id = 0;  // gettid() of the thread that runs it, or ran it last
};

void show_loop(Scheduler& scheduler) noexcept;
void hide_loop(Scheduler& scheduler) noexcept;
std::int32_t this_thread_id() noexcept;

// Adds a kind to the registry, for the life of the process; an object of static storage.
class ShownKind {
 public:
  explicit ShownKind(WaitKind& kind) noexcept;
};

// The task that waits in this node; null where none does, or it waits for something made of many.
TaskBase* told_task(const Node& node) noexcept;
// The task whose step it is to run this node; null where it is a callback's.
TaskBase* stepping_task(Node& node) noexcept;
// The first task that is told when this one is done: directly, or through a gather, a group, a
// wait.
TaskBase* awaiter_of(const TaskBase& task) noexcept;
// "Lock.acquire" of "<asyncio.locks.Lock object>", which is how a wait queue is called.
std::string wait_label(std::string_view owner);

// What a task waits for, "Lock.acquire", and who or what that is, "held by Task-1".
struct WaitText {
  std::string what;
  std::string detail;
};
// Of a future that is no task: "run_in_executor", or "Future".
const char* purpose_of(const FutureBase& future) noexcept;
// On the loop's thread.
WaitText describe_wait(const Node& node);

// "<Handle main()::{lambda()#1}>" of a callback; of any other node, the name of its class.
std::string name_of_callback(const Node& node);

// The kind of a node's class or of its nearest base class that has one, or null.
const WaitKind* kind_of(const Node& node) noexcept;

const Registry& registry() noexcept;
RecordingControl& registry_control() noexcept;
// True where somebody outside wants anything of it.
bool is_asked_from_outside() noexcept;
// True while somebody outside wants the loops to be measured.
bool is_measured_from_outside(TimePoint now) noexcept;

}  // namespace asyncio::detail
