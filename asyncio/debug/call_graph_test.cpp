#include "asyncio/debug/call_graph.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "asyncio/combinators/wait.hpp"
#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

Coro<> deepest() { co_await sleep(1h); }
Coro<> middle() { co_await deepest(); }
Coro<> waits_for(Task<> task) { co_await task; }

ASYNCIO_TEST(CallGraph, shows_the_coroutines_innermost_first) {
  auto task = create_task(middle(), {.name = "sleeper"});
  co_await testing::all_tasks_blocked();

  const std::string graph = format_call_graph(task);

  EXPECT_EQ(graph.find("* Task(name='sleeper')\n  + Call stack:\n"), 0u) << graph;
  EXPECT_LT(graph.find("deepest()\n"), graph.find("middle()\n")) << graph;
  EXPECT_NE(graph.find("call_graph_test.cpp\", line "), std::string::npos) << graph;
  EXPECT_EQ(graph.find("Awaited by"), std::string::npos) << graph;
  task.cancel();
  co_await wait(std::vector{task});
}

ASYNCIO_TEST(CallGraph, shows_who_awaits_the_task_and_who_awaits_that) {
  auto task = create_task(deepest(), {.name = "sleeper"});
  auto first = create_task(waits_for(task), {.name = "first"});
  auto second = create_task(waits_for(first), {.name = "second"});
  co_await testing::all_tasks_blocked();

  const std::string graph = format_call_graph(task);

  const auto at_first = graph.find("  + Awaited by:\n     * Task(name='first')\n");
  const auto at_second = graph.find("       + Awaited by:\n          * Task(name='second')\n");
  EXPECT_NE(at_first, std::string::npos) << graph;
  EXPECT_NE(at_second, std::string::npos) << graph;
  EXPECT_LT(at_first, at_second);
  second.cancel();
  co_await wait(std::vector{task, first, second});
}

ASYNCIO_TEST(CallGraph, of_a_done_task_is_its_name) {
  auto task = create_task([]() -> Coro<> { co_return; });
  task.set_name("brief");
  co_await task;

  EXPECT_EQ(format_call_graph(task), "* Task(name='brief')\n");
}

ASYNCIO_TEST(CallGraph, without_an_argument_is_that_of_the_running_task) {
  EXPECT_NE(format_call_graph().find(current_task()->get_name()), std::string::npos);
  co_return;
}

TEST(CallGraph, outside_of_a_task_is_an_error) {
  Loop loop;
  std::string seen;
  loop.call_soon([&] {
    try {
      format_call_graph();
    } catch (const RuntimeError& error) {
      seen = error.what();
    }
    loop.stop();
  });
  loop.run_forever();

  EXPECT_EQ(seen, "no running task: format_call_graph() was called in a callback");
}

}  // namespace
}  // namespace asyncio
