// tsan
#include "asyncio/debug/inspect.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <random>
#include <thread>

#include "asyncio/asyncio.hpp"
#include "asyncio/core/instrument.hpp"
#include "asyncio/testing.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;

namespace asyncio::debug {
namespace {

Address registry_address() { return reinterpret_cast<Address>(&detail::registry()); }

Coro<> deepest() { co_await sleep(1h); }
Coro<> middle() { co_await deepest(); }
Coro<> yields_deep() { co_await sleep(0s); }
Coro<> deepest_of_two() { co_await yields_deep(); }
Coro<> joins(Task<> task) { co_await task; }

// What this process shows of the loop that runs on this thread.
SeenLoop look() {
  ProcessMemory memory(getpid());
  const SeenProcess seen = inspect(memory, {registry_address()});
  const std::uint64_t id = get_running_loop().scheduler().shown.id;
  for (const SeenLoop& loop : seen.loops)
    if (loop.id == id) return loop;
  throw RuntimeError("the running loop is not shown");
}

const SeenTask& named(const SeenLoop& loop, const std::string& name) {
  for (const SeenTask& task : loop.tasks)
    if (task.name == name) return task;
  throw RuntimeError("no task is shown as " + name);
}

std::vector<std::string> awaiters_of(const SeenLoop& loop, const std::string& name) {
  std::vector<std::string> names;
  for (const Address id : named(loop, name).awaited_by)
    for (const SeenTask& task : loop.tasks)
      if (task.id == id) names.push_back(task.name);
  return names;
}

template <class F>
AnyTask start(const std::string& name, F function) {
  auto task = create_task(std::move(function));
  task.set_name(name);
  return task;
}

Coro<> end(std::vector<AnyTask> tasks) {
  for (const AnyTask& task : tasks) task.cancel();
  co_await wait(tasks);
}

ASYNCIO_TEST(Inspect, shows_the_stack_of_a_task_outermost_first_and_what_it_waits_for) {
  auto task = create_task(middle(), {.name = "sleeper"});
  co_await testing::all_tasks_blocked();

  const SeenLoop loop = look();
  const SeenTask& seen = named(loop, "sleeper");

  EXPECT_TRUE(loop.complete);
  EXPECT_TRUE(loop.running);
  EXPECT_EQ(loop.thread, gettid());
  EXPECT_EQ(seen.state, SeenTask::State::waiting);
  EXPECT_EQ(seen.waits_for, "sleep");
  EXPECT_EQ(seen.stack.size(), 2u);
  EXPECT_EQ(seen.stack.front().function, "middle");
  EXPECT_EQ(seen.stack.back().function, "deepest");
  EXPECT_TRUE(seen.stack.back().file.ends_with("inspect_test.cpp"));
  EXPECT_GT(seen.stack.back().line, 0u);
  co_await end({task});
}

ASYNCIO_TEST(Inspect, tells_starting_ready_running_and_waiting_apart) {
  Event event;
  auto waiting = create_task(joins(create_task(middle(), {.name = "child"})), {.name = "waiting"});
  auto ready = create_task([&]() -> Coro<> { co_await event.wait(); });
  ready.set_name("ready");
  co_await testing::all_tasks_blocked();
  current_task()->set_name("running");
  event.set();
  auto starting = create_task(middle(), {.name = "starting"});

  const SeenLoop loop = look();

  EXPECT_EQ(named(loop, "waiting").state, SeenTask::State::waiting);
  EXPECT_EQ(named(loop, "waiting").awaits, named(loop, "child").id);
  EXPECT_EQ(named(loop, "ready").state, SeenTask::State::ready);
  EXPECT_EQ(named(loop, "running").state, SeenTask::State::running);
  EXPECT_EQ(named(loop, "starting").state, SeenTask::State::starting);
  co_await ready;
  co_await end({waiting, starting});
}

ASYNCIO_TEST(Inspect, names_what_a_task_waits_for) {
  Lock lock;
  Event event;
  Semaphore seats(0);
  Queue<int> queue(1);
  queue.put_nowait(1);
  Future<> future;
  co_await lock.acquire();
  std::vector<AnyTask> tasks{start("lock", [&]() -> Coro<> { co_await lock.acquire(); }),
                             start("event", [&]() -> Coro<> { co_await event.wait(); }),
                             start("seats", [&]() -> Coro<> { co_await seats.acquire(); }),
                             start("put", [&]() -> Coro<> { co_await queue.put(2); }),
                             start("join", [&]() -> Coro<> { co_await queue.join(); }),
                             start("future", [&]() -> Coro<> { co_await future; })};
  co_await testing::all_tasks_blocked();

  const SeenLoop loop = look();

  EXPECT_EQ(named(loop, "lock").waits_for, "Lock.acquire");
  EXPECT_EQ(named(loop, "event").waits_for, "Event.wait");
  EXPECT_EQ(named(loop, "seats").waits_for, "Semaphore.acquire");
  EXPECT_EQ(named(loop, "put").waits_for, "Queue.put");
  EXPECT_EQ(named(loop, "join").waits_for, "Queue.join");
  EXPECT_EQ(named(loop, "future").waits_for, "Future");
  co_await end(tasks);
}

ASYNCIO_TEST(Inspect, shows_who_holds_the_lock_that_a_task_waits_for) {
  Lock lock;
  auto takes = [&]() -> Coro<> {
    auto held = co_await lock.scoped();
    co_await sleep(1h);
  };
  std::vector<AnyTask> tasks{start("holder", takes), start("contender", takes)};
  co_await testing::all_tasks_blocked();

  const SeenLoop loop = look();

  EXPECT_EQ(named(loop, "contender").held_by, named(loop, "holder").id);
  co_await end(tasks);
}

Coro<SeenLoop> look_from_below() {
  co_await sleep(0s);
  co_return look();
}

ASYNCIO_TEST(Inspect, shows_where_the_running_task_is_and_not_where_it_was) {
  current_task()->set_name("running");
  co_await deepest_of_two();

  const SeenLoop here = look();
  const SeenLoop below = co_await look_from_below();

  EXPECT_EQ(named(here, "running").state, SeenTask::State::running);
  EXPECT_EQ(named(here, "running").stack.back().function.find("deepest"), std::string::npos);
  EXPECT_EQ(named(below, "running").stack.back().function, "look_from_below");
}

ASYNCIO_TEST(Inspect, finds_who_awaits_a_task_through_combinators) {
  auto task = create_task(middle(), {.name = "child"});
  std::vector<AnyTask> awaiters{
      start("await", [&]() -> Coro<> { co_await task; }),
      start("gather", [&]() -> Coro<> { co_await gather(task); }),
      start("shield", [&]() -> Coro<> { co_await shield(task); }),
      start("wait", [&]() -> Coro<> { co_await wait({task}); }),
      start("both", [&]() -> Coro<> { co_await gather(shield(task)); }),
      start("wait_for", [&]() -> Coro<> { co_await wait_for(task, 1h); })};
  co_await testing::all_tasks_blocked();

  const SeenLoop loop = look();

  EXPECT_EQ(awaiters_of(loop, "child"),
            (std::vector<std::string>{"await", "gather", "shield", "wait", "both", "wait_for"}));
  co_await end(awaiters);
}

ASYNCIO_TEST(Inspect, finds_the_parent_of_the_tasks_of_a_group) {
  current_task()->set_name("parent");
  co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    auto task = group.create_task(middle(), {.name = "member"});
    co_await testing::all_tasks_blocked();

    EXPECT_EQ(awaiters_of(look(), "member"), std::vector<std::string>{"parent"});
    task.cancel();
  });
}

