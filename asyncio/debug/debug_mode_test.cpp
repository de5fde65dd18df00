// Debug mode: what is reported, with which names and places. The pieces are spread over the
// library; what users see of them is here.
// tsan
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "asyncio/asyncio.hpp"
#include "asyncio/debug/inspect.hpp"
#include "asyncio/testing.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using tests::LogCapture;

void block(Duration time) {
  const auto end = Clock::now() + time;
  while (Clock::now() < end) {}
}

Coro<> fails_deep() {
  co_await sleep(0s);
  throw ValueError("deep");
}
Coro<> fails() { co_await fails_deep(); }

Coro<> set_threshold_and_block() {
  get_running_loop().set_slow_callback_duration(5ms);
  co_await sleep(0s);
  block(10ms);
  co_await sleep(0s);
}

TEST(DebugMode, comes_on_by_the_environment) {
  const char* const before = std::getenv("ASYNCIO_DEBUG");
  const std::string kept = before != nullptr ? before : "";
  for (const auto& [value, on] :
       {std::pair("1", true), std::pair("0", false), std::pair("", false)}) {
    ::setenv("ASYNCIO_DEBUG", value, 1);
    EXPECT_EQ(Loop().get_debug(), on) << value;
  }
  ::setenv("ASYNCIO_DEBUG", kept.c_str(), 1);
}

TEST(DebugMode, a_slow_step_is_named_with_the_places_where_it_began_and_ended) {
  LogCapture log;

  run(set_threshold_and_block(), {.debug = true});

  EXPECT_TRUE(log.has("Executing <Task pending name='Task-")) << log.text();
  EXPECT_TRUE(log.has("coro=<set_threshold_and_block() at ")) << log.text();
  EXPECT_TRUE(log.has("\n  from: set_threshold_and_block at ")) << log.text();
  EXPECT_TRUE(log.has("\n  to:   set_threshold_and_block at ")) << log.text();
}

// The queue's node is what runs, not the task itself.
TEST(DebugMode, a_slow_step_after_a_queue_is_the_tasks) {
  LogCapture log;

  run(
      []() -> Coro<> {
        Queue<int> queue;
        auto getter = create_task([&]() -> Coro<> {
          co_await queue.get();
          block(10ms);
        });
        getter.set_name("getter");
        co_await sleep(0s);
        co_await sleep(0s);
        get_running_loop().set_slow_callback_duration(5ms);
        queue.put_nowait(1);
        co_await getter;
      }(),
      {.debug = true});

  EXPECT_TRUE(log.has("Executing <Task pending name='getter'")) << log.text();
}

TEST(DebugMode, a_slow_callback_is_named_by_its_function) {
  LogCapture log;

  run(
      []() -> Coro<> {
        get_running_loop().set_slow_callback_duration(5ms);
        get_running_loop().call_soon([] { block(10ms); });
        co_await sleep(0s);
        co_await sleep(0s);
      }(),
      {.debug = true});

  EXPECT_TRUE(log.has("Executing <Handle ")) << log.text();
  EXPECT_TRUE(log.has("a_slow_callback_is_named_by_its_function")) << log.text();
}

TEST(DebugMode, a_forgotten_coroutine_is_reported_with_who_dropped_it) {
  LogCapture log;

  run(
      []() -> Coro<> {
        static_cast<void>(fails());
        co_return;
      }(),
      {.debug = true});

  EXPECT_TRUE(log.has("RuntimeWarning: coroutine 'fails' was never awaited\n  defined at "))
      << log.text();
  EXPECT_TRUE(log.has("\n  dropped by <Task pending name='Task-")) << log.text();
}

TEST(DebugMode, a_forgotten_coroutine_is_not_reported_once_no_loop_is_in_debug_mode) {
  run(sleep(0s), {.debug = true});
  LogCapture log;

  static_cast<void>(fails());

  EXPECT_EQ(log.text(), "");
}

TEST(DebugMode, can_be_switched_on_and_off) {
  Loop loop;
  loop.set_debug(true);
  loop.set_debug(true);
  loop.set_debug(false);
  LogCapture log;

  static_cast<void>(fails());

  EXPECT_EQ(log.text(), "");
}

TEST(DebugMode, a_failure_that_nobody_asked_for_has_its_traceback_outermost_first) {
  LogCapture log;

  run(
      []() -> Coro<> {
        create_task(fails(), {.name = "failing"});
        co_await sleep(1ms);
      }(),
      {.debug = true});

  const std::string text = log.text();
  EXPECT_NE(text.find("Task exception was never retrieved"), std::string::npos) << text;
  EXPECT_NE(text.find("task: <Task finished name='failing'"), std::string::npos) << text;
  const std::size_t traceback = text.find("Traceback (most recent call last):\n  File \"");
  const std::size_t outer = text.find(", in fails\n");
  const std::size_t inner = text.find(", in fails_deep\nValueError: deep\n");
  EXPECT_NE(traceback, std::string::npos) << text;
  EXPECT_LT(outer, inner) << text;
  EXPECT_NE(inner, std::string::npos) << text;
}

