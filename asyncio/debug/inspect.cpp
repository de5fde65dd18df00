#include "asyncio/debug/inspect.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <set>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "asyncio/base/function_name.hpp"
#include "asyncio/core/instrument.hpp"
#include "asyncio/debug/peers.hpp"

namespace asyncio::debug {
namespace {

using detail::Link;
using detail::Registry;
using detail::RegistryLayout;
using detail::WaitKind;

// Bounds of every walk: memory that changes, or is not what it should be, must not keep us.
constexpr std::size_t kMaxLoops = 4096;
constexpr std::size_t kMaxTasks = 4'000'000;
constexpr std::size_t kMaxFrames = 1024;
constexpr std::size_t kMaxWaiters = 4096;
constexpr int kMaxHops = 32;
constexpr int kMaxBases = 16;
constexpr int kAttempts = 20;

// std::source_location's pointer leads here, in libstdc++ and libc++ alike.
struct RemotePlace {
  Address file, function;
  std::uint32_t line, column;
};

struct RemoteLink {
  Address next, prev;
};

std::string demangled(const std::string& name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  std::string plain = status == 0 && text != nullptr ? text : name;
  std::free(text);
  return plain;
}

// Reads what one registry leads to.
class Reader {
 public:
  Reader(Memory& memory, Address registry);

  const std::string& library() const noexcept { return library_; }
  std::vector<SeenLoop> loops();
  void add_running(std::vector<SeenTask>& found);

 private:
  // What is known of a class by its virtual table.
  struct Class {
    std::optional<WaitKind> kind;
    std::string name;
  };

  template <class Function>
  void for_each_link(Function function);
  SeenLoop read_loop(Address link);
  SeenLoop try_loop(Address loop, bool last);
  bool read_tasks(Address loop, SeenLoop& seen, bool last);
  bool read_task(Address task, Address running, SeenTask& seen);
  bool read_stack(Address task, SeenTask& seen);
  void read_wait(Address node, SeenTask& seen);
  void read_purpose(Address future, SeenTask& seen);
  void read_number(Address node, const WaitKind& kind, SeenTask& seen);
  void read_name(Address task, SeenTask& seen);
  void collect_told(Address list, int hops, std::vector<Address>& told);
  std::string label(Address node, const WaitKind& kind);
  const Class& class_of(Address node);
  SeenFrame frame_of(Address place);