TEST(Inspect, shows_loops_that_do_not_run_and_forgets_those_that_are_gone) {
  ProcessMemory memory(getpid());
  auto loop = std::make_unique<Loop>();
  const std::uint64_t id = loop->scheduler().shown.id;
  const auto is_shown = [&] {
    const SeenProcess seen = inspect(memory, {registry_address()});
    return std::any_of(seen.loops.begin(), seen.loops.end(),
                       [&](const SeenLoop& one) { return one.id == id && !one.running; });
  };

  EXPECT_TRUE(is_shown());
  loop.reset();
  EXPECT_FALSE(is_shown());
}

// ---- hostile memory

// This process's memory, but some of what is read is changed on the way.
class HostileMemory final : public Memory {
 public:
  HostileMemory(unsigned seed, double rate) : under_(getpid()), random_(seed), rate_(rate) {}
  bool read(Address from, void* to, std::size_t size) override {
    ++reads;
    if (!under_.read(from, to, size)) return false;
    // The registry itself stays: without its magic there is nothing to walk.
    if (from - registry_address() < sizeof(detail::Registry)) return true;
    if (chance_(random_) >= rate_) return true;
    auto* bytes = static_cast<std::uint8_t*>(to);
    switch (random_() % 4) {
      case 0:
        return false;
      case 1:
        std::fill(bytes, bytes + size, static_cast<std::uint8_t>(random_()));
        break;
      case 2:
        bytes[random_() % size] ^= static_cast<std::uint8_t>(random_() % 255 + 1);
        break;
      default:  // a pointer to somewhere that can be read, at worst to where we came from
        if (size >= sizeof(from)) std::memcpy(bytes, &from, sizeof(from));
    }
    return true;
  }
  void refresh() override { under_.refresh(); }
  std::size_t reads = 0;