TEST(DebugMode, off_keeps_no_traceback) {
  LogCapture log;

  run([]() -> Coro<> {
    create_task(fails(), {.name = "failing"});
    co_await sleep(1ms);
  }());

  EXPECT_TRUE(log.has("Task exception was never retrieved")) << log.text();
  EXPECT_FALSE(log.has("Traceback")) << log.text();
}

template <class F>
std::string error_in_another_thread(F function) {
  std::string message = "nothing was thrown";
  std::thread([&] {
    try {
      function();
    } catch (const RuntimeError& error) {
      message = error.what();
    }
  }).join();
  return message;
}

TEST(DebugMode, use_from_another_thread_is_refused_and_both_threads_are_named) {
  run(
      []() -> Coro<> {
        Loop& loop = get_running_loop();
        Future<> future;
        auto task = create_task(sleep(1h));

        for (const std::string& message :
             {error_in_another_thread([&] { loop.call_soon([] {}); }),
              error_in_another_thread([&] { future.set_result(); }),
              error_in_another_thread([&] { task.cancel(); }),
              error_in_another_thread([&] { loop.create_task(sleep(0s)); })}) {
          EXPECT_EQ(
              message.find("Non-thread-safe operation invoked on an event loop other than the "
                           "current one\n  the loop runs in thread "),
              0u)
              << message;
          EXPECT_NE(message.find("\n  called in thread "), std::string::npos) << message;
        }

        EXPECT_FALSE(future.done());
        task.cancel();
        co_await wait({task});
      }(),
      {.debug = true});
}

TEST(DebugMode, a_server_that_was_not_closed_is_named_with_its_place) {
  LogCapture log;
  std::optional<Server> server;

  run(
      [](std::optional<Server>& kept) -> Coro<> {
        kept = co_await start_server([](StreamReader, StreamWriter) -> Coro<> { co_return; },
                                     "127.0.0.1", 0);
      }(server),
      {.debug = true});

  EXPECT_TRUE(log.has("ResourceWarning: unclosed server <Server")) << log.text();
  EXPECT_TRUE(log.has("debug_mode_test.cpp:")) << log.text();
}

TEST(DebugMode, connections_that_were_not_closed_are_named_with_their_place) {
  LogCapture log;
  std::optional<std::pair<Connection, Connection>> pair;
  std::optional<DatagramSocket> datagrams;

  run(
      [](auto& kept, auto& kept_datagrams) -> Coro<> {
        kept = detail::make_stream_pair(get_running_loop());
        kept_datagrams = co_await open_datagram({.local_host = "127.0.0.1"});
      }(pair, datagrams),
      {.debug = true});

  EXPECT_TRUE(log.has("ResourceWarning: unclosed transport <SocketTransport")) << log.text();
  EXPECT_TRUE(log.has("ResourceWarning: unclosed transport <DatagramTransport")) << log.text();
  EXPECT_TRUE(log.has("  created in operator() at ") || log.has("debug_mode_test.cpp:"))
      << log.text();
}

TEST(DebugMode, pipes_that_were_not_closed_are_named_with_their_place) {
  LogCapture log;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::optional<StreamReader> reader;
  std::optional<StreamWriter> writer;

  run(
      [](int from, int to, auto& kept_reader, auto& kept_writer) -> Coro<> {
        kept_reader = open_read_pipe(from);
        kept_writer = open_write_pipe(to);
        co_return;
      }(ends[0], ends[1], reader, writer),
      {.debug = true});

  EXPECT_TRUE(log.has("ResourceWarning: unclosed transport <ReadPipeTransport fd=")) << log.text();
  EXPECT_TRUE(log.has("ResourceWarning: unclosed transport <WritePipeTransport fd=")) << log.text();
  EXPECT_TRUE(log.has("debug_mode_test.cpp:")) << log.text();
}

TEST(DebugMode, a_process_that_goes_on_after_its_loop_is_named_with_its_place) {
  LogCapture log;
  std::optional<Process> process;

  run(
      [](std::optional<Process>& kept) -> Coro<> {
        kept = co_await create_subprocess_exec({"sleep", "1000"});
      }(process),
      {.debug = true});

  EXPECT_TRUE(log.has("ResourceWarning: unclosed transport <SubprocessTransport 'sleep' pid="))
      << log.text();
  EXPECT_TRUE(log.has("debug_mode_test.cpp:")) << log.text();
}

