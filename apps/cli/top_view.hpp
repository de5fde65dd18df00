// top_view.hpp: one screen of `asyncio top`, as text: the loops, and their tasks by the place where
// they stand.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "asyncio/debug/inspect.hpp"

namespace cli {

enum class TopSort { count, coroutine, waits };

struct TopSettings {
  TopSort sort = TopSort::count;
  std::string filter;  // only groups whose line has this in it
  bool typing_filter = false;
  bool paused = false;
};

// What a loop did since the last screen.
struct LoopLoad {
  double cpu_percent = 0;
  double passes_per_second = 0;
};

// Tasks that stand at the same place and wait for the same thing.
struct TaskGroupRow {
  std::size_t count = 0;
  std::string state;
  std::string waits_for;
  std::string coroutine;  // outermost first: "main > serve > read"
  std::string place;      // of the innermost one
};

std::vector<TaskGroupRow> grouped(const asyncio::debug::SeenProcess& process,
                                  const TopSettings& settings);

// `loads` are those of the process's loops, in their order. Lines are cut to `columns`; as many
// rows are shown as fit into `lines`.
std::string screen_of(const asyncio::debug::SeenProcess& process,
                      const std::vector<LoopLoad>& loads, const TopSettings& settings,
                      std::size_t columns, std::size_t lines);

// What a key does; false where it is to quit.
bool press(TopSettings& settings, char key);

}  // namespace cli