 private:
  ProcessMemory under_;
  std::mt19937 random_;
  std::uniform_real_distribution<double> chance_{0, 1};
  double rate_;
};

ASYNCIO_TEST(Inspect, survives_memory_that_lies) {
  Lock lock;
  co_await lock.acquire();
  auto task = create_task(middle());
  std::vector<AnyTask> tasks{create_task([&]() -> Coro<> { co_await gather(task, task); }),
                             create_task([&]() -> Coro<> { co_await lock.acquire(); }),
                             create_task(joins(task), {.name = std::string(300, 'n')})};
  co_await testing::all_tasks_blocked();
  std::size_t whole = 0;

  for (unsigned seed = 0; seed < 300; ++seed) {
    HostileMemory memory(seed, seed % 3 == 0 ? 0.001 : seed % 3 == 1 ? 0.05 : 0.5);
    const SeenProcess seen = inspect(memory, {registry_address()});
    EXPECT_LT(memory.reads, 2'000'000u) << "seed " << seed;
    for (const SeenLoop& loop : seen.loops) whole += loop.complete && loop.tasks.size() >= 5;
  }

  EXPECT_GT(whole, 50u);  // else it was too hostile to see anything
  co_await end(tasks);
}

TEST(Inspect, of_garbage_says_that_it_is_not_a_registry) {
  ProcessMemory memory(getpid());
  const char garbage[64] = "not a registry";
  for (const Address address : {Address{0}, reinterpret_cast<Address>(garbage), ~Address{0} - 4}) {
    try {
      inspect(memory, {address});
      FAIL();
    } catch (const InspectError& error) {
      EXPECT_EQ(error.why(), InspectError::Reason::no_loop);
    }
  }
}

TEST(Inspect, of_another_version_says_which_and_what_to_do) {
  ProcessMemory memory(getpid());
  detail::Registry other;
  other.version = 77;
  std::strcpy(other.library, "9.8.7");
  try {
    inspect(memory, {reinterpret_cast<Address>(&other)});
    FAIL();
  } catch (const InspectError& error) {
    EXPECT_EQ(error.why(), InspectError::Reason::version);
    EXPECT_NE(std::string(error.what()).find("registry 77"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("9.8.7"), std::string::npos) << error.what();
  }
}

// A loop in another thread makes and ends tasks while it is read.
TEST(Inspect, of_a_loop_that_runs_is_consistent_or_says_that_it_is_not) {
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> id = 0;
  std::thread busy([&] {
    run([](std::atomic<bool>& stop, std::atomic<std::uint64_t>& id) -> Coro<> {
      id = get_running_loop().scheduler().shown.id;
      while (!stop) co_await gather(sleep(0s), sleep(0s), create_task(sleep(0s)));
    }(stop, id));
  });
  while (id == 0) std::this_thread::yield();

  for (int i = 0; i < 200; ++i) {
    ProcessMemory memory(getpid());
    const SeenProcess seen = inspect(memory, {registry_address()});
    for (const SeenLoop& loop : seen.loops) {
      EXPECT_LE(loop.tasks.size(), 8u);
      for (const SeenTask& task : loop.tasks)
        EXPECT_LE(task.stack.size(), 4u) << task.stack.front().function;
    }
  }
  stop = true;
  busy.join();
}

// Whoever watches a process is told that it ended, and not that something is wrong with it.
TEST(Inspect, says_of_a_process_that_ends_while_it_is_read_that_there_is_none) {
  const int child = ::fork();
  if (child == 0) {
    run([]() -> Coro<> {
      for (;;) co_await sleep(0s);
    }());
    ::_exit(0);
  }
  std::thread killer([child] {
    for (bool is_there = false; !is_there;) {
      try {
        static_cast<void>(inspect(child));
        is_there = true;
      } catch (const InspectError&) {}
    }
    ::kill(child, SIGKILL);
  });
  std::string last = tests::error_of([&] { static_cast<void>(inspect(child)); });
  while (last.empty() || last.find("has no event loop") != last.npos)
    last = tests::error_of([&] { static_cast<void>(inspect(child)); });
  killer.join();
  ::waitpid(child, nullptr, 0);

  EXPECT_NE(last.find("no process has the id " + std::to_string(child)), last.npos) << last;
}

}  // namespace
}  // namespace asyncio::debug
