// inspect.hpp: the loops and tasks of a process, read from outside: what `asyncio ps` shows.
// The process need not cooperate: it may hang, and it may be a stripped release build. It goes on
// meanwhile; what cannot be read consistently is read again, then left out.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "asyncio/core/events.hpp"
#include "asyncio/debug/memory.hpp"
#include "asyncio/io/backend.hpp"

namespace asyncio::debug {

struct SeenFrame {
  std::string function;
  std::string file;
  std::uint32_t line = 0;
};

struct SeenTask {
  // starting: its first step has not come; ready: woken, its step has not come.
  enum class State { starting, ready, running, waiting };

  Address id = 0;
  std::string name;
  State state = State::waiting;
  std::vector<SeenFrame> stack;     // outermost first; of a running task, as it last waited
  std::string waits_for;            // "sleep", "Lock.acquire"; empty where it is a task
  std::string detail;               // "pid 12"; "fd 7, peer 192.0.2.1:443"
  Address awaits = 0;               // the task it waits for, or 0
  Address held_by = 0;              // the task that has the lock it waits for, or 0
  std::string holder;               // its name
  std::vector<Address> awaited_by;  // directly, or through a gather, a group, a wait
  std::uint32_t cancelling = 0;
};

struct SeenLoop {
  std::uint64_t id = 0;  // counts in the process, from 1
  int thread = 0;        // the thread that runs it, or ran it last
  bool running = false;
  bool asleep = false;  // it waits for the kernel: nothing is ready
  std::uint64_t passes = 0;
  // What it did so far: operations by IoOperation; and while it is measured, the times of its steps
  // and passes.
  detail::IoCounts operations{};
  LoopStats::Histogram steps{};
  LoopStats::Histogram latency{};
  std::vector<SeenTask> tasks;
  bool complete = true;  // false: it changed too fast, and some tasks are left out
};

struct SeenProcess {
  int pid = 0;
  std::string library;  // its version of asyncio
  std::vector<SeenLoop> loops;
};

// Throws InspectError.
SeenProcess inspect(int pid);

// The same through any memory. Throws InspectError: no_loop or version.
SeenProcess inspect(Memory& memory, const std::vector<Address>& registries);

// Asks the loops of a process to measure themselves for so long from now on, so that the next
// inspect() knows how long steps and passes take. Throws InspectError.
void measure(int pid, Duration time);

// Which tasks run at this moment, one for each loop at most, with their stacks only: asked again
// and again, that tells where the time goes. The process does not notice.
class Sampler {
 public:
  // Throws InspectError.
  explicit Sampler(int pid);
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;
  ~Sampler();
  std::vector<SeenTask> running();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

const char* state_name(SeenTask::State state) noexcept;

}  // namespace asyncio::debug
