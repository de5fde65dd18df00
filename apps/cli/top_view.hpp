// top_view.hpp: one screen of `asyncio top`, as text: the loops, and their tasks by the place where
// they stand.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/debug/inspect.hpp"

namespace cli {

enum class TopSort { count, busy, coroutine, waits };
inline constexpr int kTopSorts = 4;

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
  // How long passes took at most, half of them and 99 %. 0: nothing was measured.
  asyncio::Duration half{0}, most{0};
  std::vector<std::pair<std::string, double>> operations;  // a second, the most frequent first
};

// How often tasks ran when they were looked at.
struct Samples {
  std::uint64_t looks = 0;
  std::map<std::pair<std::string, std::string>, std::uint64_t> running;  // by coroutine and place
  void add(const std::vector<asyncio::debug::SeenTask>& tasks);
};

// Tasks that stand at the same place and wait for the same thing.
struct TaskGroupRow {
  std::size_t count = 0;
  double busy_percent = 0;  // of the time: a task of this coroutine and place ran
  std::string state;
  std::string waits_for;
  std::string coroutine;  // outermost first: "main > serve > read"
  std::string place;      // of the innermost one
};

std::vector<TaskGroupRow> grouped(const asyncio::debug::SeenProcess& process,
                                  const Samples& samples, const TopSettings& settings);

// "850 ns", "16 us", "1.05 s"
std::string short_time(asyncio::Duration time);

// `loads` are those of the process's loops, in their order. Lines are cut to `columns`; as many
// rows are shown as fit into `lines`.
std::string screen_of(const asyncio::debug::SeenProcess& process,
                      const std::vector<LoopLoad>& loads, const Samples& samples,
                      const TopSettings& settings, std::size_t columns, std::size_t lines);

// What a key does; false where it is to quit.
bool press(TopSettings& settings, char key);

}  // namespace cli
