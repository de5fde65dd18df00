// trace.hpp: what the loops of a process did for a while, step by step: who ran, where it stood
// afterwards and what it waited for, and the operations in between. `asyncio trace` is made of it;
// chrome_trace.hpp and flame.hpp show it.
//
//   asyncio::debug::TraceReader reader(asyncio::debug::record(pid, 5s));
//   while (...) reader.read();
//   const asyncio::debug::Trace trace = reader.take();
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "asyncio/base/clock.hpp"
#include "asyncio/debug/memory.hpp"

namespace asyncio::detail {
struct Record;
}

namespace asyncio::debug {

// Times are nanoseconds of CLOCK_MONOTONIC; ids count from 1 in a loop, 0 is none.
struct TraceStep {
  std::int64_t start = 0;
  std::int64_t duration = 0;
  std::uint32_t task = 0;     // 0: a callback
  std::uint32_t stack = 0;    // where the task stands afterwards
  std::uint32_t awaited = 0;  // the task it waits for then
  std::uint16_t label = 0;    // what it waits for then; of a callback, its name
  bool is_last = false;       // the task is done
};

struct TraceOperation {
  std::int64_t start = 0;
  std::int64_t duration = 0;
  std::int64_t result = 0;  // -errno where it failed
  int fd = -1;
  std::uint16_t label = 0;  // "recv"
  bool is_aside = false;    // the loop went on meanwhile: a file, in a thread or by the kernel
};

struct TraceTask {
  std::string name;
  std::uint32_t awaiter = 0;
  std::uint32_t stack = 0;  // where it stood when it was first seen
  std::int64_t seen = 0;
};

struct TracePlace {
  std::string function;
  std::string file;
  std::uint32_t line = 0;
};

// A place, below another stack.
struct TraceStack {
  std::uint32_t parent = 0;
  std::uint32_t place = 0;
};

struct TraceLoop {
  std::uint64_t id = 0;
  int thread = 0;
  std::uint64_t lost = 0;                  // slots that were overwritten before they were read
  std::vector<TraceStep> steps;            // in order
  std::vector<TraceOperation> operations;  // by their end
  std::unordered_map<std::uint32_t, TraceTask> tasks;
  std::unordered_map<std::uint32_t, TracePlace> places;
  std::unordered_map<std::uint32_t, TraceStack> stacks;
  std::unordered_map<std::uint32_t, std::string> labels;

  // "" where it is not known.
  const std::string& label(std::uint16_t id) const;
  // Outermost first.
  std::vector<const TracePlace*> frames(std::uint32_t stack) const;
  std::string task_name(std::uint32_t task) const;
};

struct Trace {
  int pid = 0;
  std::vector<TraceLoop> loops;
};

// A file for what a process will record that is started with ASYNCIO_TRACE=/proc/PID/fd/N, where
// PID is this one and N the result. Throws OSError.
int make_recording();

// Asks the loops of a process to record, from their next step on, and gives the file that they
// record to; -1 where none of them made a step within `patience`, real time. Throws InspectError,
// also where somebody else records it already.
int record(int pid, Duration patience);

// Reads while the process writes. A process that is not read for five seconds stops recording.
//
// Threads: one at a time.
class TraceReader {
 public:
  // Takes the file over. Throws OSError, and RuntimeError where it is not a recording.
  explicit TraceReader(int fd);
  TraceReader(const TraceReader&) = delete;
  TraceReader& operator=(const TraceReader&) = delete;
  ~TraceReader();

  void read();
  // The process goes on recording, as after read(); for who has no time to read.
  void keep() noexcept;
  // No step is recorded any more.
  void stop() noexcept;
  // True once every loop that was recorded is closed, or stopped.
  bool is_over() const noexcept;
  // What was read so far. Ends the recording.
  Trace take();

 private:
  struct Ring {
    std::uint64_t defined = 0;
    std::uint64_t read = 0;
  };
  void read_ring(std::size_t index);
  void read_definitions(std::byte* ring, Ring& state, TraceLoop& loop);
  void read_events(std::byte* ring, Ring& state, TraceLoop& loop, std::uint64_t end);

  int fd_;
  std::byte* memory_;
  bool is_stopped_ = false;
  std::vector<Ring> rings_;
  std::vector<detail::Record> copy_;
  Trace trace_;
};

}  // namespace asyncio::debug
