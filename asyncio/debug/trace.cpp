#include "asyncio/debug/trace.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/core/instrument.hpp"
#include "asyncio/core/recording.hpp"
#include "asyncio/debug/inspect.hpp"

namespace asyncio::debug {

using detail::Record;
using detail::RecordingHeader;
using detail::RecordKind;
using detail::RingHeader;

namespace {

constexpr std::int64_t kPatienceNs = 5'000'000'000;

std::int64_t now_ns() noexcept { return Clock::now().time_since_epoch().count(); }

// A text that stands in the slots from `at` on.
std::string text_at(const std::vector<Record>& slots, std::size_t at, std::uint64_t begin,
                    std::uint64_t size) {
  const std::uint64_t room = (slots.size() - std::min(at, slots.size())) * sizeof(Record);
  if (begin + size > room) return "";
  const char* const from = reinterpret_cast<const char*>(slots.data() + at) + begin;
  return std::string(from, size);
}

std::size_t slots_of_text(const Record& record) {
  switch (record.kind) {
    case RecordKind::place:
      return detail::slots_of(record.b + record.c);
    case RecordKind::label:
    case RecordKind::task:
      return detail::slots_of(record.c);
    default:
      return 0;
  }
}

}  // namespace

// ---- what was recorded

const std::string& TraceLoop::label(std::uint16_t id_of_label) const {
  static const std::string kNone;
  const auto found = labels.find(id_of_label);
  return found == labels.end() ? kNone : found->second;
}

std::vector<const TracePlace*> TraceLoop::frames(std::uint32_t stack) const {
  constexpr std::size_t kDeepest = 1000;
  std::vector<const TracePlace*> found;
  while (stack != 0 && found.size() < kDeepest) {
    const auto known = stacks.find(stack);
    if (known == stacks.end()) break;
    const auto place = places.find(known->second.place);
    if (place != places.end()) found.push_back(&place->second);
    stack = known->second.parent;
  }
  std::reverse(found.begin(), found.end());
  return found;
}

std::string TraceLoop::task_name(std::uint32_t task) const {
  const auto found = tasks.find(task);
  return found == tasks.end() ? "a task" : found->second.name;
}

// ---- the beginning

int make_recording() {
  const int fd = ::memfd_create("asyncio-trace", MFD_CLOEXEC);
  if (fd < 0) throw_os_error(errno, "memfd_create");
  return fd;
}

namespace {

// Where a process keeps what asks it to record.
[[noreturn]] void throw_denied(const std::string& why) {
  throw InspectError(InspectError::Reason::denied, why);
}

void ask(ProcessMemory& memory, Address control, int pid) {
  memory.refresh();
  const Address wanted = control + offsetof(detail::RecordingControl, wanted);
  if (memory.get<std::uint32_t>(wanted).value_or(0) != 0)
    throw_denied("process " + std::to_string(pid) + " is being recorded already");
  const std::uint32_t yes = detail::kWantedFromOutside;
  const std::int32_t none = 0;
  memory.write(control + offsetof(detail::RecordingControl, error), &none, sizeof(none));
  memory.write(wanted, &yes, sizeof(yes));
}

// The file once it is there; -1 before. Throws where the process could not make it.
int open_recording(ProcessMemory& memory, Address control, int pid) {
  memory.refresh();
  const auto error = memory.get<std::int32_t>(control + offsetof(detail::RecordingControl, error));
  if (error.value_or(0) != 0)
    throw_denied("process " + std::to_string(pid) + " cannot record: " + std::strerror(*error));
  const auto fd = memory.get<std::int32_t>(control + offsetof(detail::RecordingControl, fd));
  if (fd.value_or(-1) < 0) return -1;
  const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(*fd);
  return ::open(path.c_str(), O_RDWR | O_CLOEXEC);
}

}  // namespace

int record(int pid, Duration patience) {
  static_cast<void>(inspect(pid));  // says what is wrong
  ProcessMemory memory(pid);
  std::vector<Address> all = find_registries(pid, memory);
  for (Address& registry : all) registry += offsetof(detail::Registry, recording);
  for (const Address control : all) ask(memory, control, pid);
  const TimePoint end = Clock::now() + patience;
  do {
    for (const Address control : all)
      if (const int fd = open_recording(memory, control, pid); fd >= 0) return fd;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  } while (Clock::now() < end);
  const std::uint32_t no = 0;
  for (const Address control : all)
    memory.write(control + offsetof(detail::RecordingControl, wanted), &no, sizeof(no));
  return -1;
}

// ---- reading

namespace {

// Nobody has recorded yet: who begins finds the reader's patience there.
void prepare(int fd) {
  RecordingHeader header{};
  std::memcpy(header.magic, detail::kRecordingMagic, sizeof(header.magic));
  header.version = detail::kRecordingVersion;
  const bool is_written = ::ftruncate(fd, detail::kRecordingSize) == 0 &&
                          ::pwrite(fd, &header, sizeof(header), 0) == sizeof(header);
  if (!is_written) throw_os_error(errno, "ftruncate");
}

std::byte* map_recording(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) throw_os_error(errno, "fstat");
  if (status.st_size == 0) prepare(fd);
  if (status.st_size != 0 && status.st_size != detail::kRecordingSize)
    throw RuntimeError("this file is not a recording of asyncio");
  void* const memory =
      ::mmap(nullptr, detail::kRecordingSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) throw_os_error(errno, "mmap");
  return static_cast<std::byte*>(memory);
}

}  // namespace

