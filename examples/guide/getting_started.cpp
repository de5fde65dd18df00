// The first program of docs/guide/getting_started.md: three fetches, two at a time, with a limit.

// [program]
#include <asyncio/asyncio.hpp>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<std::string> fetch(std::string url, asyncio::Semaphore& seats) {
  auto seat = co_await seats.scoped();  // async with seats:
  co_await asyncio::sleep(20ms);        // something that takes a while
  co_return "Data from " + url;
}

asyncio::Coro<> async_main() {
  asyncio::Semaphore seats(2);
  std::vector<asyncio::Coro<std::string>> fetches;
  for (int i = 1; i <= 3; ++i) fetches.push_back(fetch("page " + std::to_string(i), seats));

  auto pages = co_await asyncio::wait_for(asyncio::gather(std::move(fetches)), 5s);
  for (const auto& page : pages) std::printf("%s\n", page.c_str());
}

int main() { asyncio::run(async_main()); }
// [/program]
