// views.hpp: what a process shows of its tasks, as text: the table of `asyncio ps`, the tree of
// `asyncio pstree`, and JSON. The forms are those of `python -m asyncio ps` and `pstree`.
#pragma once
#include <string>

#include "asyncio/debug/inspect.hpp"

namespace cli {

// One row for each task and each task that awaits it; innermost coroutine first.
std::string table_of(const asyncio::debug::SeenProcess& process);

// Tasks below the tasks that await them. Where tasks await each other in a circle, the circle is
// named instead of being followed.
std::string tree_of(const asyncio::debug::SeenProcess& process);

std::string json_of(const asyncio::debug::SeenProcess& process);

// What waits at the end of a task's stack: "sleep"; empty where that is another task.
std::string leaf_of(const asyncio::debug::SeenTask& task);

// "server.cpp:12" of a frame; paths into the library's headers begin with "asyncio/".
std::string place_of(const asyncio::debug::SeenFrame& frame);

}  // namespace cli
