#include "asyncio/debug/call_graph.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include "asyncio/core/events.hpp"
#include "asyncio/core/instrument.hpp"

namespace asyncio {
namespace detail {
namespace {

template <class T>
T read_at(const void* object, std::int32_t offset) noexcept {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(object) + offset, sizeof(value));
  return value;
}

// Walks from a future to those who wait for it.
class Walk {
 public:
  explicit Walk(const CallGraphOptions& options) : options_(options) {}

  FutureCallGraph look(FutureBase& future) {
    FutureCallGraph graph;
    graph.id = &future;
    auto* task = future.is_task() ? static_cast<TaskBase*>(&future) : nullptr;
    if (task != nullptr) graph.name = task->get_name();
    const bool is_new = met_.insert(&future).second;
    if (!is_new || future.done()) return graph;
    if (task != nullptr) add_stack(*task, graph);
    std::vector<TaskBase*> awaiters;
    collect(future.waiters(), awaiters, 0);
    for (TaskBase* awaiter : awaiters) graph.awaited_by.push_back(look(*awaiter));
    return graph;
  }

 private:
  void add_stack(const TaskBase& task, FutureCallGraph& graph) const {
    std::vector<StackFrame> frames = task.get_stack();  // outermost first
    std::reverse(frames.begin(), frames.end());
    const auto size = static_cast<std::ptrdiff_t>(frames.size());
    if (options_.limit) {
      const auto keep = std::min<std::ptrdiff_t>(std::abs(*options_.limit), size);
      if (*options_.limit >= 0)
        frames.erase(frames.begin() + keep, frames.end());
      else
        frames.erase(frames.begin(), frames.end() - keep);
    }
    for (StackFrame& frame : frames) graph.call_stack.push_back({std::move(frame)});
    if (const Node* node = task.waiter()) {
      const WaitText text = describe_wait(*node);
      graph.waits_for = text.what;
      graph.detail = text.detail;
    }
  }

  // The tasks that are told, as far as the nodes say so; see WaitKind.
  static void collect(NodeList& list, std::vector<TaskBase*>& awaiters, int hops) {
    constexpr int kMaxHops = 100;
    if (hops > kMaxHops) return;
    for (Node* node = list.first(); node != nullptr; node = list.after(*node)) {
      const WaitKind* kind = kind_of(*node);
      if (kind == nullptr || kind->told < 0) continue;
      void* target = read_at<void*>(node, kind->told);
      if (target != nullptr && kind->told_at >= 0) target = read_at<void*>(target, kind->told_at);
      if (target == nullptr) continue;
      if (kind->told_is_list) {
        collect(*static_cast<NodeList*>(target), awaiters, hops + 1);
        continue;
      }
      auto* task = static_cast<TaskBase*>(target);
      if (std::find(awaiters.begin(), awaiters.end(), task) == awaiters.end())
        awaiters.push_back(task);
    }
  }

  const CallGraphOptions& options_;
  std::set<const FutureBase*> met_;
};

void append(std::string& text, const FutureCallGraph& graph, const std::string& indent) {
  char id[2 + 2 * sizeof(void*) + 1];
  std::snprintf(id, sizeof(id), "%p", graph.id);
  text += indent + "* ";
  text += graph.name.empty() ? "Future(" : "Task(name='" + graph.name + "', ";
  text += std::string("id=") + id + ")\n";

  if (!graph.call_stack.empty() || !graph.waits_for.empty()) text += indent + "  + Call stack:\n";
  if (!graph.waits_for.empty())
    text += indent + "  |   waits for " + graph.waits_for +
            (graph.detail.empty() ? "" : " (" + graph.detail + ")") + "\n";
  for (const FrameCallGraphEntry& entry : graph.call_stack)
    text += indent + "  |   File \"" + entry.frame.where.file_name() + "\", line " +
            std::to_string(entry.frame.where.line()) + ", in async " + entry.frame.function +
            "()\n";

  if (!graph.awaited_by.empty()) text += indent + "  + Awaited by:\n";
  for (const FutureCallGraph& awaiter : graph.awaited_by) append(text, awaiter, indent + "     ");
}

}  // namespace

FutureCallGraph capture_graph_of(FutureBase& future, const CallGraphOptions& options) {
  return Walk(options).look(future);
}

}  // namespace detail

FutureCallGraph capture_call_graph(const AnyTask& task, CallGraphOptions options) {
  return detail::capture_graph_of(task.base(), options);
}

std::optional<FutureCallGraph> capture_call_graph(CallGraphOptions options) {
  std::optional<AnyTask> task = current_task();
  if (!task) return std::nullopt;
  return capture_call_graph(*task, options);
}

std::string format_call_graph(const FutureCallGraph& graph) {
  std::string text;
  detail::append(text, graph, "");
  return text;
}

std::string format_call_graph(const AnyTask& task, CallGraphOptions options) {
  return format_call_graph(capture_call_graph(task, options));
}

std::string format_call_graph(CallGraphOptions options) {
  const std::optional<FutureCallGraph> graph = capture_call_graph(options);
  return graph ? format_call_graph(*graph) : "";
}

void print_call_graph(const AnyTask& task, CallGraphOptions options, std::FILE* file) {
  std::fputs(format_call_graph(task, options).c_str(), file);
}

void print_call_graph(CallGraphOptions options, std::FILE* file) {
  std::fputs(format_call_graph(options).c_str(), file);
}

}  // namespace asyncio
