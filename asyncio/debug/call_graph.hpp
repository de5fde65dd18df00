// call_graph.hpp: capture_call_graph, format_call_graph, print_call_graph: where a task stands,
// what it waits for, and who awaits it. The kernel keeps every await anyway, so this costs nothing
// until it is asked. From outside of the process: `asyncio pstree`. Source:
// docs.python.org/3/library/asyncio-graph.html
#pragma once
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "asyncio/core/tasks.hpp"

namespace asyncio {

// One coroutine of a call stack. C++: a place in the source, where Python has a frame object.
struct FrameCallGraphEntry {
  StackFrame frame;
};

// Who awaits whom, from one future or task outwards. Holds no references: it may be kept.
struct FutureCallGraph {
  std::string name;                             // of a task; empty for a future
  const void* id = nullptr;                     // tells futures and tasks apart while they live
  std::vector<FrameCallGraphEntry> call_stack;  // innermost first; empty for a future
  // C++: what the innermost coroutine waits for, "Lock.acquire", and who or what that is, "held by
  // Task-1"; both empty where the task does not wait.
  std::string waits_for;
  std::string detail;
  // Directly, or through a gather, a group, a wait, a shield. A task that was met before has
  // neither stack nor awaiters here.
  std::vector<FutureCallGraph> awaited_by;
};

struct CallGraphOptions {
  // Frames of each stack: so many from the innermost one on, with a negative number from the
  // outermost one on; 0: none; not given: all.
  std::optional<int> limit = {};
};

// Of a task or a future, on the thread of its loop.
FutureCallGraph capture_call_graph(const AnyTask& task, CallGraphOptions options = {});
template <class T>
FutureCallGraph capture_call_graph(const Future<T>& future, CallGraphOptions options = {});
// Of the running task; nothing in a callback. Throws RuntimeError outside of a loop.
std::optional<FutureCallGraph> capture_call_graph(CallGraphOptions options = {});

// The same as text:
//
//   * Task(name='sleeper', id=0x7f3c5a0103d0)
//     + Call stack:
//     |   waits for sleep
//     |   File "main.cpp", line 9, in async deepest()
//     |   File "main.cpp", line 10, in async middle()
//     + Awaited by:
//        * Task(name='Task-1', id=0x7f3c5a0102e0)
//          + Call stack:
//          |   File "main.cpp", line 14, in async async_main()
std::string format_call_graph(const FutureCallGraph& graph);
std::string format_call_graph(const AnyTask& task, CallGraphOptions options = {});
template <class T>
std::string format_call_graph(const Future<T>& future, CallGraphOptions options = {}) {
  return format_call_graph(capture_call_graph(future, options));
}
// Of the running task; empty in a callback. Throws RuntimeError outside of a loop.
std::string format_call_graph(CallGraphOptions options = {});

void print_call_graph(const AnyTask& task, CallGraphOptions options = {}, std::FILE* file = stdout);
void print_call_graph(CallGraphOptions options = {}, std::FILE* file = stdout);

namespace detail {
FutureCallGraph capture_graph_of(FutureBase& future, const CallGraphOptions& options);
}  // namespace detail

template <class T>
FutureCallGraph capture_call_graph(const Future<T>& future, CallGraphOptions options) {
  return detail::capture_graph_of(*future.state(), options);
}

}  // namespace asyncio
