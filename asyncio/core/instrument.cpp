#include "asyncio/core/instrument.hpp"

#include <cxxabi.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <mutex>

#include "asyncio/base/config.hpp"
#include "asyncio/core/events.hpp"
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
};
template <>
struct Shape<WaitNode> {
  static constexpr const char* kLabel = "wait";
  static inline constinit WaitKind kind{.type = &typeid(WaitNode),
                                        .labels = &kLabel,
                                        .label_in = offsetof(WaitNode, queue_),
                                        .label_at = Shape<WaitQueue>::kLabelAt,
                                        .told = offsetof(WaitNode, task_)};
};
template <>
struct Shape<TimerNode> {
  static constexpr std::int32_t kSlot = offsetof(TimerNode, slot_);
};
template <>
struct Shape<Sleep> {
  static constexpr const char* kLabel = "sleep";
  static inline constinit WaitKind kind{.type = &typeid(Sleep),
                                        .labels = &kLabel,
                                        .told = offsetof(Sleep, task_),
                                        .timer = Shape<TimerNode>::kSlot};
};

namespace {

const ShownKind kShowFutureWait(Shape<FutureWait>::kind);
const ShownKind kShowWhenDone(Shape<WhenDone>::kind);
const ShownKind kShowWaitNode(Shape<WaitNode>::kind);
const ShownKind kShowSleep(Shape<Sleep>::kind);

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
struct Shape<CoroPromiseBase> {
  static constexpr std::uint32_t kCaller = offsetof(CoroPromiseBase, caller_);
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
    layout.task_leaf = offsetof(TaskBase, leaf_);
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

const void* virtual_table_of(const std::type_info& type) noexcept {
  const void* table;
  std::memcpy(&table, static_cast<const void*>(&type), sizeof(table));
  return table;
}

void describe_layout(RegistryLayout& layout) noexcept {
  layout.loop_id = offsetof(LoopLink, id);
  layout.loop_thread = offsetof(LoopLink, thread_id);
  layout.loop_link = offsetof(Scheduler, shown);
  layout.loop_running = offsetof(Scheduler, running);
  layout.loop_current = offsetof(Scheduler, current_task);
  layout.loop_tasks = offsetof(Scheduler, tasks);
  layout.loop_passes = offsetof(Scheduler, passes);
  layout.loop_timers = offsetof(Scheduler, timers) + Shape<TimerHeap>::kEntries;
  layout.task_state = Shape<FutureBase>::kState;
  layout.task_waiters = Shape<FutureBase>::kWaiters;
  layout.task_flags = Shape<FutureBase>::kFlags;
  Shape<TaskBase>::describe(layout);
  layout.promise_caller = Shape<CoroPromiseBase>::kCaller;
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
}

void hide_loop(Scheduler& scheduler) noexcept {
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

const Registry& registry() noexcept { return asyncio_registry; }

}  // namespace asyncio::detail
