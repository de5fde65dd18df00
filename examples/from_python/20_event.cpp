// Event: many tasks wait for one signal.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<> runner(std::string name, asyncio::Event& start) {
  fmt::print("{} is waiting\n", name);
  co_await start.wait();
  fmt::print("{} runs\n", name);
}

asyncio::Coro<> async_main() {
  asyncio::Event start;
  std::vector<asyncio::Task<>> tasks;
  for (std::string name : {"ann", "bob", "cid"}) {
    tasks.push_back(asyncio::create_task(runner(name, start)));
  }
  co_await asyncio::sleep(10ms);
  fmt::print("set: {}\n", start.is_set() ? "True" : "False");
  start.set();
  co_await asyncio::gather(tasks);

  co_await start.wait();
  fmt::print("a set event does not wait\n");
  start.clear();
  try {
    co_await asyncio::wait_for(start.wait(), 10ms);
  } catch (const asyncio::TimeoutError&) {
    fmt::print("a cleared one does\n");
  }
}

int main() { asyncio::run(async_main()); }
