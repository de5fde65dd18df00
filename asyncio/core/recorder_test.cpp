// tsan
// The recorder through what a reader sees of it (debug/trace.hpp).
#include "asyncio/core/recorder.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>

#include "asyncio/asyncio.hpp"
#include "asyncio/debug/trace.hpp"
#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using debug::TraceLoop;
using debug::TraceReader;
using debug::TraceStep;

// Makes steps until the recording has begun, as a busy program does.
Coro<int> begin_recording() {
  bool began = false;
  auto steps = create_task([&]() -> Coro<> {
    while (!began) co_await sleep(0s);
  });
  const int fd = co_await to_thread([] { return debug::record(getpid(), 100s); });
  began = true;
  co_await steps;
  co_return fd;
}

const TraceLoop& loop_of_this_thread(const debug::Trace& trace) {
  for (const TraceLoop& loop : trace.loops)
    if (loop.id == get_running_loop().scheduler().shown.id) return loop;
  throw RuntimeError("the running loop was not recorded");
}

std::vector<TraceStep> steps_of(const TraceLoop& loop, const std::string& name) {
  std::vector<TraceStep> found;
  for (const TraceStep& step : loop.steps)
    if (loop.task_name(step.task) == name) found.push_back(step);
  return found;
}

std::string functions(const TraceLoop& loop, std::uint32_t stack) {
  std::string text;
  for (const debug::TracePlace* place : loop.frames(stack)) text += place->function + " ";
  return text;
}

Coro<> innermost() { co_await sleep(1ms); }
Coro<> outermost() { co_await innermost(); }

ASYNCIO_TEST(Recorder, every_step_has_its_task_where_it_stands_then_and_what_it_waits_for) {
  TraceReader reader(co_await begin_recording());

  co_await create_task(outermost(), {.name = "sleeper"});

  const debug::Trace trace = reader.take();
  const TraceLoop& loop = loop_of_this_thread(trace);
  const std::vector<TraceStep> steps = steps_of(loop, "sleeper");
  EXPECT_EQ(trace.pid, getpid());
  EXPECT_EQ(loop.thread, gettid());
  EXPECT_EQ(loop.lost, 0u);
  EXPECT_EQ(steps.size(), 2u);
  if (steps.size() != 2) co_return;
  EXPECT_EQ(functions(loop, steps[0].stack), "outermost innermost ");
  EXPECT_EQ(loop.label(steps[0].label), "sleep");
  EXPECT_FALSE(steps[0].is_last);
  EXPECT_TRUE(steps[1].is_last);
  EXPECT_GE(steps[1].start, steps[0].start + steps[0].duration);
}

ASYNCIO_TEST(Recorder, a_task_names_the_task_that_awaits_it_and_the_other_way_round) {
  TraceReader reader(co_await begin_recording());

  auto child = create_task(outermost(), {.name = "child"});
  auto parent = create_task([&]() -> Coro<> { co_await child; });
  parent.set_name("parent");
  co_await gather(create_task(outermost(), {.name = "gathered"}), parent);

  const debug::Trace trace = reader.take();
  const TraceLoop& loop = loop_of_this_thread(trace);
  EXPECT_EQ(loop.task_name(steps_of(loop, "parent").at(0).awaited), "child");
  const std::uint32_t gathered = steps_of(loop, "gathered").at(0).task;
  EXPECT_EQ(loop.task_name(loop.tasks.at(gathered).awaiter), current_task()->get_name());
}

ASYNCIO_TEST(Recorder, locks_and_queues_are_named_as_elsewhere) {
  TraceReader reader(co_await begin_recording());
  Lock lock;
  Queue<int> queue;

  co_await lock.acquire();
  auto contender = create_task([&]() -> Coro<> { co_await lock.acquire(); });
  contender.set_name("contender");
  auto getter = create_task([&]() -> Coro<> { co_await queue.get(); });
  getter.set_name("getter");
  co_await testing::all_tasks_blocked();
  lock.release();
  queue.put_nowait(1);
  co_await gather(contender, getter);

  const debug::Trace trace = reader.take();
  const TraceLoop& loop = loop_of_this_thread(trace);
  EXPECT_EQ(loop.label(steps_of(loop, "contender").at(0).label), "Lock.acquire");
  EXPECT_EQ(loop.label(steps_of(loop, "getter").at(0).label), "Queue.get");
}

