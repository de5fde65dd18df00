#include "asyncio/core/recorder.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <source_location>

#include "asyncio/base/function_name.hpp"
#include "asyncio/core/instrument.hpp"
#include "asyncio/core/tasks.hpp"

namespace asyncio::detail {
namespace {

constexpr std::size_t kLongestText = 400;
constexpr int kDeepest = 200;  // frames of a stack

std::int64_t monotonic_ns() noexcept { return Clock::now().time_since_epoch().count(); }

const void* first_word(const void* object) noexcept {
  const void* word;
  std::memcpy(&word, object, sizeof(word));
  return word;
}

// A child that was forked shares the memory of the recording, and must leave it alone.
constinit pid_t this_process = 0;
pid_t watch_forks() noexcept {
  this_process = ::getpid();
  static const int registered =
      ::pthread_atfork(nullptr, nullptr, [] { this_process = ::getpid(); });
  static_cast<void>(registered);
  return this_process;
}

std::size_t mixed(std::uintptr_t value) noexcept {
  return static_cast<std::size_t>((value * 0x9E37'79B9'7F4A'7C15) >> 40);
}

}  // namespace

// ---- the memory, one for the process while any of its loops is recorded

class SharedRecording {
 public:
  // Throws OSError.
  SharedRecording();
  SharedRecording(const SharedRecording&) = delete;
  SharedRecording& operator=(const SharedRecording&) = delete;
  ~SharedRecording();

  static std::shared_ptr<SharedRecording> get();
  // A ring that nobody has, mapped. Throws OSError.
  std::byte* new_ring();
  bool is_over(std::int64_t now) const noexcept {
    // relaxed: nothing is read on account of it.
    return now > header_->keep_until.load(std::memory_order_relaxed) || !is_ours();
  }
  bool is_ours() const noexcept { return pid_ == this_process; }

 private:
  void open();
  std::byte* map(std::size_t offset, std::size_t size) const;

  const pid_t pid_ = watch_forks();
  int fd_ = -1;
  RecordingHeader* header_ = nullptr;
};

namespace {

std::mutex& recording_mutex() noexcept {
  static std::mutex mutex;
  return mutex;
}
std::weak_ptr<SharedRecording>& shared_recording() noexcept {
  static std::weak_ptr<SharedRecording> shared;
  return shared;
}

const char* path_from_environment() noexcept {
  static const char* const path = [] {
    const char* value = std::getenv(kRecordingVariable);
    return value != nullptr && *value != '\0' ? value : nullptr;
  }();
  return path;
}

}  // namespace

SharedRecording::SharedRecording() {
  const char* const path = path_from_environment();
  // Not where it was asked for from outside: the environment's reader may be gone by then.
  const bool by_path = path != nullptr && registry_control().wanted.load() == kWantedByEnvironment;
  fd_ = by_path ? ::open(path, O_RDWR | O_CLOEXEC) : ::memfd_create("asyncio-trace", MFD_CLOEXEC);
  if (fd_ < 0) throw_os_error(errno, by_path ? "open" : "memfd_create");
  try {
    open();
  } catch (...) {
    ::close(fd_);
    throw;
  }
  registry_control().fd.store(fd_);
}

void SharedRecording::open() {
  struct stat status{};
  if (::fstat(fd_, &status) != 0) throw_os_error(errno, "fstat");
  const bool is_new = status.st_size == 0;
  if (is_new && ::ftruncate(fd_, kRecordingSize) != 0) throw_os_error(errno, "ftruncate");
  header_ = reinterpret_cast<RecordingHeader*>(map(0, kRecordingPage));
  if (is_new) {
    std::memcpy(header_->magic, kRecordingMagic, sizeof(kRecordingMagic));
    header_->version = kRecordingVersion;
    header_->keep_until = monotonic_ns() + 5'000'000'000;  // for the reader to open it
  }
  std::int32_t owner = 0;
  // Ours already where a loop of ours ended before this one began.
  const bool is_ours =
      header_->owner.compare_exchange_strong(owner, ::getpid()) || owner == ::getpid();
  if (header_->version == kRecordingVersion && is_ours) return;
  ::munmap(header_, kRecordingPage);
  throw_os_error(EBUSY, "asyncio trace");  // a child of the process that is recorded
}

SharedRecording::~SharedRecording() {
  registry_control().fd.store(-1);
  registry_control().wanted.store(0);
  ::munmap(header_, kRecordingPage);
  ::close(fd_);
}

std::shared_ptr<SharedRecording> SharedRecording::get() {
  auto shared = shared_recording().lock();
  if (!shared || !shared->is_ours()) {
    shared = std::make_shared<SharedRecording>();
    shared_recording() = shared;
  }
  return shared;
}

std::byte* SharedRecording::map(std::size_t offset, std::size_t size) const {
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, static_cast<off_t>(offset));
  if (memory == MAP_FAILED) throw_os_error(errno, "mmap");
  return static_cast<std::byte*>(memory);
}

std::byte* SharedRecording::new_ring() {
  const std::uint32_t index = header_->rings.load();
  if (index >= kMostRings) throw_os_error(ENOSPC, "asyncio trace");
  std::byte* const ring = map(ring_offset(index), kRingSize);
  header_->rings.store(index + 1);
  return ring;
}

// ---- on and off

bool Recorder::is_wanted() noexcept {
  return registry_control().wanted.load(std::memory_order_relaxed) != 0;
}

bool Recorder::is_wanted_by_environment() noexcept { return path_from_environment() != nullptr; }

std::unique_ptr<Recorder> Recorder::start(Scheduler& scheduler) noexcept {
  const std::lock_guard held(recording_mutex());
  try {
    auto shared = SharedRecording::get();
    std::byte* const ring = shared->new_ring();
    return std::make_unique<Recorder>(scheduler, std::move(shared), ring);
  } catch (const OSError& error) {
    registry_control().error.store(error.error_number());
  } catch (const std::bad_alloc&) {
    registry_control().error.store(ENOMEM);
  }
  registry_control().wanted.store(0);
  return nullptr;
}

Recorder::Recorder(Scheduler& scheduler, std::shared_ptr<SharedRecording> shared, std::byte* ring)
    : scheduler_(scheduler), shared_(std::move(shared)), ring_(ring), stacks_(kStacks) {
  RingHeader& header = *ring_header(ring_);
  header.loop = scheduler.shown.id;
  header.thread = scheduler.shown.thread_id;
  if (scheduler.backend != nullptr) scheduler.backend->observe(this);
}

Recorder::~Recorder() {
  if (scheduler_.backend != nullptr) scheduler_.backend->observe(nullptr);
  publish();
  if (shared_->is_ours()) ring_header(ring_)->is_over.store(1);
  ::munmap(ring_, kRingSize);
  // The last one lets go of the memory, and says so in the registry.
  const std::lock_guard held(recording_mutex());
  shared_.reset();
}

// ---- writing

void Recorder::write(const Record& record) noexcept {
  if (!shared_->is_ours()) return;
  ring_events(ring_)[written_++ % kEventSlots] = record;
}

void Recorder::write_text(std::string_view text) noexcept {
  if (!shared_->is_ours()) return;
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), sizeof(Record)))) {
    Record& slot = ring_events(ring_)[written_++ % kEventSlots];
    std::memcpy(static_cast<void*>(&slot), text.data(), std::min(text.size(), sizeof(Record)));
  }
}

