#include "asyncio/debug/chrome_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "asyncio/base/errors.hpp"
#include "asyncio/base/json_text.hpp"

namespace asyncio::debug {
namespace {

std::int64_t first_time(const Trace& trace) {
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  for (const TraceLoop& loop : trace.loops) {
    for (const TraceStep& step : loop.steps) first = std::min(first, step.start);
    for (const TraceOperation& operation : loop.operations)
      first = std::min(first, operation.start);
  }
  return first;
}

class Writer {
 public:
  Writer(const Trace& trace, std::FILE* file)
      : file_(file), pid_(trace.pid), zero_(first_time(trace)) {}

  void begin(const std::string& program) {
    put("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n");
    put(
        fmt::format("{{\"ph\": \"M\", \"name\": \"process_name\", \"pid\": {}, \"tid\": 0, "
                    "\"args\": {{\"name\": {}}}}}",
                    pid_, json_quoted(program)));
  }
  void add(const TraceLoop& loop);
  void end() {
    put("\n]}\n");
    flush();
    if (std::fflush(file_) != 0) throw_os_error(errno, "write");
  }

 private:
  void put(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() > std::size_t{1} << 20) flush();
  }
  void flush() {
    if (std::fwrite(buffer_.data(), 1, buffer_.size(), file_) != buffer_.size())
      throw_os_error(errno, "write");
    buffer_.clear();
  }
  // Microseconds; what they are counted from is the first event.
  std::string time(std::int64_t ns) const {
    return fmt::format("{}.{:03}", (ns - zero_) / 1000, (ns - zero_) % 1000);
  }
  static std::string length(std::int64_t ns) {
    return fmt::format("{}.{:03}", ns / 1000, ns % 1000);
  }

  void add_thread(const TraceLoop& loop);
  void add_step(const TraceLoop& loop, const TraceStep& step, std::uint32_t stack_before);
  void add_operation(const TraceLoop& loop, const TraceOperation& operation);
  void add_aside(const TraceLoop& loop, const TraceOperation& operation,
                 const std::string& details);
  void add_tasks(const TraceLoop& loop);
  void add_slice(char phase, const TraceLoop& loop, std::uint32_t task, const std::string& name,
                 std::int64_t when);

