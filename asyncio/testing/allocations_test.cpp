// Every scenario below runs once for each of its allocations, which then fails, and once for each
// of its suspensions, where it is cancelled.
#include "asyncio/testing/allocations.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using testing::fail_each_allocation;

struct Scenario {
  const char* name;
  Coro<> (*run)();
};

void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

class WithoutMemory : public ::testing::TestWithParam<Scenario> {};

TEST_P(WithoutMemory, ends_with_an_error_and_leaves_nothing) {
  static_cast<void>(fail_each_allocation(GetParam().run));
}

// The same, cancelled at each suspension.
class Cancelled : public ::testing::TestWithParam<Scenario> {};

TEST_P(Cancelled, everywhere_ends_and_leaves_nothing) {
  Coro<> (*const scenario)() = GetParam().run;
  const testing::RunResult result = testing::run(testing::cancel_everywhere(scenario));
  EXPECT_TRUE(result.ok()) << result.message();
}

Coro<int> one() { co_return 1; }
Coro<int> later(int value) {
  co_await sleep(1s);
  co_return value;
}
Coro<> fail_later() {
  co_await sleep(1s);
  throw ValueError("told to fail");
}
Coro<> forever() { co_await Future<>(); }
Coro<> end(Task<> task) {
  task.cancel();
  co_await wait(std::vector{task});
}

// ---- coroutines, tasks, futures

Coro<> awaits_a_coroutine() { EXPECT_EQ(co_await one(), 1); }
Coro<> creates_a_task() { EXPECT_EQ(co_await create_task(one()), 1); }
Coro<> creates_a_task_of_a_function() { EXPECT_EQ(co_await create_task(later, 2), 2); }
Coro<> creates_many_tasks() {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(create_task(later(i)));
  for (auto& task : tasks) co_await task;
}
Coro<> cancels_a_task() { co_await end(create_task(forever())); }
Coro<> cancels_with_a_message() {
  auto task = create_task(forever());
  co_await sleep(0s);
  task.cancel("a message that needs memory of its own, by its length");
  co_await wait(std::vector{task});
}
Coro<> awaits_a_failing_task() {
  try {
    co_await create_task(fail_later());
  } catch (const ValueError&) {}
}
Coro<> awaits_a_future() {
  Future<std::string> future;
  get_running_loop().call_soon([future] {
    if (!future.done()) future.set_result("x");
  });
  EXPECT_EQ(co_await future, "x");
}
Coro<> fails_a_future() {
  Future<> future;
  future.set_exception(ValueError("v"));
  try {
    co_await future;
  } catch (const ValueError&) {}
}
Coro<> is_called_back() {
  const auto calls = std::make_shared<int>(0);
  Future<> future;
  future.add_done_callback([calls](const Future<>&) { ++*calls; });
  future.set_result();
  co_await sleep(0s);
  EXPECT_EQ(*calls, 1);
}
Coro<> calls_soon_and_later() {
  const auto calls = std::make_shared<int>(0);
  Loop& loop = get_running_loop();
  loop.call_soon([calls] { ++*calls; });
  loop.call_later(1s, [calls] { ++*calls; });
  loop.call_soon_threadsafe([calls] { ++*calls; });
  co_await sleep(2s);
  EXPECT_EQ(*calls, 3);
}
Coro<> sets_a_context_variable() {
  static ContextVar<std::string> variable("v", "default");
  const auto token = variable.set("set");
  co_await create_task([]() -> Coro<> {
    variable.set("inside");
    co_await sleep(0s);
  });
  EXPECT_EQ(variable.get(), "set");
  variable.reset(token);
}

// ---- combinators

