// run_coroutine_threadsafe: a thread hands a coroutine to the loop and waits for its result.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <thread>

using namespace std::chrono_literals;

asyncio::Coro<int> add(int a, int b) {
  co_await asyncio::sleep(10ms);
  co_return a + b;
}

asyncio::Coro<> fail() {
  throw asyncio::ValueError("refused");
  co_return;
}

void work(asyncio::Loop& loop) {
  auto future = asyncio::run_coroutine_threadsafe(add(1, 2), loop);
  fmt::print("in the thread: {}\n", future.result(5s));
  try {
    asyncio::run_coroutine_threadsafe(fail(), loop).result(5s);
  } catch (const asyncio::ValueError& error) {
    fmt::print("in the thread: ValueError: {}\n", error.what());
  }
  loop.call_soon_threadsafe([] { fmt::print("called in the loop\n"); });
}

asyncio::Coro<> async_main() {
  auto& loop = asyncio::get_running_loop();
  std::thread thread([&loop] { work(loop); });
  co_await asyncio::to_thread([&thread] { thread.join(); });
  co_await asyncio::sleep(10ms);
}

int main() { asyncio::run(async_main()); }