void Recorder::publish() noexcept {
  if (!shared_->is_ours()) return;
  ring_header(ring_)->written.store(written_, std::memory_order_release);
}

// False where the definitions are full.
bool Recorder::define(const Record& record,
                      std::initializer_list<std::string_view> texts) noexcept {
  std::uint64_t bytes = 0;
  for (const std::string_view text : texts) bytes += text.size();
  if (defined_ + 1 + slots_of(bytes) > kDefinitionSlots || !shared_->is_ours()) return false;
  Record* const definitions = ring_definitions(ring_);
  definitions[defined_] = record;
  char* to = reinterpret_cast<char*>(definitions + defined_ + 1);
  for (const std::string_view text : texts) to = std::copy(text.begin(), text.end(), to);
  defined_ += 1 + slots_of(bytes);
  ring_header(ring_)->defined.store(defined_, std::memory_order_release);
  return true;
}

// ---- names of things

template <class Text>
std::uint16_t Recorder::label_of(const void* key, Text text) {
  KnownLabel& known = label_cache_[mixed(reinterpret_cast<std::uintptr_t>(key)) % kCached];
  if (known.key != key) known = {key, define_label(key, text())};
  return known.id;
}

std::uint16_t Recorder::define_label(const void* key, const std::string& text) {
  const auto [found, is_new] = labels_.try_emplace(key);
  if (!is_new) return found->second;
  const std::string_view shown = std::string_view(text).substr(0, kLongestText);
  const std::size_t id = labels_.size();
  Record record{.kind = RecordKind::label, .id = static_cast<std::uint32_t>(id), .c = shown.size()};
  if (id <= UINT16_MAX && define(record, {shown})) found->second = static_cast<std::uint16_t>(id);
  return found->second;
}

