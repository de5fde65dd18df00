#include "asyncio/debug/call_graph.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "asyncio/asyncio.hpp"
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

  EXPECT_EQ(graph.find("* Task(name='sleeper', id=0x"), 0u) << graph;
  EXPECT_NE(graph.find(")\n  + Call stack:\n  |   waits for sleep\n"), std::string::npos) << graph;
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

  const auto at_first = graph.find("  + Awaited by:\n     * Task(name='first', id=");
  const auto at_second = graph.find("       + Awaited by:\n          * Task(name='second', id=");
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

  const FutureCallGraph graph = capture_call_graph(task);

  EXPECT_EQ(graph.name, "brief");
  EXPECT_TRUE(graph.call_stack.empty());
  EXPECT_TRUE(graph.awaited_by.empty());
}

ASYNCIO_TEST(CallGraph, goes_through_combinators_to_the_tasks_behind_them) {
  auto task = create_task(deepest(), {.name = "child"});
  const auto start = [](const char* name, auto function) {
    auto started = create_task(std::move(function));
    started.set_name(name);
    return AnyTask(started);
  };
  std::vector<AnyTask> awaiters{
      start("gather", [&]() -> Coro<> { co_await gather(task, sleep(1h)); }),
      start("shield", [&]() -> Coro<> { co_await shield(task); }),
      start("wait", [&]() -> Coro<> { co_await wait({task}); }),
      start("timeout", [&]() -> Coro<> { co_await wait_for(task, 1h); })};
  co_await testing::all_tasks_blocked();

  const FutureCallGraph graph = capture_call_graph(task);

  std::vector<std::string> names;
  for (const FutureCallGraph& awaiter : graph.awaited_by) names.push_back(awaiter.name);
  EXPECT_EQ(names, (std::vector<std::string>{"gather", "shield", "wait", "timeout"}));
  for (const AnyTask& awaiter : awaiters) awaiter.cancel();
  co_await wait(awaiters);
}

ASYNCIO_TEST(CallGraph, of_a_future_has_those_who_await_it) {
  Future<> future;
  auto task = create_task([&]() -> Coro<> { co_await future; });
  task.set_name("awaiter");
  co_await testing::all_tasks_blocked();

  const std::string graph = format_call_graph(future);

  EXPECT_EQ(graph.find("* Future(id=0x"), 0u) << graph;
  EXPECT_NE(graph.find("  + Awaited by:\n     * Task(name='awaiter', id=0x"), std::string::npos)
      << graph;
  future.set_result();
  co_await task;
}

ASYNCIO_TEST(CallGraph, says_who_holds_the_lock_that_a_task_waits_for) {
  Lock lock;
  auto takes = [&]() -> Coro<> {
    auto held = co_await lock.scoped();
    co_await sleep(1h);
  };
  auto holder = create_task(takes);
  holder.set_name("holder");
  auto contender = create_task(takes);
  co_await testing::all_tasks_blocked();

  const FutureCallGraph graph = capture_call_graph(contender);

  EXPECT_EQ(graph.waits_for, "Lock.acquire");
  EXPECT_EQ(graph.detail, "held by holder");
  holder.cancel();
  contender.cancel();
  co_await wait({holder, contender});
}

ASYNCIO_TEST(CallGraph, keeps_as_many_frames_as_the_limit_says) {
  auto task = create_task(middle());
  co_await testing::all_tasks_blocked();
  const auto frames = [&](int limit) {
    std::string names;
    for (const auto& entry : capture_call_graph(task, {.limit = limit}).call_stack)
      names += entry.frame.function + " ";
    return names;
  };

  EXPECT_EQ(frames(9), "deepest middle ");
  EXPECT_EQ(frames(1), "deepest ");
  EXPECT_EQ(frames(-1), "middle ");
  EXPECT_EQ(frames(0), "");
  task.cancel();
  co_await wait({task});
}

ASYNCIO_TEST(CallGraph, of_tasks_in_a_circle_ends) {
  Task<> one, two;
  one = create_task([&]() -> Coro<> { co_await two; });
  two = create_task([&]() -> Coro<> { co_await one; });
  co_await testing::all_tasks_blocked();

  const FutureCallGraph graph = capture_call_graph(one);

  EXPECT_EQ(graph.awaited_by.size(), 1u);
  EXPECT_EQ(graph.awaited_by.at(0).awaited_by.at(0).id, graph.id);
  EXPECT_TRUE(graph.awaited_by.at(0).awaited_by.at(0).awaited_by.empty());
  one.cancel();
  co_await wait({one, two});
}

ASYNCIO_TEST(CallGraph, without_an_argument_is_that_of_the_running_task) {
  EXPECT_NE(format_call_graph().find(current_task()->get_name()), std::string::npos);
  co_return;
}

TEST(CallGraph, of_a_callback_is_nothing) {
  Loop loop;
  bool none = false;
  loop.call_soon([&] {
    none = !capture_call_graph() && format_call_graph().empty();
    loop.stop();
  });
  loop.run_forever();

  EXPECT_TRUE(none);
  EXPECT_THROW(capture_call_graph(), RuntimeError);
}

}  // namespace
}  // namespace asyncio