Coro<> gathers() {
  const auto results = co_await gather(later(1), later(2), one());
  EXPECT_EQ(std::get<1>(results), 2);
}
Coro<> gathers_a_range() {
  std::vector<Coro<int>> all;
  for (int i = 0; i < 3; ++i) all.push_back(later(i));
  EXPECT_EQ((co_await gather(std::move(all))).size(), 3U);
}
Coro<> gathers_a_failure() {
  try {
    co_await gather(later(1), fail_later());
  } catch (const ValueError&) {}
  co_await sleep(2s);
}
Coro<> waits() {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(create_task(later(i)));
  const auto [done, pending] = co_await wait(tasks);
  EXPECT_EQ(done.size(), 3U);
}
Coro<> waits_for_the_first() {
  std::vector<Task<>> tasks{create_task(fail_later()), create_task(forever())};
  const auto [done, pending] =
      co_await wait(tasks, {.timeout = 2s, .return_when = FIRST_EXCEPTION});
  for (const auto& task : pending) co_await end(task);
}
Coro<> waits_for() { EXPECT_EQ(co_await wait_for(later(1), 2s), 1); }
Coro<> waits_in_vain() {
  try {
    co_await wait_for(forever(), 1s);
  } catch (const TimeoutError&) {}
}
Coro<> has_a_timeout() {
  try {
    co_await with(timeout(1s), []() -> Coro<> { co_await forever(); });
  } catch (const TimeoutError&) {}
}
Coro<> moves_on() { co_await move_on_after(1s, forever()); }
Coro<> shields() { EXPECT_EQ(co_await shield(later(3)), 3); }
Coro<> shields_from_a_cancel() {
  auto inner = create_task(later(3));
  auto outer = create_task([](Task<int> task) -> Coro<> { co_await shield(task); }, inner);
  co_await sleep(0s);
  co_await end(outer);
  EXPECT_EQ(co_await inner, 3);
}
Coro<> completes_in_order() {
  std::vector<Task<int>> tasks{create_task(later(1)), create_task(later(2))};
  auto completed = as_completed(tasks);
  while (auto next = co_await completed.next()) static_cast<void>(co_await *next);
}
Coro<> groups_tasks() {
  co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
    for (int i = 0; i < 3; ++i) group.create_task(later(i));
    co_return;
  });
}
Coro<> groups_a_failing_task() {
  try {
    co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(fail_later());
      group.create_task(forever());
      co_return;
    });
  } catch (const ExceptionGroup&) {}
}
Coro<> cleans_up() {
  co_await try_finally([]() -> Coro<> { co_await sleep(1s); },
                       []() -> Coro<> { co_await sleep(1s); });
}

// ---- locks and queues

Coro<> locks() {
  const auto lock = std::make_shared<Lock>();
  auto holder = co_await lock->scoped();
  auto waiter = create_task(
      [](std::shared_ptr<Lock> each) -> Coro<> { auto held = co_await each->scoped(); }, lock);
  co_await sleep(0s);
  { const auto released = std::move(holder); }
  co_await waiter;
}
Coro<> signals_an_event() {
  const auto event = std::make_shared<Event>();
  auto waiter =
      create_task([](std::shared_ptr<Event> each) -> Coro<> { co_await each->wait(); }, event);
  co_await sleep(0s);
  event->set();
  co_await waiter;
}
Coro<> counts_with_a_semaphore() {
  const auto seats = std::make_shared<Semaphore>(1);
  std::vector<Task<>> tasks;
  for (int i = 0; i < 3; ++i)
    tasks.push_back(create_task(
        [](std::shared_ptr<Semaphore> each) -> Coro<> {
          auto seat = co_await each->scoped();
          co_await sleep(1s);
        },
        seats));
  for (auto& task : tasks) co_await task;
}
Coro<> notifies_a_condition() {
  const auto condition = std::make_shared<Condition>();
  auto waiter = create_task(
      [](std::shared_ptr<Condition> each) -> Coro<> {
        auto held = co_await each->scoped();
        co_await each->wait();
      },
      condition);
  co_await sleep(0s);
  {
    auto held = co_await condition->scoped();
    condition->notify_all();
  }
  co_await waiter;
}
Coro<> meets_at_a_barrier() {
  const auto barrier = std::make_shared<Barrier>(2);
  auto other =
      create_task([](std::shared_ptr<Barrier> each) -> Coro<> { co_await each->wait(); }, barrier);
  co_await wait_for(barrier->wait(), 1s);
  co_await other;
}
Coro<> queues() {
  const auto queue = std::make_shared<Queue<std::string>>(1);
  auto getter = create_task(
      [](std::shared_ptr<Queue<std::string>> each) -> Coro<> {
        for (int i = 0; i < 3; ++i) {
          co_await each->get();
          each->task_done();
        }
      },
      queue);
  for (int i = 0; i < 3; ++i) co_await queue->put(std::string(100, 'x'));
  co_await queue->join();
  co_await getter;
}
Coro<> queues_by_priority() {
  PriorityQueue<int> queue;
  for (int i = 5; i > 0; --i) co_await queue.put(i);
  EXPECT_EQ(co_await queue.get(), 1);
}
Coro<> shuts_a_queue_down() {
  const auto queue = std::make_shared<Queue<int>>();
  auto getter = create_task(
      [](std::shared_ptr<Queue<int>> each) -> Coro<> {
        try {
          co_await each->get();
        } catch (const QueueShutDown&) {}
      },
      queue);
  co_await sleep(0s);
  queue->shutdown();
  co_await getter;
}

