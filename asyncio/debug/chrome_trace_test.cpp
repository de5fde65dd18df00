// That the whole is JSON, and what whole programs give: tests/cli/trace.py.
#include "asyncio/debug/chrome_trace.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include "asyncio/base/errors.hpp"

namespace asyncio::debug {
namespace {

std::string written(const Trace& trace) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* const file = open_memstream(&text, &size);
  write_chrome_trace(trace, "a \"server\"", file);
  std::fclose(file);
  const std::unique_ptr<char, void (*)(void*)> owner(text, &std::free);
  return std::string(text, size);
}

// Task 1 runs, sends, sleeps, runs and ends; a callback comes last.
Trace small() {
  TraceLoop loop;
  loop.id = 1;
  loop.thread = 78;
  loop.places = {{1, {"serve", "a.cpp", 3}}};
  loop.stacks = {{5, {0, 1}}};
  loop.labels = {{1, "sleep"}, {2, "send"}, {3, "<Handle x>"}};
  loop.tasks = {{1, {"Task-1", 0, 5, 1000}}};
  loop.steps = {{1000, 2500, 1, 5, 0, 1, false},
                {9000, 1000, 1, 0, 0, 0, true},
                {20'000, 1, 0, 0, 0, 3, false}};
  loop.operations = {{2000, 500, -32, 4, 2}};
  Trace trace{.pid = 77, .loops = {}};
  trace.loops.push_back(std::move(loop));
  return trace;
}

constexpr const char* kSmall =
    R"({"displayTimeUnit": "ns", "traceEvents": [
{"ph": "M", "name": "process_name", "pid": 77, "tid": 0, "args": {"name": "a \"server\""}},
{"ph": "M", "name": "thread_name", "pid": 77, "tid": 78, "args": {"name": "loop 1"}},
{"ph": "X", "cat": "step", "name": "serve", "pid": 77, "tid": 78, "ts": 0.000, "dur": 2.500, )"
    R"("args": {"task": "Task-1", "resumed at": "serve a.cpp:3", "then": "sleep"}},
{"ph": "X", "cat": "io", "name": "send", "pid": 77, "tid": 78, "ts": 1.000, "dur": 0.500, )"
    R"("args": {"result": -32, "fd": 4, "error": "Broken pipe"}},
{"ph": "X", "cat": "step", "name": "serve", "pid": 77, "tid": 78, "ts": 8.000, "dur": 1.000, )"
    R"("args": {"task": "Task-1", "resumed at": "serve a.cpp:3", "then": "done"}},
{"ph": "X", "cat": "step", "name": "<Handle x>", "pid": 77, "tid": 78, "ts": 19.000, )"
    R"("dur": 0.001, "args": {}},
{"ph": "b", "cat": "task", "name": "Task-1", "id": "0x100000001", "pid": 77, "tid": 78, )"
    R"("ts": 0.000},
{"ph": "b", "cat": "task", "name": "sleep", "id": "0x100000001", "pid": 77, "tid": 78, )"
    R"("ts": 2.500},
{"ph": "e", "cat": "task", "name": "sleep", "id": "0x100000001", "pid": 77, "tid": 78, )"
    R"("ts": 8.000},
{"ph": "e", "cat": "task", "name": "Task-1", "id": "0x100000001", "pid": 77, "tid": 78, )"
    R"("ts": 9.000}
]}
)";

TEST(ChromeTrace, has_steps_and_operations_by_thread_and_waits_by_task) {
  EXPECT_EQ(written(small()), kSmall);
}

TEST(ChromeTrace, a_task_that_has_not_ended_ends_with_the_trace) {
  Trace trace = small();
  trace.loops[0].steps.erase(trace.loops[0].steps.begin() + 1);

  const std::string text = written(trace);

  EXPECT_NE(text.find("\"ph\": \"e\", \"cat\": \"task\", \"name\": \"sleep\", \"id\": "
                      "\"0x100000001\", \"pid\": 77, \"tid\": 78, \"ts\": 19.001"),
            std::string::npos);
}

TEST(ChromeTrace, says_how_much_is_missing) {
  Trace trace = small();
  trace.loops[0].lost = 12;

  EXPECT_NE(written(trace).find("\"asyncio_lost\""), std::string::npos);
}

TEST(ChromeTrace, a_full_disk_is_an_error) {
  std::FILE* const full = std::fopen("/dev/full", "w");

  EXPECT_THROW(write_chrome_trace(small(), "x", full), OSError);
  std::fclose(full);
}

}  // namespace
}  // namespace asyncio::debug
