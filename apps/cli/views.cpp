#include "apps/cli/views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "asyncio/base/json_text.hpp"

namespace cli {
namespace {

using asyncio::json_quoted;
using asyncio::debug::Address;
using asyncio::debug::SeenFrame;
using asyncio::debug::SeenLoop;
using asyncio::debug::SeenProcess;
using asyncio::debug::SeenTask;
using asyncio::debug::state_name;

std::string hex(Address id) { return fmt::format("{:#x}", id); }

// "sleep -> deepest -> middle": innermost first, as Python has it.
std::string chain_of(const SeenTask& task) {
  std::string text = leaf_of(task);
  for (auto frame = task.stack.rbegin(); frame != task.stack.rend(); ++frame) {
    if (!text.empty()) text += " -> ";
    text += frame->function;
  }
  return text;
}

std::string heading(const SeenLoop& loop) {
  std::string text = fmt::format("Loop {}, thread {}: {} task{}", loop.id, loop.thread,
                                 loop.tasks.size(), loop.tasks.size() == 1 ? "" : "s");
  if (!loop.running) text += ", not running";
  if (!loop.complete) text += ", incomplete: they changed while they were read";
  return text + "\n";
}

const SeenTask* find(const SeenLoop& loop, Address id) {
  const auto found = std::find_if(loop.tasks.begin(), loop.tasks.end(),
                                  [&](const SeenTask& task) { return task.id == id; });
  return found == loop.tasks.end() ? nullptr : &*found;
}

}  // namespace

std::string leaf_of(const SeenTask& task) {
  if (task.state == SeenTask::State::running || task.awaits != 0) return "";
  const std::string detail = task.holder.empty() ? task.detail : "held by " + task.holder;
  return task.waits_for + (detail.empty() ? "" : " (" + detail + ")");
}

std::string place_of(const SeenFrame& frame) {
  std::string_view file = frame.file;
  const std::size_t include = file.rfind("include/asyncio/");
  if (include != file.npos) file.remove_prefix(include + 8);
  return fmt::format("{}:{}", file, frame.line);
}

// ---- the table

std::string table_of(const SeenProcess& process) {
  using Row = std::array<std::string, 8>;
  std::vector<Row> rows{{"tid", "task id", "task name", "state", "coroutine stack", "awaiter chain",
                         "awaiter name", "awaiter id"}};
  std::string notes;
  for (const SeenLoop& loop : process.loops) {
    if (!loop.complete) notes += heading(loop);
    std::unordered_map<Address, const SeenTask*> tasks;
    for (const SeenTask& task : loop.tasks) tasks.emplace(task.id, &task);
    for (const SeenTask& task : loop.tasks) {
      const Row own{std::to_string(loop.thread),
                    hex(task.id),
                    task.name,
                    state_name(task.state),
                    chain_of(task),
                    "",
                    "",
                    "0x0"};
      if (task.awaited_by.empty()) rows.push_back(own);
      for (const Address id : task.awaited_by) {
        Row row = own;
        row[5] = chain_of(*tasks.at(id));
        row[6] = tasks.at(id)->name;
        row[7] = hex(id);
        rows.push_back(std::move(row));
      }
    }
  }
  std::array<std::size_t, 8> widths{};
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text = notes;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (&row == &rows.front()) text += std::string(line.size() + 8, '-') + "\n";
  }
  return text;
}

// ---- the tree

namespace {

class Tree {
 public:
  explicit Tree(const SeenLoop& loop) : loop_(loop) {
    for (const SeenTask& task : loop.tasks)
      for (const Address awaiter : task.awaited_by) children_[awaiter].push_back(&task);
  }

  std::string text() {
    for (const SeenTask& task : loop_.tasks)
      if (task.awaited_by.empty()) add_task(task, "", true);
    // What no root leads to goes in circles.
    for (const SeenTask& task : loop_.tasks)
      if (!met_.contains(task.id)) add_circle(task);
    return std::move(text_);
  }