Recorder::Class& Recorder::class_of(const Node& node) {
  const void* const table = first_word(&node);
  Class& known = classes_[mixed(reinterpret_cast<std::uintptr_t>(table)) % kCached];
  if (known.table != table)
    known = {table, kind_of(node), dynamic_cast<const TaskBase*>(&node) != nullptr, 0};
  return known;
}

std::uint16_t Recorder::name_of(const Node& node) {
  Class& known = class_of(node);
  if (known.name == 0 && known.kind != nullptr)
    known.name = define_label(known.table, std::string("wake up from ") + known.kind->labels[0]);
  if (known.name == 0) known.name = define_label(known.table, name_of_callback(node));
  return known.name;
}

std::uint32_t Recorder::place_of(const void* key, const std::source_location& where) {
  const auto [found, is_new] = places_.try_emplace(key);
  if (!is_new) return found->second;
  const auto id = static_cast<std::uint32_t>(places_.size());
  const std::string function = short_function_name(where.function_name()).substr(0, kLongestText);
  std::string_view file = where.file_name();
  file = file.substr(file.size() - std::min(file.size(), kLongestText));
  Record record{.kind = RecordKind::place,
                .id = id,
                .a = where.line(),
                .b = file.size(),
                .c = function.size()};
  if (define(record, {file, function})) found->second = id;
  return found->second;
}

std::uint32_t Recorder::stack_below(std::uint32_t parent, const std::source_location& where) {
  const void* const place = first_word(&where);  // the same for each passage of one await
  std::size_t at = mixed(reinterpret_cast<std::uintptr_t>(place) + parent * std::uintptr_t{64});
  for (std::size_t tries = 0; tries < kStacks / 4; ++tries, ++at) {
    KnownStack& known = stacks_[at % kStacks];
    if (known.place == place && known.parent == parent) return known.id;
    if (known.place != nullptr) continue;
    const auto id = static_cast<std::uint32_t>(at % kStacks) + 1;
    Record record{.kind = RecordKind::stack, .id = id, .a = parent, .b = place_of(place, where)};
    if (!define(record, {})) return parent;
    known = {place, parent, id};
    return id;
  }
  return parent;  // too many stacks: its caller stands for it
}

std::uint32_t Recorder::stack_of(const TaskBase& task) {
  std::uint32_t stack = 0;
  const CoroPromiseBase* promise = task.root();
  for (int depth = 0; promise != nullptr && depth < kDeepest; ++depth) {
    stack = stack_below(stack, promise->where());
    promise = promise->callee();
  }
  return stack;
}

std::uint32_t Recorder::id_of(TaskBase& task) {
  const auto [found, is_new] = tasks_.try_emplace(&task);
  if (is_new) found->second = ++last_task_;
  const std::uint32_t id = found->second;
  if (!is_new) return id;
  TaskBase* const awaiter = awaiter_of(task);  // known mostly: who spawns and awaits, awaits by now
  const std::uint64_t awaiter_id = awaiter != nullptr && awaiter != &task ? id_of(*awaiter) : 0;
  const std::string name = task.get_name().substr(0, kLongestText);
  write({.kind = RecordKind::task,
         .id = id,
         .a = static_cast<std::uint64_t>(now()),
         .b = awaiter_id | std::uint64_t{stack_of(task)} << 32,
         .c = name.size()});
  write_text(name);
  return id;
}

