// Bridging synchronous code: to_thread, run_in_executor, run_coroutine_threadsafe, context
// variables.
#include <asyncio/asyncio.hpp>
#include <cstdio>
#include <string>
#include <thread>

using namespace std::chrono_literals;

asyncio::ContextVar<std::string> request_id("request_id", "none");

std::string blocking(std::string name) {
  std::this_thread::sleep_for(2ms);
  return "blocking " + name + ", request " + request_id.get();
}

asyncio::Coro<int> twice(int n) {
  co_await asyncio::sleep(1ms);
  co_return 2 * n;
}

asyncio::Coro<> async_main() {
  auto token = request_id.set("r-17");
  std::printf("%s\n", (co_await asyncio::to_thread(blocking, "work")).c_str());

  auto& loop = asyncio::get_running_loop();
  asyncio::ThreadPoolExecutor pool(2);
  int n = co_await loop.run_in_executor(pool, [] { return 42; });
  std::printf("%d\n", n);
  request_id.reset(token);
  std::printf("%s\n", request_id.get().c_str());

  std::thread outside([&loop] {
    asyncio::ConcurrentFuture<int> future = asyncio::run_coroutine_threadsafe(twice(21), loop);
    std::printf("from a thread: %d\n", future.result(1s));
    loop.call_soon_threadsafe([] { std::printf("called in the loop\n"); });
  });
  co_await asyncio::to_thread([&] { outside.join(); });
  co_await asyncio::sleep(0s);
}

int main() { asyncio::run(async_main()); }
