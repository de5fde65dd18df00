// to_thread: blocking code in a thread while the loop goes on. Arguments are copied into the
// thread, exceptions come back.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>
#include <thread>

using namespace std::chrono_literals;

std::string read_slowly(std::string name, std::chrono::milliseconds time) {
  std::this_thread::sleep_for(time);
  return "contents of " + name;
}

void fail() { throw asyncio::ValueError("no such thing"); }

asyncio::Coro<> tick() {
  for (int i = 0; i < 3; ++i) {
    fmt::print("tick {}: the loop is free\n", i);
    co_await asyncio::sleep(20ms);
  }
}

asyncio::Coro<> async_main() {
  auto results = co_await asyncio::gather(asyncio::to_thread(read_slowly, "a.txt", 150ms), tick());
  fmt::print("{}\n", std::get<0>(results));
  try {
    co_await asyncio::to_thread(fail);
  } catch (const asyncio::ValueError& error) {
    fmt::print("from the thread: {}\n", error.what());
  }
}

int main() { asyncio::run(async_main()); }
