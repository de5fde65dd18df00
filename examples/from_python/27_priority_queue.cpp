// PriorityQueue: workers that always take the most urgent job; LifoQueue: a stack.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using Job = std::pair<int, std::string>;

asyncio::Coro<> worker(std::string name, asyncio::PriorityQueue<Job>& queue) {
  for (;;) {
    Job entry = co_await queue.get();
    fmt::print("{}: {} (priority {})\n", name, entry.second, entry.first);
    co_await asyncio::sleep(20ms);
    queue.task_done();
  }
}

asyncio::Coro<> async_main() {
  asyncio::PriorityQueue<Job> queue;
  queue.put_nowait({3, "tidy up"});
  queue.put_nowait({1, "put out the fire"});
  queue.put_nowait({2, "answer the phone"});
  queue.put_nowait({9, "nap"});

  std::vector<asyncio::Task<>> workers;
  for (std::string name : {"ann", "bob"})
    workers.push_back(asyncio::create_task(worker(name, queue)));
  co_await asyncio::sleep(10ms);
  queue.put_nowait({0, "emergency"});
  co_await queue.join();
  for (auto& task : workers) task.cancel();
  co_await asyncio::gather(asyncio::return_exceptions, workers);

  asyncio::LifoQueue<int> stack;
  for (int n : {1, 2, 3}) stack.put_nowait(n);
  for (int i = 0; i < 3; ++i) fmt::print("{}{}", stack.get_nowait(), i < 2 ? " " : "\n");
  try {
    stack.get_nowait();
  } catch (const asyncio::QueueEmpty&) {
    fmt::print("QueueEmpty\n");
  }
}

int main() { asyncio::run(async_main()); }