 private:
  void add_line(const std::string& indent, bool last, const std::string& line) {
    text_ += indent + (last ? "└── " : "├── ") + line + "\n";
  }
  static std::string deeper(const std::string& indent, bool last) {
    return indent + (last ? "    " : "│   ");
  }

  void add_task(const SeenTask& task, std::string indent, bool last) {
    std::string line = "(T) " + task.name;
    if (task.state != SeenTask::State::waiting)
      line += fmt::format(" [{}]", state_name(task.state));
    const bool shown_before = !met_.insert(task.id).second;
    if (shown_before) line += " (see above)";
    add_line(indent, last, line);
    if (shown_before) return;
    indent = deeper(indent, last);
    for (const SeenFrame& frame : task.stack) {
      add_line(indent, true, fmt::format(" {} {}", frame.function, place_of(frame)));
      indent = deeper(indent, true);
    }
    const auto found = children_.find(task.id);
    const std::string leaf = leaf_of(task);
    if (found == children_.end()) {
      if (!leaf.empty()) add_line(indent, true, " " + leaf);
      return;
    }
    const auto& below = found->second;
    for (const SeenTask* child : below) add_task(*child, indent, child == below.back());
  }

  void add_circle(const SeenTask& first) {
    text_ += "ERROR: these tasks await each other, so that none of them can go on:\n    ";
    const SeenTask* task = &first;
    do {
      met_.insert(task->id);
      text_ += task->name + " -> ";
      task = find(loop_, task->awaits);
    } while (task != nullptr && !met_.contains(task->id));
    text_ += (task != nullptr ? task->name : std::string("?")) + "\n";
  }

  const SeenLoop& loop_;
  std::unordered_map<Address, std::vector<const SeenTask*>> children_;
  std::unordered_set<Address> met_;
  std::string text_;
};

}  // namespace

std::string tree_of(const SeenProcess& process) {
  std::string text;
  for (const SeenLoop& loop : process.loops) {
    if (!text.empty()) text += "\n";
    text += heading(loop) + Tree(loop).text();
  }
  return text;
}

// ---- JSON

namespace {

std::string json_of(const SeenTask& task) {
  std::string stack, awaited_by;
  for (const SeenFrame& frame : task.stack)
    stack +=
        fmt::format("{}{{\"function\": {}, \"file\": {}, \"line\": {}}}", stack.empty() ? "" : ", ",
                    json_quoted(frame.function), json_quoted(frame.file), frame.line);
  for (const Address id : task.awaited_by)
    awaited_by += fmt::format("{}{}", awaited_by.empty() ? "" : ", ", json_quoted(hex(id)));
  return fmt::format(
      "{{\"id\": {}, \"name\": {}, \"state\": {}, \"waits_for\": {}, \"awaits\": {}, "
      "\"cancelling\": {}, \"awaited_by\": [{}], \"stack\": [{}]}}",
      json_quoted(hex(task.id)), json_quoted(task.name), json_quoted(state_name(task.state)),
      json_quoted(leaf_of(task)), task.awaits == 0 ? "null" : json_quoted(hex(task.awaits)),
      task.cancelling, awaited_by, stack);
}

}  // namespace

std::string json_of(const SeenProcess& process) {
  std::string loops;
  for (const SeenLoop& loop : process.loops) {
    std::string tasks;
    for (const SeenTask& task : loop.tasks)
      tasks += (tasks.empty() ? "\n    " : ",\n    ") + json_of(task);
    loops += fmt::format(
        "{}\n  {{\"id\": {}, \"thread\": {}, \"running\": {}, \"passes\": {}, \"complete\": {}, "
        "\"tasks\": [{}]}}",
        loops.empty() ? "" : ",", loop.id, loop.thread, loop.running, loop.passes, loop.complete,
        tasks);
  }
  return fmt::format("{{\"pid\": {}, \"asyncio\": {}, \"loops\": [{}]}}\n", process.pid,
                     json_quoted(process.library), loops);
}

}  // namespace cli
