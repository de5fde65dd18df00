#include "apps/cli/top_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "apps/cli/views.hpp"

namespace cli {
namespace {

using asyncio::debug::SeenFrame;
using asyncio::debug::SeenLoop;
using asyncio::debug::SeenProcess;
using asyncio::debug::SeenTask;

constexpr char kEscape = 27, kControlC = 3, kBackspace = 127;

std::string cut(std::string line, std::size_t columns) {
  if (line.size() > columns) line.resize(columns);
  return line;
}

TaskGroupRow row_of(const SeenTask& task) {
  TaskGroupRow row;
  row.state = asyncio::debug::state_name(task.state);
  row.waits_for = task.awaits != 0 ? "Task" : leaf_of(task);
  for (const SeenFrame& frame : task.stack)
    row.coroutine += (row.coroutine.empty() ? "" : " > ") + frame.function;
  if (!task.stack.empty()) {
    row.place = place_of(task.stack.back());
    row.place = row.place.substr(row.place.rfind('/') + 1);
  }
  return row;
}

auto key_of(const TaskGroupRow& row) {
  return std::tie(row.coroutine, row.place, row.waits_for, row.state);
}

}  // namespace

std::vector<TaskGroupRow> grouped(const SeenProcess& process, const TopSettings& settings) {
  std::vector<TaskGroupRow> rows;
  for (const SeenLoop& loop : process.loops)
    for (const SeenTask& task : loop.tasks) rows.push_back(row_of(task));
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return key_of(a) < key_of(b); });
  std::vector<TaskGroupRow> groups;
  for (TaskGroupRow& row : rows) {
    if (groups.empty() || key_of(groups.back()) != key_of(row)) groups.push_back(std::move(row));
    ++groups.back().count;
  }
  std::erase_if(groups, [&](const TaskGroupRow& row) {
    const std::string line =
        row.coroutine + " " + row.place + " " + row.waits_for + " " + row.state;
    return line.find(settings.filter) == line.npos;
  });
  // Stable: within what is equal, by coroutine, as they are now.
  if (settings.sort == TopSort::count)
    std::stable_sort(groups.begin(), groups.end(),
                     [](const auto& a, const auto& b) { return a.count > b.count; });
  if (settings.sort == TopSort::waits)
    std::stable_sort(groups.begin(), groups.end(),
                     [](const auto& a, const auto& b) { return a.waits_for < b.waits_for; });
  return groups;
}

std::string screen_of(const SeenProcess& process, const std::vector<LoopLoad>& loads,
                      const TopSettings& settings, std::size_t columns, std::size_t lines) {
  std::vector<std::string> out;
  std::size_t tasks = 0;
  for (const SeenLoop& loop : process.loops) tasks += loop.tasks.size();
  out.push_back(fmt::format("asyncio top: process {}, asyncio {}, {} loop{}, {} task{}{}",
                            process.pid, process.library, process.loops.size(),
                            process.loops.size() == 1 ? "" : "s", tasks, tasks == 1 ? "" : "s",
                            settings.paused ? "  [paused]" : ""));
  for (std::size_t i = 0; i < process.loops.size(); ++i) {
    const SeenLoop& loop = process.loops[i];
    const LoopLoad load = i < loads.size() ? loads[i] : LoopLoad{};
    out.push_back(
        fmt::format("  loop {:<3} thread {:<8} {:5.1f} % CPU {:10.0f} passes/s {:8} tasks{}",
                    loop.id, loop.thread, load.cpu_percent, load.passes_per_second,
                    loop.tasks.size(), loop.running ? "" : "  (not running)"));
  }
  constexpr const char* kSorts[] = {"count", "coroutine", "what it waits for"};
  out.push_back(settings.typing_filter
                    ? "filter: " + settings.filter + "_"
                    : fmt::format("keys: q quit, s sort (by {}), / filter{}, p pause",
                                  kSorts[static_cast<int>(settings.sort)],
                                  settings.filter.empty() ? "" : " (" + settings.filter + ")"));
  out.push_back("");
  out.push_back(fmt::format("{:>7} {:<8} {:<24} {:<18} {}", "TASKS", "STATE", "WAITS FOR", "AT",
                            "COROUTINES"));
  for (const TaskGroupRow& row : grouped(process, settings))
    out.push_back(fmt::format("{:>7} {:<8} {:<24} {:<18} {}", row.count, row.state,
                              cut(row.waits_for, 24), cut(row.place, 18), row.coroutine));
  if (out.size() > lines) out.resize(lines);
  std::string text;
  for (const std::string& line : out) text += cut(line, columns) + "\n";
  return text;
}

bool press(TopSettings& settings, char key) {
  if (key == kControlC) return false;
  if (settings.typing_filter) {
    if (key == '\r' || key == '\n') {
      settings.typing_filter = false;
    } else if (key == kEscape) {
      settings.typing_filter = false;
      settings.filter.clear();
    } else if (key == kBackspace || key == '\b') {
      if (!settings.filter.empty()) settings.filter.pop_back();
    } else if (key >= ' ') {
      settings.filter += key;
    }
    return true;
  }
  if (key == 'q') return false;
  if (key == 'p') settings.paused = !settings.paused;
  if (key == '/') settings.typing_filter = true;
  if (key == kEscape) settings.filter.clear();
  if (key == 's') settings.sort = static_cast<TopSort>((static_cast<int>(settings.sort) + 1) % 3);
  return true;
}

}  // namespace cli