  Memory& memory_;
  RegistryLayout layout_ = {};
  Address loops_list_ = 0;
  std::string library_;
  std::unordered_map<Address, Class> classes_;     // by virtual table
  std::unordered_map<Address, SeenFrame> frames_;  // by source_location
  std::unordered_map<Address, WaitKind> kinds_;    // by type_info
};

Reader::Reader(Memory& memory, Address registry) : memory_(memory) {
  // Magic, version, size and library stand in the same places in every version.
  char magic[8];
  const bool readable = memory.read(registry, magic, sizeof(magic));
  if (!readable || std::memcmp(magic, Registry().magic, sizeof(magic)) != 0)
    throw InspectError(InspectError::Reason::no_loop,
                       "what was found is not a registry of asyncio");
  const auto version = memory.get<std::uint32_t>(registry + offsetof(Registry, version));
  const auto size = memory.get<std::uint32_t>(registry + offsetof(Registry, size));
  library_ = memory.text(registry + offsetof(Registry, library), sizeof(Registry::library));
  if (version != detail::kRegistryVersion || size != sizeof(Registry))
    throw InspectError(InspectError::Reason::version,
                       "the process uses another version of asyncio: registry " +
                           std::to_string(version.value_or(0)) + ", and this command reads " +
                           std::to_string(detail::kRegistryVersion) +
                           "\n  cure: use the `asyncio` command that was installed with asyncio " +
                           (library_.empty() ? "of that program" : library_));
  const auto layout = memory.get<RegistryLayout>(registry + offsetof(Registry, layout));
  if (!layout) throw InspectError(InspectError::Reason::no_loop, "the registry cannot be read");
  layout_ = *layout;
  loops_list_ = registry + offsetof(Registry, loops);
  Address at = memory.pointer(registry + offsetof(Registry, kinds));
  for (int i = 0; at != 0 && i < 1000; ++i) {
    const auto kind = memory.get<WaitKind>(at);
    if (!kind) break;
    kinds_.emplace(reinterpret_cast<Address>(kind->type), *kind);
    at = reinterpret_cast<Address>(kind->next);
  }
}

template <class Function>
void Reader::for_each_link(Function function) {
  Address link = memory_.pointer(loops_list_);
  std::set<Address> met{0, loops_list_};
  while (met.size() < kMaxLoops && met.insert(link).second) {
    const Address next = memory_.pointer(link);
    function(link);
    link = next;
  }
}

std::vector<SeenLoop> Reader::loops() {
  std::vector<SeenLoop> seen;
  for_each_link([&](Address link) { seen.push_back(read_loop(link)); });
  return seen;
}

void Reader::add_running(std::vector<SeenTask>& found) {
  for_each_link([&](Address link) {
    const Address loop = link - layout_.loop_link;
    const Address task = memory_.pointer(loop + layout_.loop_current);
    if (task == 0 || memory_.get<std::uint8_t>(loop + layout_.loop_running).value_or(0) != 1)
      return;
    SeenTask seen;
    seen.id = task;
    seen.state = SeenTask::State::running;
    if (read_stack(task, seen)) found.push_back(std::move(seen));
  });
}

// As often as it takes until nothing moved while we looked; in the end, what there is.
SeenLoop Reader::read_loop(Address link) {
  const Address loop = link - layout_.loop_link;
  SeenLoop seen;
  for (int i = 1; i <= kAttempts; ++i) {
    if (i > 1) std::this_thread::yield();
    memory_.refresh();
    seen = try_loop(loop, i == kAttempts);
    if (seen.complete) break;
  }
  const Address at = loop + layout_.loop_link;
  seen.id = memory_.get<std::uint64_t>(at + layout_.loop_id).value_or(0);
  seen.thread = memory_.get<std::int32_t>(at + layout_.loop_thread).value_or(0);
  return seen;
}

SeenLoop Reader::try_loop(Address loop, bool last) {
  SeenLoop seen;
  seen.running = memory_.get<std::uint8_t>(loop + layout_.loop_running).value_or(0) == 1;
  seen.asleep = memory_.get<std::uint8_t>(loop + layout_.loop_asleep).value_or(0) == 1;
  seen.passes = memory_.pointer(loop + layout_.loop_passes);
  if (const Address counts = memory_.pointer(loop + layout_.loop_counts))
    seen.operations = memory_.get<detail::IoCounts>(counts).value_or(detail::IoCounts{});
  if (const Address times = memory_.pointer(loop + layout_.loop_times)) {
    const auto read = memory_.get<detail::LoopTimes>(times).value_or(detail::LoopTimes{});
    seen.steps = read.steps.times;
    seen.latency = read.passes.times;
  }
  seen.complete = read_tasks(loop, seen, last);
  return seen;
}

bool Reader::read_tasks(Address loop, SeenLoop& seen, bool last) {
  const Address head = loop + layout_.loop_tasks;
  const Address running = seen.running ? memory_.pointer(loop + layout_.loop_current) : 0;
  bool whole = true;
  std::unordered_set<Address> met;
  Address before = head;
  Address at = memory_.pointer(head);
  while (at != head) {
    const auto link = memory_.get<RemoteLink>(at);
    if (!link || link->prev != before || !met.insert(at).second || met.size() > kMaxTasks)
      return false;
    SeenTask task;
    if (read_task(at - layout_.task_link, running, task))
      seen.tasks.push_back(std::move(task));
    else
      whole = false;
    if (!whole && !last) return false;
    before = at;
    at = link->next;
  }
  std::unordered_map<Address, std::string> known;
  for (const SeenTask& task : seen.tasks) known.emplace(task.id, task.name);
  for (SeenTask& task : seen.tasks) {
    if (!known.contains(task.awaits)) task.awaits = 0;
    if (!known.contains(task.held_by)) task.held_by = 0;
    if (task.held_by != 0) task.holder = known.at(task.held_by);
    std::erase_if(task.awaited_by, [&](Address id) { return !known.contains(id); });
  }
  return whole;
}

// False where it is not a task any more, or changed under our hands.
bool Reader::read_task(Address task, Address running, SeenTask& seen) {
  const auto state = memory_.get<std::uint8_t>(task + layout_.task_state);
  if (!state || *state != 0) return false;  // done, or about to be
  seen.id = task;
  seen.cancelling = memory_.get<std::uint32_t>(task + layout_.task_requests).value_or(0);
  const auto flags = memory_.get<std::uint8_t>(task + layout_.task_flags).value_or(0);
  const bool queued = memory_.pointer(task + sizeof(Address)) != 0;  // Node: vtable, next, prev
  const Address waiter = memory_.pointer(task + layout_.task_waiter);
  read_name(task, seen);
  const bool has_stack = read_stack(task, seen);
  if (task == running) {
    seen.state = SeenTask::State::running;
    if (!has_stack) seen.stack.clear();
    return true;
  }
  if (!has_stack) return false;
  seen.state = queued ? SeenTask::State::ready : SeenTask::State::waiting;
  if ((flags & layout_.task_started) == 0) seen.state = SeenTask::State::starting;
  if (waiter != 0) read_wait(waiter, seen);
  collect_told(task + layout_.task_waiters, 0, seen.awaited_by);
  return true;
}

void Reader::read_name(Address task, SeenTask& seen) {
  const auto number = memory_.get<std::uint32_t>(task + layout_.task_number).value_or(0);
  seen.name = "Task-" + std::to_string(number);
  const Address extras = memory_.pointer(task + layout_.task_extras);
  if (extras == 0 || layout_.string_data == ~std::uint32_t{0}) return;
  if (memory_.get<std::uint8_t>(extras + layout_.extras_has_name).value_or(0) != 1) return;
  const Address string = extras + layout_.extras_name;
  const Address size = memory_.pointer(string + layout_.string_size);
  const std::size_t shown = static_cast<std::size_t>(std::min<Address>(size, 200));
  seen.name = memory_.text(memory_.pointer(string + layout_.string_data), shown);
}

// From the body down; each coroutine must name the one that awaits it, and the body the task.
bool Reader::read_stack(Address task, SeenTask& seen) {
  constexpr Address kFlags = 3, kIsRoot = 1, kIsCallee = 1;
  Address caller = task | kIsRoot;
  Address promise = memory_.pointer(task + layout_.task_root);
  for (std::size_t depth = 0; depth < kMaxFrames; ++depth) {
    const auto link = memory_.get<Address>(promise + layout_.promise_caller);
    const auto callee = memory_.get<Address>(promise + layout_.promise_callee);
    const auto place = memory_.get<Address>(promise + layout_.promise_where);
    if (!link || !callee || !place) return false;
    if ((*link & ~kFlags) != (caller & ~kFlags)) return false;
    seen.stack.push_back(frame_of(*place));
    if ((*callee & kIsCallee) == 0) return true;
    caller = promise;
    promise = *callee & ~kIsCallee;
  }
  return false;
}

SeenFrame Reader::frame_of(Address place) {
  const auto found = frames_.find(place);
  if (found != frames_.end()) return found->second;
  SeenFrame frame;
  if (const auto remote = memory_.get<RemotePlace>(place)) {
    frame.function = detail::short_function_name(memory_.text(remote->function, 4096));
    frame.file = memory_.text(remote->file);
    frame.line = remote->line;
  }
  frames_.emplace(place, frame);
  return frame;
}

void Reader::read_wait(Address node, SeenTask& seen) {
  const Class& known = class_of(node);
  if (!known.kind) {
    seen.waits_for = known.name;
    return;
  }
  seen.waits_for = label(node, *known.kind);
  if (known.kind->holder_at >= 0) {
    const Address holder = memory_.pointer(node + static_cast<Address>(known.kind->label_in));
    if (holder != 0)
      seen.held_by = memory_.pointer(holder + static_cast<Address>(known.kind->holder_at));
  }
  if (known.kind->awaited >= 0) {
    seen.awaits = memory_.pointer(node + static_cast<Address>(known.kind->awaited));
    read_purpose(seen.awaits, seen);
  }
  if (known.kind->number_at >= 0) read_number(node, *known.kind, seen);
}

// What completes a future that is no task.
void Reader::read_purpose(Address future, SeenTask& seen) {
  constexpr unsigned kFlag = detail::FutureBase::kPurposeFlag;
  const unsigned flags = memory_.get<std::uint8_t>(future + layout_.task_flags).value_or(0);
  const unsigned purpose = flags & ~kFlag;
  if (future == 0 || (flags & kFlag) == 0 || purpose >= layout_.purpose_count) return;
  const auto words = reinterpret_cast<Address>(layout_.purposes);
  seen.waits_for = memory_.text(memory_.pointer(words + purpose * sizeof(Address)), 100);
}

void Reader::read_number(Address node, const WaitKind& kind, SeenTask& seen) {
  Address object = node;
  if (kind.number_in >= 0) object = memory_.pointer(node + static_cast<Address>(kind.number_in));
  const auto number =
      memory_.get<std::int32_t>(object + static_cast<Address>(kind.number_at)).value_or(-1);
  if (number < 0) return;
  const std::string name = memory_.text(reinterpret_cast<Address>(kind.number_name), 20);
  seen.detail = name + " " + std::to_string(number);
}

std::string Reader::label(Address node, const WaitKind& kind) {
  if (kind.label_in >= 0) {
    const Address holder = memory_.pointer(node + static_cast<Address>(kind.label_in));
    const Address name =
        holder == 0 ? 0 : memory_.pointer(holder + static_cast<Address>(kind.label_at));
    if (name != 0) return detail::wait_label(memory_.text(name, 100));
  }
  Address index = 0;
  if (kind.choice >= 0)
    index = memory_.get<std::uint8_t>(node + static_cast<Address>(kind.choice)).value_or(0);
  if (index >= static_cast<Address>(kind.label_count)) index = 0;
  const Address labels = reinterpret_cast<Address>(kind.labels);
  return memory_.text(memory_.pointer(labels + index * sizeof(Address)), 100);
}

// By the Itanium ABI: a virtual table has its type_info before it, and that its name and bases.
const Reader::Class& Reader::class_of(Address node) {
  const Address table = memory_.pointer(node);
  const auto [entry, is_new] = classes_.try_emplace(table);
  if (!is_new) return entry->second;
  Address type = memory_.pointer(table - sizeof(Address));
  entry->second.name = demangled(memory_.text(memory_.pointer(type + sizeof(Address)), 1000));
  for (int i = 0; i < kMaxBases && type != 0; ++i) {
    if (const auto kind = kinds_.find(type); kind != kinds_.end()) {
      entry->second.kind = kind->second;
      break;
    }
    if (memory_.pointer(type) != reinterpret_cast<Address>(layout_.single_base)) break;
    type = memory_.pointer(type + 2 * sizeof(Address));
  }
  return entry->second;
}

// The tasks that are told when what has this list of waiters is done.
void Reader::collect_told(Address list, int hops, std::vector<Address>& told) {
  if (hops >= kMaxHops || told.size() >= kMaxWaiters) return;
  Address link = memory_.pointer(list);
  std::set<Address> met{0, list};
  while (met.size() < kMaxWaiters && met.insert(link).second) {
    const Address node = link - sizeof(Address);  // Node: vtable, then the link
    const Address next = memory_.pointer(link);
    link = next;
    const Class& known = class_of(node);
    if (!known.kind || known.kind->told < 0) continue;
    Address target = memory_.pointer(node + static_cast<Address>(known.kind->told));
    if (target != 0 && known.kind->told_at >= 0)
      target = memory_.pointer(target + static_cast<Address>(known.kind->told_at));
    if (target == 0) continue;
    if (known.kind->told_is_list)
      collect_told(target, hops + 1, told);
    else if (std::find(told.begin(), told.end(), target) == told.end())
      told.push_back(target);
  }
}

}  // namespace

const char* state_name(SeenTask::State state) noexcept {
  switch (state) {
    case SeenTask::State::starting:
      return "starting";
    case SeenTask::State::ready:
      return "ready";
    case SeenTask::State::running:
      return "running";
    case SeenTask::State::waiting:
      break;
  }
  return "waiting";
}

SeenProcess inspect(Memory& memory, const std::vector<Address>& registries) {
  SeenProcess seen;
  for (const Address registry : registries) {
    Reader reader(memory, registry);
    seen.library = reader.library();
    for (SeenLoop& loop : reader.loops()) seen.loops.push_back(std::move(loop));
  }
  return seen;
}

namespace {

// "fd 7" becomes "fd 7, peer ('192.0.2.1', 443)".
void add_peer(SeenTask& task, Peers& peers) {
  constexpr std::string_view kFd = "fd ";
  if (!task.detail.starts_with(kFd)) return;
  const std::string peer = peers.of(std::atoi(task.detail.c_str() + kFd.size()));
  if (!peer.empty()) task.detail += ", peer " + peer;
}

// The call; where it fails because the process has ended meanwhile, the error says that.
template <class Call>
auto while_it_lives(int pid, Call call) {
  try {
    return call();
  } catch (const InspectError&) {
    const ProcessMemory again(pid);  // throws that it is missing
    throw;
  }
}

SeenProcess inspect_now(int pid) {
  ProcessMemory memory(pid);
  const std::vector<Address> registries = find_registries(pid, memory);
  if (registries.empty())
    throw InspectError(InspectError::Reason::no_loop,
                       "process " + std::to_string(pid) + " does not use asyncio for C++");
  SeenProcess seen = inspect(memory, registries);
  seen.pid = pid;
  Peers peers(pid);
  for (SeenLoop& loop : seen.loops)
    for (SeenTask& task : loop.tasks) add_peer(task, peers);
  if (seen.loops.empty())
    throw InspectError(InspectError::Reason::no_loop,
                       "process " + std::to_string(pid) + " has no event loop at the moment");
  return seen;
}

void measure_now(int pid, Duration time) {
  ProcessMemory memory(pid);
  const std::int64_t until = (Clock::now() + time).time_since_epoch().count();
  for (const Address registry : find_registries(pid, memory)) {
    const Reader known(memory, registry);  // throws where it is of another version
    memory.write(registry + offsetof(Registry, recording) +
                     offsetof(detail::RecordingControl, measure_until),
                 &until, sizeof(until));
  }
}

}  // namespace

// ---- which tasks run

struct Sampler::Parts {
  explicit Parts(int pid) : memory(pid) {
    for (const Address registry : find_registries(pid, memory))
      readers.emplace_back(memory, registry);
  }
  ProcessMemory memory;
  std::deque<Reader> readers;
};

Sampler::Sampler(int pid) : parts_(std::make_unique<Parts>(pid)) {}
Sampler::~Sampler() = default;

std::vector<SeenTask> Sampler::running() {
  parts_->memory.refresh();
  std::vector<SeenTask> found;
  for (Reader& reader : parts_->readers) reader.add_running(found);
  return found;
}

SeenProcess inspect(int pid) {
  return while_it_lives(pid, [pid] { return inspect_now(pid); });
}

void measure(int pid, Duration time) {
  while_it_lives(pid, [=] { measure_now(pid, time); });
}

}  // namespace asyncio::debug