TEST(DebugMode, a_process_that_was_waited_for_is_not_named) {
  LogCapture log;

  run(
      []() -> Coro<> {
        auto process = co_await create_subprocess_exec({"true"});
        co_await process.wait();
      }(),
      {.debug = true});

  EXPECT_FALSE(log.has("ResourceWarning")) << log.text();
}

TEST(DebugMode, what_was_closed_is_not_named) {
  LogCapture log;

  run(
      []() -> Coro<> {
        Server server = co_await start_server(
            [](StreamReader, StreamWriter) -> Coro<> { co_return; }, "127.0.0.1", 0);
        auto [reader, writer] =
            co_await open_connection("127.0.0.1", server.sockets().at(0).port());
        writer.close();
        co_await writer.wait_closed();
        server.close();
        co_await server.wait_closed();
      }(),
      {.debug = true});

  EXPECT_EQ(log.text(), "");
}

TEST(DebugMode, an_executor_that_is_busy_at_the_end_is_named) {
  LogCapture log;
  std::promise<void> gate;
  std::thread opener([&] {  // once the loop says that it waits
    while (!log.has("still busy")) std::this_thread::yield();
    gate.set_value();
  });

  // Not through run(): the gate is opened by what the loop logs.
  run(
      [](std::promise<void>& waits_for) -> Coro<> {
        auto call = get_running_loop().run_in_executor([&] { waits_for.get_future().wait(); });
        co_return;
      }(gate),
      {.debug = true});

  opener.join();
  EXPECT_TRUE(log.has("the default executor is still busy while the loop ends")) << log.text();
}

// ---- statistics

TEST(LoopStats, count_what_there_is) {
  run([]() -> Coro<> {
    auto task = create_task(sleep(1h));
    co_await sleep(0s);
    co_await sleep(0s);
    get_running_loop().call_soon([] {});

    const LoopStats stats = get_running_loop().stats();

    EXPECT_EQ(stats.tasks, 2u);
    EXPECT_EQ(stats.timers, 1u);
    EXPECT_EQ(stats.ready, 1u);
    EXPECT_GE(stats.passes, 3u);
    EXPECT_GT(stats.busy, 0ns);
    EXPECT_EQ(stats.slowest_step, 0ns);  // not in debug mode
    task.cancel();
  }());
}

TEST(LoopStats, count_the_operations_of_the_backend) {
  run([]() -> Coro<> {
    const auto serve = [](StreamReader reader, StreamWriter writer) -> Coro<> {
      writer.write(co_await reader.readline());
      writer.close();
    };
    Server server = co_await start_server(serve, "127.0.0.1", 0);
    const LoopStats before = get_running_loop().stats();
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets().at(0).port());
    writer.write("x\n");
    EXPECT_EQ(co_await reader.read(), "x\n");

    const LoopStats stats = get_running_loop().stats();

    EXPECT_EQ(stats.operations.connects - before.operations.connects, 1u);
    EXPECT_GE(stats.operations.accepts - before.operations.accepts, 1u);
    EXPECT_EQ(stats.operations.sends - before.operations.sends, 2u);
    EXPECT_GE(stats.operations.receives - before.operations.receives, 2u);
    EXPECT_GT(stats.operations.waits, before.operations.waits);
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
  }());
}

TEST(LoopStats, have_the_times_of_steps_in_debug_mode) {
  run(
      []() -> Coro<> {
        co_await sleep(0s);
        block(2ms);
        co_await sleep(0s);

        const LoopStats stats = get_running_loop().stats();

        EXPECT_GE(stats.slowest_step, 2ms);
        std::uint64_t long_ones = 0;
        for (std::size_t i = 20; i < stats.steps.size(); ++i)
          long_ones += stats.steps[i];  // > 1 ms
        EXPECT_GE(long_ones, 1u);
      }(),
      {.debug = true});
}

TEST(LoopStats, have_the_times_of_steps_and_passes_while_they_are_measured) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    loop.measure_steps(true);
    co_await sleep(0s);
    block(2ms);
    co_await sleep(0s);
    co_await sleep(0s);
    loop.measure_steps(false);
    co_await sleep(0s);

    const LoopStats stats = loop.stats();
    block(20ms);
    co_await sleep(0s);
    co_await sleep(0s);

    EXPECT_FALSE(loop.measures_steps());
    EXPECT_GE(stats.slowest_pass, 2ms);
    EXPECT_GE(LoopStats::quantile(stats.latency, 1), 2ms);
    EXPECT_EQ(loop.stats().latency, stats.latency);
    EXPECT_EQ(loop.stats().steps, stats.steps);
  }());
}

TEST(LoopStats, are_measured_from_the_first_step_where_the_options_say_so) {
  Loop loop({.measures_steps = true});
  loop.run_until_complete(sleep(0s));

  EXPECT_GT(loop.stats().slowest_step, 0ns);
}

