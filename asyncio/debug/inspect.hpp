// inspect.hpp: the loops and tasks of a process, read from outside: what `asyncio ps` shows.
// The process need not cooperate: it may hang, and it may be a stripped release build. It goes on
// meanwhile; what cannot be read consistently is read again, then left out.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "asyncio/debug/memory.hpp"

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

const char* state_name(SeenTask::State state) noexcept;

}  // namespace asyncio::debug
