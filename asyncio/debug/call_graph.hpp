// call_graph.hpp: format_call_graph, print_call_graph: where a task stands, and who awaits it.
// The kernel keeps every await anyway, so this costs nothing until it is asked.
// Source: docs.python.org/3/library/asyncio-graph.html
#pragma once
#include <string>

#include "asyncio/core/tasks.hpp"

namespace asyncio {

// The coroutines of a task, innermost first, and the tasks that await it, each with its own:
//
//   * Task(name='sleeper')
//     + Call stack:
//     |   File "main.cpp", line 9, in async deepest()
//     |   File "main.cpp", line 10, in async middle()
//     + Awaited by:
//        * Task(name='Task-1')
//
// "Awaited by" follows `co_await task`; a task in a gather, a group or a wait has no line there.
// Threads: the loop's thread only.
std::string format_call_graph(const AnyTask& task);
// Of the running task. Throws RuntimeError outside of one.
std::string format_call_graph();
void print_call_graph(const AnyTask& task);  // to stderr
void print_call_graph();

}  // namespace asyncio