TEST(LoopStats, a_quantile_is_rounded_up_to_a_power_of_two) {
  LoopStats::Histogram times{};
  EXPECT_EQ(LoopStats::quantile(times, 0.5), 0ns);
  times[3] = 98;  // 8 to 15 ns
  times[10] = 2;
  EXPECT_EQ(LoopStats::quantile(times, 0.5), 16ns);
  EXPECT_EQ(LoopStats::quantile(times, 0.98), 16ns);
  EXPECT_EQ(LoopStats::quantile(times, 0.99), 2048ns);
  EXPECT_EQ(LoopStats::quantile(times, 1), 2048ns);
}

// As `asyncio top` does: it ends by itself, where the reader does not ask again.
TEST(LoopStats, are_measured_while_somebody_outside_wants_it) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    debug::measure(::getpid(), 1h);
    co_await sleep(1ms);  // looks at the kernel, and at what is wanted
    block(2ms);
    co_await sleep(1ms);

    const debug::SeenProcess seen = debug::inspect(::getpid());
    debug::measure(::getpid(), -1s);
    co_await sleep(1ms);
    co_await sleep(1ms);
    const LoopStats::Histogram before = loop.stats().steps;
    co_await sleep(1ms);

    EXPECT_GE(loop.stats().slowest_step, 2ms);
    EXPECT_GE(LoopStats::quantile(seen.loops.back().steps, 1), 2ms);
    EXPECT_EQ(loop.stats().steps, before);
  }());
}

TEST(LoopStats, count_pipes_programs_and_files) {
  run([]() -> Coro<> {
    const LoopStats::Operations before = get_running_loop().stats().operations;
    auto process = co_await create_subprocess_exec({"cat"}, {.in = PIPE, .out = PIPE});
    const ProcessOutput output = co_await process.communicate("x");
    EXPECT_EQ(output.out, "x");
    static_cast<void>(co_await read_file("/proc/self/stat"));

    const LoopStats::Operations after = get_running_loop().stats().operations;

    EXPECT_EQ(after.spawns - before.spawns, 1u);
    EXPECT_GE(after.reads - before.reads, 2u);
    EXPECT_GE(after.writes - before.writes, 1u);
    EXPECT_GE(after.files - before.files, 1u);
  }());
}

ASYNCIO_TEST(LoopStats, count_what_the_simulated_network_does) {
  auto pair = testing::memory_stream_pair();
  const LoopStats::Operations before = get_running_loop().stats().operations;
  pair.first.writer.write("x\n");
  EXPECT_EQ(co_await pair.second.reader.readline(), "x\n");

  const LoopStats::Operations after = get_running_loop().stats().operations;

  EXPECT_EQ(after.sends - before.sends, 1u);
  EXPECT_GE(after.receives - before.receives, 1u);
  EXPECT_GE(after.waits - before.waits, 1u);
}

// ---- stacks and contexts

Coro<std::vector<StackFrame>> own_stack() {
  co_await sleep(0s);
  co_return current_task()->get_stack();
}
Coro<std::vector<StackFrame>> calls_twice() {
  co_await own_stack();  // its frame is gone when the second one asks
  co_return co_await own_stack();
}

Coro<> waits_a_second() { co_await sleep(1s); }

ASYNCIO_TEST(GetCoro, is_the_body_and_where_it_stands_until_it_is_done) {
  auto task = create_task(waits_a_second());
  co_await testing::all_tasks_blocked();

  const std::optional<StackFrame> body = task.get_coro();

  EXPECT_TRUE(body);
  if (body) EXPECT_EQ(body->function, "waits_a_second");
  co_await task;
  EXPECT_FALSE(task.get_coro());
}

ASYNCIO_TEST(RunningTask, knows_its_own_stack_while_it_runs) {
  auto stack = co_await create_task(calls_twice());

  EXPECT_EQ(stack.size(), 2u);
  EXPECT_EQ(stack.front().function, "calls_twice");
  EXPECT_EQ(stack.back().function, "own_stack");
}

Coro<std::string> repr_after_a_child() {
  co_await own_stack();
  co_return current_task()->repr();
}

ASYNCIO_TEST(RunningTask, can_be_printed_after_a_coroutine_that_it_awaited_is_gone) {
  EXPECT_NE((co_await create_task(repr_after_a_child())).find("repr_after_a_child() at "),
            std::string::npos);
}

ContextVar<int> variable("variable", 0);

ASYNCIO_TEST(TaskContext, is_the_very_one_of_the_task) {
  auto task = create_task([]() -> Coro<int> {
    co_await sleep(1ms);
    co_return variable.get();
  });
  Context context = task.get_context();

  context.run([] { variable.set(42); });

  EXPECT_EQ(co_await task, 42);
  EXPECT_EQ(variable.get(), 0);
}

}  // namespace
}  // namespace asyncio
