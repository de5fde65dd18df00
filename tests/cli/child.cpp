// What the tests look into: `child calm` waits in many ways, `child hang` has a task that never
// ends its step, `child loops` has a loop in each of two threads, `child busy` never rests,
// `child ticks` rests a millisecond each time, `child circle` has tasks that await each other. Each
// prints "ready" once it is that far.
// `child io FILE` writes a file, and reads it through a pipe.
// `child work N` works for a moment and ends; `child workers` does it in each of two threads,
// `child twice` twice in one.
#include <asyncio/asyncio.hpp>
#include <cstdio>
#include <cstdlib>
#include <latch>
#include <string>
#include <string_view>
#include <thread>

using namespace std::chrono_literals;

namespace {

void say_ready() {
  std::puts("ready");
  std::fflush(stdout);
}

asyncio::Coro<> deepest() { co_await asyncio::sleep(1h); }
asyncio::Coro<> middle() { co_await deepest(); }
asyncio::Coro<> tells_and_waits(std::latch& runs) {
  runs.count_down();
  co_await middle();
}
asyncio::Coro<> takes(asyncio::Lock& lock) {
  auto held = co_await lock.scoped();
  co_await asyncio::sleep(1h);
}

asyncio::Coro<> calm() {
  asyncio::Lock lock;
  auto holder = asyncio::create_task(takes(lock), {.name = "holder"});
  auto contender = asyncio::create_task(takes(lock), {.name = "contender"});
  co_await asyncio::with(asyncio::TaskGroup(), [](asyncio::TaskGroup& group) -> asyncio::Coro<> {
    group.create_task(middle(), {.name = "first"});
    group.create_task(asyncio::gather(middle()), {.name = "second"});
    asyncio::get_running_loop().call_later(10ms, say_ready);
    co_return;
  });
}

asyncio::Coro<> spins() {
  co_await asyncio::sleep(0s);
  say_ready();
  for (volatile unsigned turn = 0;;) turn = turn + 1;
}

asyncio::Coro<> hang() {
  auto other = asyncio::create_task(middle(), {.name = "other"});
  auto spinner = asyncio::create_task(spins(), {.name = "spinner"});
  co_await spinner;
}

asyncio::Coro<> busy() {
  say_ready();
  for (;;) co_await asyncio::gather(asyncio::sleep(0s), asyncio::sleep(0s));
}

asyncio::Coro<> ticks() {
  say_ready();
  for (;;) co_await asyncio::gather(asyncio::sleep(1ms), asyncio::sleep(1ms));
}

asyncio::Coro<> awaits(asyncio::Future<>& start, asyncio::Task<>& other) {
  co_await start;
  co_await other;
}

asyncio::Coro<> circle() {
  asyncio::Future<> start;
  asyncio::Task<> one, two;
  one = asyncio::create_task(awaits(start, two), {.name = "one"});
  two = asyncio::create_task(awaits(start, one), {.name = "two"});
  start.set_result();
  asyncio::get_running_loop().call_later(10ms, say_ready);
  co_await asyncio::sleep(1h);
}

asyncio::Coro<> uses(asyncio::Lock& lock) {
  auto held = co_await lock.scoped();
  co_await asyncio::sleep(1ms);
}
asyncio::Coro<> works(asyncio::Lock& lock, asyncio::StreamWriter& writer) {
  writer.write("work");
  for (int i = 0; i < 3; ++i) co_await uses(lock);
}

asyncio::Coro<> work(int workers) {
  asyncio::Lock lock;
  auto [left, right] = asyncio::detail::make_stream_pair(asyncio::get_running_loop());
  std::vector<asyncio::Task<>> tasks;
  for (int i = 0; i < workers; ++i)
    tasks.push_back(
        asyncio::create_task(works(lock, left.writer), {.name = "worker " + std::to_string(i)}));
  for (auto& task : tasks) co_await task;
  co_await right.reader.readexactly(static_cast<std::size_t>(workers) * 4);
}

// Files, a pipe and a program.
asyncio::Coro<> does_io(std::string path) {
  co_await asyncio::write_file(path, "some words\n");
  auto cat = co_await asyncio::create_subprocess_exec({"cat", path}, {.out = asyncio::PIPE});
  auto output = co_await cat.communicate();
  auto file = co_await asyncio::open_file(path, "a");
  co_await file.write(output.out);
  co_await file.close();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "calm") asyncio::run(calm());
  if (mode == "hang") asyncio::run(hang());
  if (mode == "busy") asyncio::run(busy());
  if (mode == "ticks") asyncio::run(ticks());
  if (mode == "circle") asyncio::run(circle());
  if (mode == "work" && argc > 2) asyncio::run(work(std::atoi(argv[2])));
  if (mode == "io" && argc > 2) asyncio::run(does_io(argv[2]));
  if (mode == "twice") {
    asyncio::run(work(1));
    asyncio::run(work(1));
    return 0;
  }
  if (mode == "workers") {
    std::thread other([] { asyncio::run(work(2)); });
    asyncio::run(work(2));
    other.join();
  }
  if (mode != "loops") return mode.starts_with("work") || mode == "io" ? 0 : 2;
  std::latch runs(1);
  std::thread other([&] { asyncio::run(tells_and_waits(runs)); });
  runs.wait();
  asyncio::run(calm());
}