// What the task waits for; `awaited` where that is another task.
std::uint16_t Recorder::wait_of(const TaskBase& task, std::uint32_t& awaited) {
  const Node* const waiter = task.waiter();
  if (waiter == nullptr) return 0;
  const WaitKind* const kind = class_of(*waiter).kind;
  if (kind == nullptr) return name_of(*waiter);
  const auto member = [&](const void* object, std::int32_t offset) {
    return first_word(static_cast<const std::byte*>(object) + offset);
  };
  if (kind->awaited >= 0) {
    auto* future = static_cast<FutureBase*>(const_cast<void*>(member(waiter, kind->awaited)));
    if (future != nullptr && future->is_task() && !future->done())
      awaited = id_of(static_cast<TaskBase&>(*future));
    else if (future != nullptr && future->purpose() != FuturePurpose::none)
      return label_of(purpose_of(*future), [&] { return std::string(purpose_of(*future)); });
  }
  if (kind->label_in >= 0) {
    if (const void* owner = member(waiter, kind->label_in))
      if (const void* name = member(owner, kind->label_at))
        return label_of(name, [&] { return wait_label(static_cast<const char*>(name)); });
  }
  std::uint8_t choice = 0;
  if (kind->choice >= 0)
    std::memcpy(&choice, reinterpret_cast<const std::byte*>(waiter) + kind->choice, 1);
  const char* const label = kind->labels[choice < kind->label_count ? choice : 0];
  return label_of(label, [&] { return std::string(label); });
}

// ---- steps and operations

Recorder::Step::Step(Recorder& recorder, Node& node) noexcept : recorder_(recorder) {
  try {
    const Class& known = recorder.class_of(node);
    if (known.is_task)
      task_ = StatePtr<TaskBase>::share(&static_cast<TaskBase&>(node));
    else if (known.kind != nullptr && known.kind->runs_told)
      task_ = StatePtr<TaskBase>::share(told_task(node));
    if (task_)
      id_ = recorder.id_of(*task_);
    else
      label_ = recorder.name_of(node);
  } catch (const std::bad_alloc&) {
    recorder.is_over_ = true;
  }
  start_ = recorder.now();
}

Recorder::Step::~Step() {
  const std::int64_t end = recorder_.now();
  Record record{.kind = RecordKind::step,
                .label = label_,
                .id = id_,
                .a = static_cast<std::uint64_t>(start_),
                .b = static_cast<std::uint64_t>(end - start_)};
  try {
    if (task_ && task_->done()) {
      record.flag = 1;
      recorder_.tasks_.erase(task_.get());
    } else if (task_) {
      std::uint32_t awaited = 0;
      record.label = recorder_.wait_of(*task_, awaited);
      record.c = recorder_.stack_of(*task_) | std::uint64_t{awaited} << 32;
    }
  } catch (const std::bad_alloc&) {
    recorder_.is_over_ = true;
  }
  recorder_.write(record);
  recorder_.publish();
  if (recorder_.shared_->is_over(end)) recorder_.is_over_ = true;
}

void Recorder::operated(IoOperation operation, int fd, std::int64_t result, std::int64_t start,
                        bool aside) noexcept {
  try {
    const char* const name = detail::name_of(operation);
    const std::uint16_t label = label_of(name, [&] { return std::string(name); });
    write({.kind = RecordKind::operation,
           .flag = aside,
           .label = label,
           .id = static_cast<std::uint32_t>(fd),
           .a = static_cast<std::uint64_t>(start),
           .b = static_cast<std::uint64_t>(now() - start),
           .c = static_cast<std::uint64_t>(result)});
  } catch (const std::bad_alloc&) {
    is_over_ = true;
  }
}

}  // namespace asyncio::detail