ASYNCIO_TEST(Recorder, a_callback_is_a_step_with_its_name) {
  TraceReader reader(co_await begin_recording());

  get_running_loop().call_soon([] {});
  co_await sleep(0s);

  const debug::Trace trace = reader.take();
  const TraceLoop& loop = loop_of_this_thread(trace);
  const auto callback = std::find_if(loop.steps.begin(), loop.steps.end(), [&](const auto& step) {
    return step.task == 0 && loop.label(step.label).find("lambda") != std::string::npos;
  });
  EXPECT_NE(callback, loop.steps.end());
}

TEST(Recorder, operations_of_sockets_are_between_and_inside_the_steps) {
  const auto body = []() -> Coro<> {
    auto [left, right] =
        detail::make_stream_pair(get_running_loop());  // there before, as those of a server are
    TraceReader reader(co_await begin_recording());

    left.writer.write("hello");
    co_await left.writer.drain();
    co_await right.reader.readexactly(5);
    co_await sleep(0s);  // what a step did is there to be read once it is over

    const debug::Trace trace = reader.take();
    const TraceLoop& loop = loop_of_this_thread(trace);
    const auto count = [&](const std::string& name, std::int64_t result) {
      return std::count_if(loop.operations.begin(), loop.operations.end(), [&](const auto& made) {
        return loop.label(made.label) == name && made.result == result && made.fd >= 0;
      });
    };
    EXPECT_EQ(count("send", 5), 1);
    EXPECT_EQ(count("recv", 5), 1);
  };
  run(body());
}

ASYNCIO_TEST(Recorder, ends_when_the_reader_has_enough_and_can_begin_again) {
  const detail::Scheduler& scheduler = get_running_loop().scheduler();
  for (int i = 0; i < 2; ++i) {
    TraceReader reader(co_await begin_recording());
    EXPECT_TRUE(scheduler.watched);
    EXPECT_FALSE(reader.is_over());

    reader.stop();
    co_await sleep(0s);
    co_await sleep(0s);

    reader.read();
    EXPECT_TRUE(reader.is_over());
    EXPECT_EQ(scheduler.watched, scheduler.debug);
    EXPECT_FALSE(detail::Recorder::is_wanted());
  }
}

ASYNCIO_TEST(Recorder, a_process_is_recorded_by_one_reader_at_a_time) {
  TraceReader reader(co_await begin_recording());

  EXPECT_THROW(static_cast<void>(debug::record(getpid(), 1s)), debug::InspectError);
}

ASYNCIO_TEST(Recorder, a_loop_that_makes_no_step_is_not_recorded) {
  // This step lasts as long as the patience of the reader.
  EXPECT_EQ(debug::record(getpid(), 1ms), -1);

  co_await sleep(0s);
  EXPECT_FALSE(detail::Recorder::is_wanted());
}

ASYNCIO_TEST(Recorder, every_loop_has_a_ring_of_its_own_also_one_that_came_later) {
  TraceReader reader(co_await begin_recording());

  std::thread other([] { run(outermost()); });
  other.join();
  co_await sleep(0s);

  const debug::Trace trace = reader.take();
  EXPECT_EQ(trace.loops.size(), 2u);
  EXPECT_NE(trace.loops.at(0).thread, trace.loops.at(1).thread);
  EXPECT_FALSE(trace.loops.at(1).steps.empty());
}

ASYNCIO_TEST(Recorder, a_child_that_was_forked_does_not_touch_the_recording) {
  TraceReader reader(co_await begin_recording());
  co_await sleep(0s);

  const pid_t child = fork();
  if (child == 0) {
    get_running_loop().scheduler().end_recording();
    _exit(0);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);

  EXPECT_FALSE(reader.is_over());
  co_await create_task(outermost(), {.name = "afterwards"});
  EXPECT_EQ(steps_of(loop_of_this_thread(reader.take()), "afterwards").size(), 2u);
}

// The events are half a million slots; what is not read in time is overwritten.
ASYNCIO_TEST(Recorder, what_is_overwritten_before_it_is_read_is_counted) {
  TraceReader reader(co_await begin_recording());

  for (int i = 0; i < 600'000; ++i) {
    co_await sleep(0s);
    if (i % 1000 == 0) reader.keep();
  }
  reader.read();
  co_await create_task(outermost(), {.name = "afterwards"});

  const debug::Trace trace = reader.take();
  const TraceLoop& loop = loop_of_this_thread(trace);
  EXPECT_GE(loop.lost, 600'000u);
  EXPECT_EQ(steps_of(loop, "afterwards").size(), 2u);
}

}  // namespace
}  // namespace asyncio
