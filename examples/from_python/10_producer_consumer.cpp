// A bounded queue between a producer and a consumer: put waits while the queue is full, join waits
// until every item was marked done. Idle consumers are cancelled at the end.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<> producer(asyncio::Queue<std::string>& queue, std::string name, int count) {
  for (int i = 0; i < count; ++i) {
    co_await queue.put(fmt::format("{}-{}", name, i));
    fmt::print("produced {}-{}\n", name, i);
  }
}

asyncio::Coro<> consumer(asyncio::Queue<std::string>& queue, std::string name) {
  for (;;) {
    std::string item = co_await queue.get();
    co_await asyncio::sleep(10ms);
    fmt::print("{} consumed {}\n", name, item);
    queue.task_done();
  }
}

asyncio::Coro<> async_main() {
  asyncio::Queue<std::string> queue(2);
  std::vector<asyncio::Task<>> workers;
  workers.push_back(asyncio::create_task(consumer(queue, "consumer")));
  co_await producer(queue, "item", 5);
  co_await queue.join();
  fmt::print("all done, {} left\n", queue.qsize());

  for (auto& worker : workers) worker.cancel();
  auto results = co_await asyncio::gather(asyncio::return_exceptions, workers);
  for (const auto& result : results) {
    const std::string text = asyncio::describe(result.exception());
    fmt::print("['{}']\n", text.substr(0, text.find(':')));
  }
}

int main() { asyncio::run(async_main()); }
