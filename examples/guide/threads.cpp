// The programs of docs/guide/threads.md.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <atomic>
#include <string>
#include <thread>

using namespace std::chrono_literals;

// [to_thread]
std::string read_config(std::string path) {  // blocks, so it must not run in the loop's thread
  std::this_thread::sleep_for(10ms);
  return "contents of " + path;
}

asyncio::Coro<> load() {
  std::string text = co_await asyncio::to_thread(read_config, "app.conf");
  fmt::print("{}\n", text);
}
// [/to_thread]

// [pool]
asyncio::Coro<> compute() {
  auto& loop = asyncio::get_running_loop();
  asyncio::ThreadPoolExecutor pool(4);
  long sum = co_await loop.run_in_executor(pool, [] {
    long total = 0;
    for (long i = 0; i < 1'000'000; ++i) total += i;
    return total;
  });
  fmt::print("sum {}\n", sum);
}
// [/pool]

asyncio::Coro<int> twice(int n) {
  co_await asyncio::sleep(1ms);
  co_return 2 * n;
}

// [from_outside]
asyncio::Coro<> from_outside() {
  auto& loop = asyncio::get_running_loop();
  asyncio::Event told;
  std::thread thread([&] {
    auto future = asyncio::run_coroutine_threadsafe(twice(21), loop);
    fmt::print("the loop says {}\n", future.result(5s));  // blocks this thread only
    loop.call_soon_threadsafe([&] { told.set(); });       // never told.set() from here
  });
  co_await told.wait();
  thread.join();
}
// [/from_outside]

// [workers]
std::atomic<int> served{0};

asyncio::Coro<> one_loop() {  // runs once in each thread, on a loop of its own
  co_await asyncio::sleep(1ms);
  ++served;
}

void run_everywhere() {
  asyncio::run_workers(4, one_loop);
  fmt::print("{} loops\n", served.load());
}
// [/workers]

asyncio::Coro<> async_main() {
  co_await load();
  co_await compute();
  co_await from_outside();
}

int main() {
  asyncio::run(async_main());
  run_everywhere();
}
