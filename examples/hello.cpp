// The program on the front page: limits, structure and timeouts in thirty lines.
// Try: build/release/examples/hello
// [hello]
#include <asyncio/asyncio.hpp>
#include <cstdio>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<std::string> fetch(std::string url) {
  co_await asyncio::sleep(20ms);  // stands for I/O
  co_return "data from " + url;
}

asyncio::Coro<> limited(asyncio::Semaphore& seats, std::string url) {
  auto seat = co_await seats.scoped();  // async with seats:
  std::string data = co_await fetch(std::move(url));
  std::printf("%s\n", data.c_str());
}

asyncio::Coro<> async_main() {
  asyncio::Semaphore seats(2);
  co_await asyncio::with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) -> asyncio::Coro<> {
    for (const char* url : {"a", "b", "c"}) group.create_task(limited(seats, url));
    co_return;
  });
  try {
    co_await asyncio::wait_for(fetch("slow"), 1ms);
  } catch (const asyncio::TimeoutError&) {
    std::printf("too slow\n");
  }
}

int main() { asyncio::run(async_main()); }
// [/hello]