TraceReader::TraceReader(int fd) : fd_(fd) {
  try {
    memory_ = map_recording(fd_);
  } catch (...) {
    ::close(fd_);
    throw;
  }
  read();
}

TraceReader::~TraceReader() {
  stop();
  ::munmap(memory_, detail::kRecordingSize);
  ::close(fd_);
}

void TraceReader::stop() noexcept {
  is_stopped_ = true;
  reinterpret_cast<RecordingHeader*>(memory_)->keep_until.store(0);
}

void TraceReader::keep() noexcept {
  if (is_stopped_) return;
  reinterpret_cast<RecordingHeader*>(memory_)->keep_until.store(now_ns() + kPatienceNs);
}

bool TraceReader::is_over() const noexcept {
  for (std::size_t i = 0; i < rings_.size(); ++i)
    if (detail::ring_header(memory_ + detail::ring_offset(i))->is_over.load() == 0) return false;
  return !rings_.empty();
}

void TraceReader::read() {
  auto& header = *reinterpret_cast<RecordingHeader*>(memory_);
  keep();
  trace_.pid = header.owner.load();
  const std::size_t count = std::min<std::size_t>(header.rings.load(), detail::kMostRings);
  rings_.resize(count);
  trace_.loops.resize(count);
  for (std::size_t i = 0; i < count; ++i) read_ring(i);
}

void TraceReader::read_ring(std::size_t index) {
  std::byte* const ring = memory_ + detail::ring_offset(index);
  TraceLoop& loop = trace_.loops[index];
  loop.id = detail::ring_header(ring)->loop;
  loop.thread = detail::ring_header(ring)->thread;
  // The end first: what those events name is defined by then.
  const std::uint64_t end = detail::ring_header(ring)->written.load(std::memory_order_acquire);
  read_definitions(ring, rings_[index], loop);
  read_events(ring, rings_[index], loop, end);
}

void TraceReader::read_definitions(std::byte* ring, Ring& state, TraceLoop& loop) {
  const std::uint64_t end = std::min<std::uint64_t>(
      detail::ring_header(ring)->defined.load(std::memory_order_acquire), detail::kDefinitionSlots);
  const Record* const slots = detail::ring_definitions(ring);
  copy_.assign(slots + state.defined, slots + end);
  state.defined = end;
  for (std::size_t at = 0; at < copy_.size();) {
    const Record record = copy_[at++];
    if (record.kind == RecordKind::place)
      loop.places[record.id] = {text_at(copy_, at, record.b, record.c),
                                text_at(copy_, at, 0, record.b),
                                static_cast<std::uint32_t>(record.a)};
    else if (record.kind == RecordKind::stack)
      loop.stacks[record.id] = {static_cast<std::uint32_t>(record.a),
                                static_cast<std::uint32_t>(record.b)};
    else if (record.kind == RecordKind::label)
      loop.labels[record.id] = text_at(copy_, at, 0, record.c);
    at += slots_of_text(record);
  }
}

void TraceReader::read_events(std::byte* ring, Ring& state, TraceLoop& loop, std::uint64_t end) {
  const RingHeader& header = *detail::ring_header(ring);
  // Some room: what is being written now may be overwriting the oldest.
  constexpr std::uint64_t kMost = detail::kEventSlots - detail::kEventSlots / 16;
  const std::uint64_t begin = std::exchange(state.read, end);
  copy_.clear();
  if (end - begin <= kMost)
    for (std::uint64_t at = begin; at < end; ++at)
      copy_.push_back(detail::ring_events(ring)[at % detail::kEventSlots]);
  if (header.written.load(std::memory_order_acquire) - begin > kMost) {
    // Where the next record begins is known at `end` only: nothing before it can be used.
    loop.lost += end - begin;
    return;
  }
  for (std::size_t at = 0; at < copy_.size();) {
    const Record& record = copy_[at++];
    const auto low = [](std::uint64_t word) { return static_cast<std::uint32_t>(word); };
    if (record.kind == RecordKind::step)
      loop.steps.push_back({static_cast<std::int64_t>(record.a),
                            static_cast<std::int64_t>(record.b), record.id, low(record.c),
                            low(record.c >> 32), record.label, record.flag != 0});
    else if (record.kind == RecordKind::operation)
      loop.operations.push_back({static_cast<std::int64_t>(record.a),
                                 static_cast<std::int64_t>(record.b),
                                 static_cast<std::int64_t>(record.c), static_cast<int>(record.id),
                                 record.label, record.flag != 0});
    else if (record.kind == RecordKind::task)
      loop.tasks[record.id] = {text_at(copy_, at, 0, record.c), low(record.b), low(record.b >> 32),
                               static_cast<std::int64_t>(record.a)};
    at += slots_of_text(record);
  }
}

Trace TraceReader::take() {
  read();
  stop();
  read();  // what came in between
  return std::exchange(trace_, {});
}

}  // namespace asyncio::debug
