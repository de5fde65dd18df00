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

// To so many characters, not bytes.
std::string cut(std::string line, std::size_t columns) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(line[i]) & 0xC0) != 0x80;
    if (begins && characters++ == columns) {
      line.resize(i);
      break;
    }
  }
  return line;
}

std::string chain_of(const SeenTask& task) {
  std::string chain;
  for (const SeenFrame& frame : task.stack) chain += (chain.empty() ? "" : " > ") + frame.function;
  return chain;
}

std::string innermost_place(const SeenTask& task) {
  if (task.stack.empty()) return "";
  const std::string place = place_of(task.stack.back());
  return place.substr(place.rfind('/') + 1);
}

TaskGroupRow row_of(const SeenTask& task) {
  TaskGroupRow row;
  row.state = asyncio::debug::state_name(task.state);
  if (task.state != SeenTask::State::running)
    row.waits_for =
        task.awaits != 0
            ? "Task"
            : task.waits_for + (task.holder.empty() ? "" : " (held by " + task.holder + ")");
  row.coroutine = chain_of(task);
  row.place = innermost_place(task);
  return row;
}

auto key_of(const TaskGroupRow& row) {
  return std::tie(row.coroutine, row.place, row.waits_for, row.state);
}

// Where tasks come and go between two looks, what ran may have no task left: a row of its own.
void add_busy(std::vector<TaskGroupRow>& groups, const Samples& samples) {
  for (const auto& [where, count] : samples.running) {
    const double percent = 100 * static_cast<double>(count) / static_cast<double>(samples.looks);
    const auto found = std::find_if(groups.begin(), groups.end(), [&](const TaskGroupRow& row) {
      return row.coroutine == where.first && row.place == where.second;
    });
    if (found != groups.end()) {
      found->busy_percent = percent;
      continue;
    }
    TaskGroupRow row;
    row.state = "gone";
    row.coroutine = where.first;
    row.place = where.second;
    row.busy_percent = percent;
    groups.push_back(std::move(row));
  }
}

std::string operations_of(const LoopLoad& load) {
  std::string text;
  for (const auto& [name, rate] : load.operations)
    if (rate >= 0.5) text += fmt::format("{}{:.0f} {}", text.empty() ? "" : ", ", rate, name);
  return text.empty() ? "none" : text;
}

}  // namespace

std::string short_time(asyncio::Duration time) {
  const auto ns = static_cast<double>(time.count());
  if (ns < 1e3) return fmt::format("{:.0f} ns", ns);
  if (ns < 1e6) return fmt::format("{:.3g} us", ns / 1e3);
  if (ns < 1e9) return fmt::format("{:.3g} ms", ns / 1e6);
  return fmt::format("{:.3g} s", ns / 1e9);
}

void Samples::add(const std::vector<SeenTask>& tasks) {
  ++looks;
  for (const SeenTask& task : tasks) ++running[{chain_of(task), innermost_place(task)}];
}

std::vector<TaskGroupRow> grouped(const SeenProcess& process, const Samples& samples,
                                  const TopSettings& settings) {
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
  add_busy(groups, samples);
  std::erase_if(groups, [&](const TaskGroupRow& row) {
    const std::string line =
        row.coroutine + " " + row.place + " " + row.waits_for + " " + row.state;
    return line.find(settings.filter) == line.npos;
  });
  // Stable: within what is equal, by coroutine, as they are now.
  if (settings.sort == TopSort::count)
    std::stable_sort(groups.begin(), groups.end(),
                     [](const auto& a, const auto& b) { return a.count > b.count; });
  if (settings.sort == TopSort::busy)
    std::stable_sort(groups.begin(), groups.end(),
                     [](const auto& a, const auto& b) { return a.busy_percent > b.busy_percent; });
  if (settings.sort == TopSort::waits)
    std::stable_sort(groups.begin(), groups.end(),
                     [](const auto& a, const auto& b) { return a.waits_for < b.waits_for; });
  return groups;
}

namespace {

void add_loops(std::vector<std::string>& out, const SeenProcess& process,
               const std::vector<LoopLoad>& loads) {
  for (std::size_t i = 0; i < process.loops.size(); ++i) {
    const SeenLoop& loop = process.loops[i];
    const LoopLoad load = i < loads.size() ? loads[i] : LoopLoad{};
    out.push_back(fmt::format(
        "  loop {:<3} thread {:<8} {:5.1f} % CPU {:10.0f} passes/s {:8} task{}{}", loop.id,
        loop.thread, load.cpu_percent, load.passes_per_second, loop.tasks.size(),
        loop.tasks.size() == 1 ? "" : "s", loop.running ? "" : "  (not running)"));
    out.push_back(fmt::format(
        "           latency: {}   I/O a second: {}",
        load.most == asyncio::Duration::zero()
            ? "-"
            : fmt::format("half < {}, 99 % < {}", short_time(load.half), short_time(load.most)),
        operations_of(load)));
  }
}

}  // namespace

std::string screen_of(const SeenProcess& process, const std::vector<LoopLoad>& loads,
                      const Samples& samples, const TopSettings& settings, std::size_t columns,
                      std::size_t lines) {
  std::vector<std::string> out;
  std::size_t tasks = 0;
  for (const SeenLoop& loop : process.loops) tasks += loop.tasks.size();
  out.push_back(fmt::format("asyncio top: process {}, asyncio {}, {} loop{}, {} task{}{}",
                            process.pid, process.library, process.loops.size(),
                            process.loops.size() == 1 ? "" : "s", tasks, tasks == 1 ? "" : "s",
                            settings.paused ? "  [paused]" : ""));
  add_loops(out, process, loads);
  constexpr const char* kSorts[kTopSorts] = {"count", "busy time", "coroutine",
                                             "what it waits for"};
  out.push_back(settings.typing_filter
                    ? "filter: " + settings.filter + "_"
                    : fmt::format("keys: q quit, s sort (by {}), / filter{}, p pause",
                                  kSorts[static_cast<int>(settings.sort)],
                                  settings.filter.empty() ? "" : " (" + settings.filter + ")"));
  out.push_back("");
  out.push_back(fmt::format("{:>7} {:>6} {:<8} {:<24} {:<22} {}", "TASKS", "BUSY", "STATE",
                            "WAITS FOR", "AT", "COROUTINES"));
  for (const TaskGroupRow& row : grouped(process, samples, settings))
    out.push_back(fmt::format(
        "{:>7} {:>6} {:<8} {:<24} {:<22} {}", row.count,
        row.busy_percent < 0.05 ? std::string("-") : fmt::format("{:.1f}%", row.busy_percent),
        row.state, cut(row.waits_for, 24), cut(row.place, 22), row.coroutine));
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
  if (key == 's')
    settings.sort = static_cast<TopSort>((static_cast<int>(settings.sort) + 1) % kTopSorts);
  return true;
}

}  // namespace cli