  std::FILE* file_;
  int pid_;
  std::int64_t zero_;
  std::uint64_t asides_ = 0;  // so far
  std::string buffer_;
};

std::string stack_text(const TraceLoop& loop, std::uint32_t stack) {
  std::string text;
  for (const TracePlace* place : loop.frames(stack))
    text += fmt::format("{}{} {}:{}", text.empty() ? "" : " > ", place->function, place->file,
                        place->line);
  return text;
}

// "sleep", or "Task-2" where it is a task.
std::string wait_text(const TraceLoop& loop, const TraceStep& step) {
  if (step.awaited != 0) return "await " + loop.task_name(step.awaited);
  return step.label != 0 ? loop.label(step.label) : "ready";
}

void Writer::add(const TraceLoop& loop) {
  put(
      fmt::format(",\n{{\"ph\": \"M\", \"name\": \"thread_name\", \"pid\": {}, \"tid\": {}, "
                  "\"args\": {{\"name\": \"loop {}\"}}}}",
                  pid_, loop.thread, loop.id));
  if (loop.lost != 0)
    put(
        fmt::format(",\n{{\"ph\": \"M\", \"name\": \"asyncio_lost\", \"pid\": {}, \"tid\": {}, "
                    "\"args\": {{\"slots\": {}}}}}",
                    pid_, loop.thread, loop.lost));
  add_thread(loop);
  add_tasks(loop);
}

// By start; what contains stands before what it contains.
void Writer::add_thread(const TraceLoop& loop) {
  std::vector<const TraceOperation*> operations;
  for (const TraceOperation& operation : loop.operations) operations.push_back(&operation);
  std::stable_sort(operations.begin(), operations.end(),
                   [](const auto* a, const auto* b) { return a->start < b->start; });
  std::unordered_map<std::uint32_t, std::uint32_t> stacks;  // where each task stands
  auto next = operations.begin();
  for (const TraceStep& step : loop.steps) {
    for (; next != operations.end() && (*next)->start < step.start; ++next)
      add_operation(loop, **next);
    const auto known = loop.tasks.find(step.task);
    const auto [stack, is_new] = stacks.try_emplace(step.task);
    if (is_new && known != loop.tasks.end()) stack->second = known->second.stack;
    add_step(loop, step, stack->second);
    stack->second = step.stack;
  }
  for (; next != operations.end(); ++next) add_operation(loop, **next);
}

void Writer::add_step(const TraceLoop& loop, const TraceStep& step, std::uint32_t stack_before) {
  const auto frames = loop.frames(stack_before);
  std::string name = "step";
  if (step.task == 0)
    name = loop.label(step.label);
  else if (!frames.empty())
    name = frames.back()->function;
  std::string details;
  if (step.task != 0)
    details = fmt::format("\"task\": {}, \"resumed at\": {}, \"then\": {}",
                          json_quoted(loop.task_name(step.task)),
                          json_quoted(stack_text(loop, stack_before)),
                          json_quoted(step.is_last ? "done" : wait_text(loop, step)));
  put(fmt::format(
      ",\n{{\"ph\": \"X\", \"cat\": \"step\", \"name\": {}, \"pid\": {}, \"tid\": {}, "
      "\"ts\": {}, \"dur\": {}, \"args\": {{{}}}}}",
      json_quoted(name), pid_, loop.thread, time(step.start), length(step.duration), details));
}

void Writer::add_operation(const TraceLoop& loop, const TraceOperation& operation) {
  std::string details = fmt::format("\"result\": {}", operation.result);
  if (operation.fd >= 0) details += fmt::format(", \"fd\": {}", operation.fd);
  if (operation.result < 0)
    details += ", \"error\": " + json_quoted(std::strerror(static_cast<int>(-operation.result)));
  if (operation.is_aside) {
    add_aside(loop, operation, details);
    return;
  }
  put(
      fmt::format(",\n{{\"ph\": \"X\", \"cat\": \"io\", \"name\": {}, \"pid\": {}, \"tid\": {}, "
                  "\"ts\": {}, \"dur\": {}, \"args\": {{{}}}}}",
                  json_quoted(loop.label(operation.label)), pid_, loop.thread,
                  time(operation.start), length(operation.duration), details));
}

// Other steps ran meanwhile: on a track of its own.
void Writer::add_aside(const TraceLoop& loop, const TraceOperation& operation,
                       const std::string& details) {
  const std::string head =
      fmt::format("\"cat\": \"io\", \"name\": {}, \"id\": \"io {}.{}\", \"pid\": {}, \"tid\": {}",
                  json_quoted(loop.label(operation.label)), loop.id, ++asides_, pid_, loop.thread);
  put(fmt::format(",\n{{\"ph\": \"b\", {}, \"ts\": {}, \"args\": {{{}}}}}", head,
                  time(operation.start), details));
  put(fmt::format(",\n{{\"ph\": \"e\", {}, \"ts\": {}}}", head,
                  time(operation.start + operation.duration)));
}

// A task is an asynchronous slice, in which its waits are.
void Writer::add_tasks(const TraceLoop& loop) {
  struct Open {
    std::string wait;
    bool is_waiting = false;
  };
  std::unordered_map<std::uint32_t, Open> open;
  std::int64_t end = 0;
  for (const TraceStep& step : loop.steps) {
    end = std::max(end, step.start + step.duration);
    if (step.task == 0) continue;
    const auto [task, is_new] = open.try_emplace(step.task);
    const std::string name = loop.task_name(step.task);
    if (is_new) add_slice('b', loop, step.task, name, step.start);
    if (task->second.is_waiting) add_slice('e', loop, step.task, task->second.wait, step.start);
    task->second = {wait_text(loop, step), !step.is_last};
    const std::int64_t then = step.start + step.duration;
    add_slice(step.is_last ? 'e' : 'b', loop, step.task, step.is_last ? name : task->second.wait,
              then);
    if (step.is_last) open.erase(task);
  }
  for (const auto& [task, state] : open) {
    add_slice('e', loop, task, state.wait, end);
    add_slice('e', loop, task, loop.task_name(task), end);
  }
}

void Writer::add_slice(char phase, const TraceLoop& loop, std::uint32_t task,
                       const std::string& name, std::int64_t when) {
  put(
      fmt::format(",\n{{\"ph\": \"{}\", \"cat\": \"task\", \"name\": {}, \"id\": \"{:#x}\", "
                  "\"pid\": {}, \"tid\": {}, \"ts\": {}}}",
                  phase, json_quoted(name), loop.id << 32 | task, pid_, loop.thread, time(when)));
}

}  // namespace

void write_chrome_trace(const Trace& trace, const std::string& program, std::FILE* file) {
  Writer writer(trace, file);
  writer.begin(program);
  for (const TraceLoop& loop : trace.loops) writer.add(loop);
  writer.end();
}

}  // namespace asyncio::debug
