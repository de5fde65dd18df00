// flame.hpp: a trace as a flame graph by asynchronous stack, as an SVG: above, where the loops'
// threads spent their time; below, where the tasks waited, and for what. A task stands on the stack
// of the task that awaits it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "asyncio/debug/trace.hpp"

namespace asyncio::debug {

// One box: a function, or at the top of a waiting stack what it waits for.
struct FlameNode {
  std::string name;
  std::int64_t total_ns = 0;  // in it and in what stands on it
  std::vector<FlameNode> callees;
};

struct Flames {
  FlameNode running;
  FlameNode waiting;
};

Flames flames_of(const Trace& trace);

// `title` stands above it.
std::string flame_svg(const Flames& flames, const std::string& title);

}  // namespace asyncio::debug