// ---- streams

Coro<> reads_a_line() {
  auto pair = testing::memory_stream_pair();
  pair.first.writer.write("line\n");
  EXPECT_EQ(co_await pair.second.reader.readline(), "line\n");
}
Coro<> reads_exactly() {
  auto pair = testing::memory_stream_pair();
  pair.first.writer.write(std::string(1000, 'x'));
  EXPECT_EQ((co_await pair.second.reader.readexactly(500)).size(), 500U);
}
Coro<> reads_until() {
  auto pair = testing::memory_stream_pair();
  pair.first.writer.write("part; and a rest that is long enough to need memory of its own");
  EXPECT_EQ(co_await pair.second.reader.readuntil(";"), "part;");
}
Coro<> reads_to_the_end() {
  auto pair = testing::memory_stream_pair();
  pair.first.writer.write(std::string(1000, 'x'));
  pair.first.writer.write_eof();
  EXPECT_EQ((co_await pair.second.reader.read()).size(), 1000U);
}
Coro<> drains() {
  auto pair = testing::memory_stream_pair();
  auto reading =
      create_task([](StreamReader reader) -> Coro<> { co_await reader.readexactly(300'000); },
                  std::move(pair.second.reader));
  pair.first.writer.write(std::string(300'000, 'x'));
  co_await pair.first.writer.drain();
  co_await reading;
}
Coro<> writes_lines() {
  auto pair = testing::memory_stream_pair();
  pair.first.writer.writelines({"one\n", "two\n"});
  EXPECT_EQ(co_await pair.second.reader.readline(), "one\n");
}
Coro<> closes_and_waits() {
  auto pair = testing::memory_stream_pair();
  pair.first.writer.close();
  co_await pair.first.writer.wait_closed();
  EXPECT_EQ(co_await pair.second.reader.read(), "");
}
Coro<> echo(StreamReader reader, StreamWriter writer) {
  writer.write(co_await reader.read());
  writer.close();
}
Coro<> serves() {
  Server server = co_await start_server(echo, "127.0.0.1", 80);
  const auto talk = []() -> Coro<> {
    auto [reader, writer] = co_await open_connection("127.0.0.1", 80);
    writer.write("question");
    writer.write_eof();
    co_await wait_for(reader.read(), 1s);
  };
  co_await try_finally(talk, [&server]() -> Coro<> {
    server.close();
    server.abort_clients();
    co_await wait_for(server.wait_closed(), 1s);
  });
}
Coro<> is_refused() {
  try {
    co_await open_connection("127.0.0.1", 81);
  } catch (const ConnectionRefusedError&) {}
}
Coro<> resolves() {
  testing::Network network;
  network.host("alpha");
  try {
    co_await open_connection("alpha", 80);
  } catch (const ConnectionRefusedError&) {}
}
Coro<> sends_datagrams() {
  auto receiver = co_await open_datagram({.local_host = "127.0.0.1"});
  auto sender = co_await open_datagram();
  co_await sender.sendto("ping", receiver.address());
  co_await wait_for(receiver.recvfrom(), 1s);
}

// ---- the rest

Coro<> generates() {
  auto numbers = []() -> AsyncGenerator<int> {
    for (int i = 0; i < 3; ++i) {
      co_await sleep(1s);
      co_yield i;
    }
  };
  auto all = numbers();
  while (auto each = co_await all.next()) EXPECT_LT(*each, 3);
}
Coro<> mocks() {
  testing::AsyncMock<int(std::string)> mock;
  mock.returns(1);
  EXPECT_EQ(co_await mock("an argument that needs memory of its own, by its length"), 1);
}
Coro<> forces_an_order() {
  const auto order = std::make_shared<testing::Sequencer>();
  auto second = create_task(
      [](std::shared_ptr<testing::Sequencer> each) -> Coro<> {
        const auto turn = co_await (*each)(1);
      },
      order);
  { const auto turn = co_await (*order)(0); }
  co_await wait_for(std::move(second), 1s);
}
Coro<> throws_errors() {
  try {
    throw OSError(ECONNRESET, "recv");
  } catch (const ConnectionResetError&) {
  } catch (const OSError&) {}
  co_return;
}

Coro<> names_a_task() {
  const std::string name(100, 'n');
  auto task = create_task(later(1), {.name = name});
  EXPECT_EQ(task.get_name(), name);
  task.set_name(name + name);
  co_await task;
}
Coro<> describes_tasks() {
  auto task = create_task(later(1));
  co_await sleep(0s);
  EXPECT_FALSE(format_call_graph(task).empty());
  EXPECT_LE(task.get_stack().size(), 1U);  // it may have ended for want of memory
  EXPECT_FALSE(task.repr().empty());
  co_await task;
}
Coro<> sleeps() { co_await sleep(1s); }
Coro<> queues_last_in_first_out() {
  LifoQueue<std::string> queue;
  co_await queue.put(std::string(100, 'x'));
  co_await queue.put(std::string(100, 'y'));
  EXPECT_EQ((co_await queue.get())[0], 'y');
}
Coro<> counts_within_bounds() {
  BoundedSemaphore seats(1);
  co_await seats.acquire();
  seats.release();
  try {
    seats.release();
  } catch (const ValueError&) {
    co_return;
  }
  ADD_FAILURE() << "one seat too many";
}
Coro<> gathers_outcomes() {
  const auto outcomes = co_await gather(return_exceptions, later(1), fail_later());
  EXPECT_EQ(std::get<0>(outcomes).value(), 1);
}
Coro<> copies_a_context() {
  static ContextVar<int> variable("number", 0);
  Context context = copy_context();
  context.run([] { variable.set(1); });
  EXPECT_EQ(variable.get(), 0);
  co_return;
}
Coro<> has_two_timeouts() {
  try {
    co_await wait_for(wait_for(forever(), 2s), 1s);
  } catch (const TimeoutError&) {}
}

#define SCENARIO(name) \
  Scenario { #name, name }
const std::vector<Scenario> kScenarios{SCENARIO(awaits_a_coroutine),
                                       SCENARIO(creates_a_task),
                                       SCENARIO(creates_a_task_of_a_function),
                                       SCENARIO(creates_many_tasks),
                                       SCENARIO(cancels_a_task),
                                       SCENARIO(cancels_with_a_message),
                                       SCENARIO(awaits_a_failing_task),
                                       SCENARIO(awaits_a_future),
                                       SCENARIO(fails_a_future),
                                       SCENARIO(is_called_back),
                                       SCENARIO(calls_soon_and_later),
                                       SCENARIO(sets_a_context_variable),
                                       SCENARIO(gathers),
                                       SCENARIO(gathers_a_range),
                                       SCENARIO(gathers_a_failure),
                                       SCENARIO(waits),
                                       SCENARIO(waits_for_the_first),
                                       SCENARIO(names_a_task),
                                       SCENARIO(describes_tasks),
                                       SCENARIO(waits_for),
                                       SCENARIO(waits_in_vain),
                                       SCENARIO(has_a_timeout),
                                       SCENARIO(moves_on),
                                       SCENARIO(shields),
                                       SCENARIO(shields_from_a_cancel),
                                       SCENARIO(completes_in_order),
                                       SCENARIO(groups_tasks),
                                       SCENARIO(groups_a_failing_task),
                                       SCENARIO(cleans_up),
                                       SCENARIO(locks),
                                       SCENARIO(signals_an_event),
                                       SCENARIO(counts_with_a_semaphore),
                                       SCENARIO(notifies_a_condition),
                                       SCENARIO(meets_at_a_barrier),
                                       SCENARIO(queues),
                                       SCENARIO(queues_by_priority),
                                       SCENARIO(shuts_a_queue_down),
                                       SCENARIO(reads_a_line),
                                       SCENARIO(reads_exactly),
                                       SCENARIO(reads_until),
                                       SCENARIO(reads_to_the_end),
                                       SCENARIO(drains),
                                       SCENARIO(writes_lines),
                                       SCENARIO(closes_and_waits),
                                       SCENARIO(is_refused),
                                       SCENARIO(resolves),
                                       SCENARIO(sends_datagrams),
                                       SCENARIO(generates),
                                       SCENARIO(mocks),
                                       SCENARIO(forces_an_order),
                                       SCENARIO(throws_errors),
                                       SCENARIO(sleeps),
                                       SCENARIO(serves),
                                       SCENARIO(queues_last_in_first_out),
                                       SCENARIO(counts_within_bounds),
                                       SCENARIO(gathers_outcomes),
                                       SCENARIO(copies_a_context),
                                       SCENARIO(has_two_timeouts)};
std::string name_of(const ::testing::TestParamInfo<Scenario>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Scenarios, WithoutMemory, ::testing::ValuesIn(kScenarios), name_of);
INSTANTIATE_TEST_SUITE_P(Scenarios, Cancelled, ::testing::ValuesIn(kScenarios), name_of);

// ---- the tool itself

// One allocation that the optimiser cannot see through, and so cannot leave out.
void allocate(int number) {
  const auto block = std::make_unique<int>(number);
  [[maybe_unused]] static const int* volatile seen;
  seen = block.get();
}

TEST(FailEachAllocation, reaches_every_allocation_once_and_then_a_whole_run) {
  int whole = 0;
  const testing::AllocationReport report = fail_each_allocation([&whole]() -> Coro<> {
    for (const int number : {1, 2}) allocate(number);
    ++whole;
    co_return;
  });
  EXPECT_GE(report.failures, 2);
  EXPECT_EQ(report.errors, report.failures);
  EXPECT_EQ(whole, 1);
}

TEST(FailEachAllocation, complains_of_what_hangs) {
  std::string message;
  try {
    fail_each_allocation(
        []() -> Coro<> {
          bool is_starved = false;
          try {
            allocate(1);
          } catch (const std::bad_alloc&) {
            is_starved = true;
          }
          if (is_starved) co_await forever();
        },
        {.real_timeout = std::chrono::seconds(1)});
  } catch (const RuntimeError& error) {
    message = error.what();
  }
  EXPECT_NE(message.find("failing, TimeoutError: the test did not end"), std::string::npos)
      << message;
}

}  // namespace
}  // namespace asyncio
