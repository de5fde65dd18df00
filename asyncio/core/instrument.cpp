#include "asyncio/core/instrument.hpp"

#include <cxxabi.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>

#include "asyncio/base/config.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/core/recorder.hpp"
#include "asyncio/core/sleep.hpp"
#include "asyncio/core/wait_queue.hpp"
#include "asyncio/core/when_done.hpp"

#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // of classes with bases: all compilers give it

extern "C" {
// Hidden, so that the note below can name it by its distance.
[[gnu::used, gnu::visibility("hidden")]] constinit asyncio::detail::Registry asyncio_registry;
}

// name "asyncio", type 1, and the distance from here to the registry. In memory wherever the
// program or the shared library is, also stripped.
__asm__(
    ".pushsection .note.asyncio,\"a\",@note\n"
    ".balign 4\n"
    ".long 8, 4, 1\n"
    ".asciz \"asyncio\"\n"
    "0: .long asyncio_registry - 0b\n"
    ".popsection\n");

namespace asyncio::detail {

// ---- kinds of the kernel

template <>
struct Shape<FutureWait> {
  static constexpr const char* kLabel = "Future";
  static inline constinit WaitKind kind{.type = &typeid(FutureWait),
                                        .labels = &kLabel,
                                        .told = offsetof(FutureWait, task_),
                                        .awaited = offsetof(FutureWait, future_)};
};
template <>
struct Shape<WhenDone> {
  static constexpr const char* kLabel = "wait";
  static inline constinit WaitKind kind{.type = &typeid(WhenDone),
                                        .labels = &kLabel,
                                        .told = offsetof(WhenDone, task_),
                                        .awaited = offsetof(WhenDone, future_)};
};
template <>
struct Shape<WaitQueue> {
  static constexpr std::int32_t kLabelAt = offsetof(WaitQueue, what_);
  static constexpr std::int32_t kHolderAt = offsetof(WaitQueue, holder_);
};
template <>
struct Shape<WaitNode> {
  static constexpr const char* kLabel = "wait";
  static inline constinit WaitKind kind{.type = &typeid(WaitNode),
                                        .labels = &kLabel,
                                        .label_in = offsetof(WaitNode, queue_),
                                        .label_at = Shape<WaitQueue>::kLabelAt,
                                        .holder_at = Shape<WaitQueue>::kHolderAt,
                                        .told = offsetof(WaitNode, task_)};
};
template <>
struct Shape<TimerNode> {
  static constexpr std::int32_t kSlot = offsetof(TimerNode, slot_);
};
template <>
struct Shape<SleepNode> {
  static constexpr const char* kLabel = "sleep";
  static inline constinit WaitKind kind{.type = &typeid(SleepNode),
                                        .labels = &kLabel,
                                        .told = offsetof(SleepNode, task_),
                                        .timer = Shape<TimerNode>::kSlot};
};

namespace {

const ShownKind kShowFutureWait(Shape<FutureWait>::kind);
const ShownKind kShowWhenDone(Shape<WhenDone>::kind);
const ShownKind kShowWaitNode(Shape<WaitNode>::kind);
const ShownKind kShowSleep(Shape<SleepNode>::kind);

std::mutex& registry_mutex() noexcept {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

ShownKind::ShownKind(WaitKind& kind) noexcept {
  kind.next = asyncio_registry.kinds;
  asyncio_registry.kinds = &kind;
}

// ---- the layout

template <>
struct Shape<TimerHeap> {
  static constexpr std::uint32_t kEntries = offsetof(TimerHeap, entries_);
};
template <>
struct Shape<Scheduler> {
  static constexpr std::uint32_t kAsleep = offsetof(Scheduler, asleep_);
};
template <>
struct Shape<CoroPromiseBase> {
  static constexpr std::uint32_t kCaller = offsetof(CoroPromiseBase, caller_);
  static constexpr std::uint32_t kCallee = offsetof(CoroPromiseBase, callee_);
  static constexpr std::uint32_t kWhere = offsetof(CoroPromiseBase, where_);
};
template <>
struct Shape<FutureBase> {
  static constexpr std::uint32_t kState = offsetof(FutureBase, state_);
  static constexpr std::uint32_t kWaiters = offsetof(FutureBase, waiters_);
  static constexpr std::uint32_t kFlags = offsetof(FutureBase, task_flags_);
};
template <>
struct Shape<TaskBase> {
  static void describe(RegistryLayout& layout) noexcept {
    // Where the second base begins: offsetof cannot name it.
    auto* const some = reinterpret_cast<TaskBase*>(std::uintptr_t{1} << 16);
    layout.task_link =
        static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(static_cast<TaskLink*>(some)) -
                                   reinterpret_cast<std::uintptr_t>(some));
    layout.task_requests = offsetof(TaskBase, cancel_requests_);
    layout.task_root = offsetof(TaskBase, root_);
    layout.task_waiter = offsetof(TaskBase, waiter_);
    layout.task_number = offsetof(TaskBase, number_);
    layout.task_extras = offsetof(TaskBase, extras_);
    layout.task_started = TaskBase::kStarted;
    layout.extras_name = offsetof(TaskBase::Extras, name);
    describe_string(layout);
  }
  // How this standard library lays out optional<string> and string.
  static void describe_string(RegistryLayout& layout) noexcept {
    constexpr std::size_t kWords = sizeof(std::string) / sizeof(std::uintptr_t);
    const std::optional<std::string> full(std::string(200, 'x'));
    const std::optional<std::string> empty;
    std::uintptr_t words[kWords];
    std::memcpy(words, &full, sizeof(words));
    layout.string_data = layout.string_size = layout.extras_has_name = ~std::uint32_t{0};
    // Not one word further: what follows may be uninitialised, and optimisers make use of that.
    const auto both = [&] {
      return (layout.string_data | layout.string_size) != ~std::uint32_t{0};
    };
    for (std::uint32_t i = 0; i < kWords && !both(); ++i) {
      const auto at = static_cast<std::uint32_t>(i * sizeof(std::uintptr_t));
      if (words[i] == reinterpret_cast<std::uintptr_t>(full->data())) layout.string_data = at;
      if (words[i] == full->size()) layout.string_size = at;
    }
    layout.extras_has_name = layout.extras_name + sizeof(std::string);
    static_assert(sizeof(full) > sizeof(std::string));
  }
};

namespace {

// By FuturePurpose.
constexpr std::array<const char*, kFuturePurposes> kPurposes{"Future",
                                                             "run_in_executor",
                                                             "file",
                                                             "name look-up",
                                                             "connect",
                                                             "socket",
                                                             "TLS handshake",
                                                             "Server.serve_forever",
                                                             "Server.wait_closed",
                                                             "Process.wait"};

const void* virtual_table_of(const std::type_info& type) noexcept {
  const void* table;
  std::memcpy(&table, static_cast<const void*>(&type), sizeof(table));
  return table;
}

void describe_layout(RegistryLayout& layout) noexcept {
  layout.loop_id = offsetof(LoopLink, id);
  layout.loop_thread = offsetof(LoopLink, thread_id);
  layout.loop_link = offsetof(Scheduler, shown);
  layout.loop_asleep = Shape<Scheduler>::kAsleep;
  layout.loop_running = offsetof(Scheduler, running);
  layout.loop_current = offsetof(Scheduler, current_task);
  layout.loop_tasks = offsetof(Scheduler, tasks);
  layout.loop_passes = offsetof(Scheduler, passes);
  layout.loop_timers = offsetof(Scheduler, timers) + Shape<TimerHeap>::kEntries;
  layout.loop_times = offsetof(Scheduler, times);
  layout.loop_counts = offsetof(Scheduler, io_counts);
  layout.purposes = kPurposes.data();
  layout.purpose_count = static_cast<std::uint32_t>(kPurposes.size());
  layout.task_state = Shape<FutureBase>::kState;
  layout.task_waiters = Shape<FutureBase>::kWaiters;
  layout.task_flags = Shape<FutureBase>::kFlags;
  Shape<TaskBase>::describe(layout);
  layout.promise_caller = Shape<CoroPromiseBase>::kCaller;
  layout.promise_callee = Shape<CoroPromiseBase>::kCallee;
  layout.promise_where = Shape<CoroPromiseBase>::kWhere;
  layout.slot_index = offsetof(TimerSlot, index);
  layout.single_base = virtual_table_of(typeid(FutureWait));
  layout.several_bases = virtual_table_of(typeid(TaskBase));
}

}  // namespace

// ---- loops

void show_loop(Scheduler& scheduler) noexcept {
  static std::uint64_t last_id = 0;
  const std::lock_guard held(registry_mutex());
  Registry& shown = asyncio_registry;
  if (shown.loops.next == nullptr) {
    describe_layout(shown.layout);
    std::strncpy(shown.library, ASYNCIO_VERSION, sizeof(shown.library) - 1);
    shown.loops.prev = &shown.loops;
    shown.loops.next = &shown.loops;
  }
  LoopLink& link = scheduler.shown;
  link.id = ++last_id;
  link.thread_id = this_thread_id();
  link.next = &shown.loops;
  link.prev = shown.loops.prev;
  link.prev->next = &link;
  shown.loops.prev = &link;
  if (Recorder::is_wanted_by_environment()) {
    std::uint32_t nobody = 0;
    shown.recording.wanted.compare_exchange_strong(nobody, kWantedByEnvironment);
  }
  if (Recorder::is_wanted()) scheduler.watched = true;
}

void hide_loop(Scheduler& scheduler) noexcept {
  scheduler.end_recording();
  const std::lock_guard held(registry_mutex());
  if (scheduler.shown.is_linked()) scheduler.shown.unlink();
}

std::int32_t this_thread_id() noexcept {
  static thread_local const std::int32_t id = gettid();
  return id;
}

// ---- kinds

const WaitKind* kind_of(const Node& node) noexcept {
  const std::type_info* type = &typeid(node);
  while (type != nullptr) {
    for (const WaitKind* kind = asyncio_registry.kinds; kind != nullptr; kind = kind->next)
      if (*kind->type == *type) return kind;
    // Only single inheritance: a node comes first in what derives from it.
    const auto* single = dynamic_cast<const abi::__si_class_type_info*>(type);
    type = single != nullptr ? single->__base_type : nullptr;
  }
  return nullptr;
}

namespace {

// The member at `offset` of an object; pointers are null where there is no such member.
template <class T>
T member(const void* object, std::int32_t offset) noexcept {
  T value{};
  if (object != nullptr && offset >= 0)
    std::memcpy(&value, static_cast<const std::byte*>(object) + offset, sizeof(value));
  return value;
}

// "held by Task-1"; the task may be gone, so it is looked for among those that are there.
std::string holder_of(const TaskBase* holder, const Node& node) {
  const TaskBase* waiter = told_task(node);
  if (holder == nullptr || waiter == nullptr) return "";
  auto& tasks = waiter->scheduler()->tasks;
  for (TaskLink* link = tasks.first(); link != nullptr; link = tasks.after(*link))
    if (static_cast<TaskBase*>(link) == holder) return "held by " + holder->get_name();
  return "";
}

}  // namespace

TaskBase* told_task(const Node& node) noexcept {
  const WaitKind* kind = kind_of(node);
  if (kind == nullptr || kind->told_at >= 0) return nullptr;
  return member<TaskBase*>(&node, kind->told);
}

TaskBase* stepping_task(Node& node) noexcept {
  if (auto* task = dynamic_cast<TaskBase*>(&node)) return task;
  const WaitKind* kind = kind_of(node);
  return kind != nullptr && kind->runs_told ? told_task(node) : nullptr;
}

TaskBase* awaiter_of(const TaskBase& task) noexcept {
  constexpr int kMostHops = 32;
  auto* list = reinterpret_cast<const NodeList*>(reinterpret_cast<const std::byte*>(&task) +
                                                 asyncio_registry.layout.task_waiters);
  for (int hop = 0; hop < kMostHops && list != nullptr; ++hop) {
    const Node* const node = const_cast<NodeList*>(list)->first();
    const WaitKind* const kind = node != nullptr ? kind_of(*node) : nullptr;
    if (kind == nullptr || kind->told < 0) return nullptr;
    auto* target = member<void*>(node, kind->told);
    if (kind->told_at >= 0) target = member<void*>(target, kind->told_at);
    if (!kind->told_is_list) return static_cast<TaskBase*>(target);
    list = static_cast<const NodeList*>(target);
  }
  return nullptr;
}

std::string wait_label(std::string_view owner) {
  if (owner == "<asyncio.queues.Queue.join>") return "Queue.join";
  constexpr std::string_view kPrefix = "<asyncio.locks.";
  if (owner.starts_with(kPrefix)) owner.remove_prefix(kPrefix.size());
  const std::string name(owner.substr(0, owner.find(' ')));
  if (name == "Lock" || name == "Semaphore" || name == "BoundedSemaphore") return name + ".acquire";
  return name + ".wait";
}

namespace {

// "pid 12"
std::string number_of(const Node& node, const WaitKind& kind) {
  if (kind.number_at < 0) return "";
  const void* object = &node;
  if (kind.number_in >= 0) object = member<const void*>(object, kind.number_in);
  if (object == nullptr) return "";
  return std::string(kind.number_name) + " " + std::to_string(member<int>(object, kind.number_at));
}

}  // namespace

const char* purpose_of(const FutureBase& future) noexcept {
  const auto purpose = static_cast<std::size_t>(future.purpose());
  return kPurposes[purpose < kPurposes.size() ? purpose : 0];
}

WaitText describe_wait(const Node& node) {
  const WaitKind* kind = kind_of(node);
  if (kind == nullptr) return {typeid(node).name(), ""};
  const auto choice = static_cast<std::int32_t>(member<std::uint8_t>(&node, kind->choice));
  WaitText text{kind->labels[choice < kind->label_count ? choice : 0], ""};
  if (const void* structure = member<const void*>(&node, kind->label_in)) {
    if (const auto* owner = member<const char*>(structure, kind->label_at))
      text.what = wait_label(owner);
    text.detail = holder_of(member<const TaskBase*>(structure, kind->holder_at), node);
  }
  if (const auto* awaited = member<const FutureBase*>(&node, kind->awaited)) {
    if (awaited->purpose() == FuturePurpose::none)
      text.detail = awaited->repr();
    else
      text.what = purpose_of(*awaited);
  }
  if (kind->number_at >= 0) text.detail = number_of(node, *kind);
  if (kind->detail != nullptr) text.detail = kind->detail(node);
  return text;
}

std::string name_of_callback(const Node& node) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> plain(
      abi::__cxa_demangle(typeid(node).name(), nullptr, nullptr, &status), &std::free);
  std::string name = status == 0 ? plain.get() : typeid(node).name();
  constexpr std::string_view kCallback = "asyncio::detail::TypedCallback<";
  if (name.starts_with(kCallback))
    name = name.substr(kCallback.size(), name.size() - kCallback.size() - 1);
  return "<Handle " + name + ">";
}

const Registry& registry() noexcept { return asyncio_registry; }
RecordingControl& registry_control() noexcept { return asyncio_registry.recording; }

bool is_asked_from_outside() noexcept {
  const RecordingControl& control = asyncio_registry.recording;
  return control.wanted.load(std::memory_order_relaxed) != 0 ||
         control.measure_until.load(std::memory_order_relaxed) != 0;
}

bool is_measured_from_outside(TimePoint now) noexcept {
  // relaxed: nothing is read on account of it.
  std::atomic<std::int64_t>& until = asyncio_registry.recording.measure_until;
  std::int64_t wanted = until.load(std::memory_order_relaxed);
  if (wanted == 0) return false;
  if (now.time_since_epoch().count() < wanted) return true;
  until.compare_exchange_strong(wanted, 0, std::memory_order_relaxed);
  return false;
}

}  // namespace asyncio::detail
