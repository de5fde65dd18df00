// recording.hpp: what a loop writes while it is recorded, into memory that it shares with the
// reader, which is another process as a rule (debug/trace.hpp). recorder.hpp writes it.
//
//   page: RecordingHeader | ring 0: page: RingHeader, definitions, events | ring 1 ...
//
// The file is sparse: what is not written takes no memory. Definitions are never overwritten;
// events are, oldest first, and the reader sees from the counters how many it has lost.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace asyncio::detail {

inline constexpr std::uint32_t kRecordingVersion = 2;
inline constexpr std::size_t kRecordingPage = 4096;
inline constexpr std::size_t kMostRings = 64;                              // loops in one recording
inline constexpr std::uint64_t kDefinitionSlots = std::uint64_t{1} << 16;  // 2 MiB
// 16 MiB: half a second of a loop that does nothing but switch tasks.
inline constexpr std::uint64_t kEventSlots = std::uint64_t{1} << 19;
// A path that ASYNCIO_TRACE names is opened by the first loop of the process, and recorded to.
inline constexpr const char* kRecordingVariable = "ASYNCIO_TRACE";

enum class RecordKind : std::uint8_t { none, place, stack, label, task, step, operation };

// One slot. Times are nanoseconds of CLOCK_MONOTONIC. Texts follow in slots of their own.
//
//             id       label       a        b                   c
//   place     of it                line     bytes of the file   bytes of the function, behind it
//   stack     of it                parent   place
//   label     of it                                             bytes
//   task      of it                time     awaiter | stack<<32 bytes of the name
//   step      task     waits for   start    duration            stack | awaited<<32
//   operation fd       its name    start    duration            result
//
// An id of 0 is none; of a step, it is a callback, and the label is its name. The stack of a step
// is where the task stands at its end; that of a task, where it stood when it was first seen.
struct Record {
  RecordKind kind = RecordKind::none;
  std::uint8_t flag = 0;  // step: the task is done; operation: made while the loop went on
  std::uint16_t label = 0;
  std::uint32_t id = 0;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint64_t c = 0;
};
static_assert(sizeof(Record) == 32);

struct RingHeader {
  std::atomic<std::uint64_t> written;  // events ever; release, pairs with the reader's acquire
  std::atomic<std::uint64_t> defined;  // slots of definitions; the same
  std::uint64_t loop;                  // LoopLink::id
  std::int32_t thread;
  std::atomic<std::uint32_t> is_over;
};

struct RecordingHeader {
  char magic[8];
  std::uint32_t version;
  std::atomic<std::int32_t> owner;       // the process that records; the first one takes it
  std::atomic<std::int64_t> keep_until;  // the reader puts it off: who is not read any more, ends
  std::atomic<std::uint32_t> rings;      // how many are in use
};

inline constexpr char kRecordingMagic[8] = {'a', 's', 'y', 'n', 'c', 't', 'r', '\0'};
inline constexpr std::size_t kRingSize =
    kRecordingPage + (kDefinitionSlots + kEventSlots) * sizeof(Record);
inline constexpr std::size_t kRecordingSize = kRecordingPage + kMostRings * kRingSize;

// The parts of a ring, from its page on.
inline RingHeader* ring_header(std::byte* ring) noexcept {
  return reinterpret_cast<RingHeader*>(ring);
}
inline Record* ring_definitions(std::byte* ring) noexcept {
  return reinterpret_cast<Record*>(ring + kRecordingPage);
}
inline Record* ring_events(std::byte* ring) noexcept {
  return ring_definitions(ring) + kDefinitionSlots;
}
inline constexpr std::size_t ring_offset(std::size_t index) noexcept {
  return kRecordingPage + index * kRingSize;
}
// How many slots a text takes.
inline constexpr std::uint64_t slots_of(std::uint64_t bytes) noexcept {
  return (bytes + sizeof(Record) - 1) / sizeof(Record);
}

}  // namespace asyncio::detail
