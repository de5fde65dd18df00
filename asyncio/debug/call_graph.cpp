#include "asyncio/debug/call_graph.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "asyncio/core/events.hpp"

namespace asyncio {
namespace {

// The tasks whose innermost await is this very task.
std::vector<AnyTask> awaiters_of(const AnyTask& task) {
  std::vector<AnyTask> awaiters;
  for (const AnyTask& other : all_tasks(task.get_loop())) {
    const auto* wait = dynamic_cast<const detail::FutureWait*>(other.base().waiter());
    if (wait != nullptr && wait->awaited() == &task.base()) awaiters.push_back(other);
  }
  return awaiters;
}

// `seen` ends the recursion where tasks await each other.
void append(std::string& text, const AnyTask& task, const std::string& indent,
            std::vector<AnyTask>& seen) {
  text += indent + "* Task(name='" + task.get_name() + "')\n";
  if (std::find(seen.begin(), seen.end(), task) != seen.end()) return;
  seen.push_back(task);
  if (task.done()) return;  // neither a stack nor awaiters, and its loop may be gone

  std::vector<StackFrame> frames = task.get_stack();
  if (!frames.empty()) text += indent + "  + Call stack:\n";
  for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame)
    text += indent + "  |   File \"" + frame->where.file_name() + "\", line " +
            std::to_string(frame->where.line()) + ", in async " + frame->function + "()\n";

  const std::vector<AnyTask> awaiters = awaiters_of(task);
  if (!awaiters.empty()) text += indent + "  + Awaited by:\n";
  for (const AnyTask& awaiter : awaiters) append(text, awaiter, indent + "     ", seen);
}

AnyTask running_task() {
  std::optional<AnyTask> task = current_task();
  if (!task) throw RuntimeError("no running task: format_call_graph() was called in a callback");
  return *task;
}

}  // namespace

std::string format_call_graph(const AnyTask& task) {
  std::string text;
  std::vector<AnyTask> seen;
  append(text, task, "", seen);
  return text;
}
std::string format_call_graph() { return format_call_graph(running_task()); }

void print_call_graph(const AnyTask& task) { std::fputs(format_call_graph(task).c_str(), stderr); }
void print_call_graph() { print_call_graph(running_task()); }

}  // namespace asyncio
