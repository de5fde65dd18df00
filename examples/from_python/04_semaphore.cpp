// A semaphore bounds how many fetches run at once; `scoped()` is Python's `async with`.
#include <fmt/core.h>
#include <algorithm>
#include <asyncio/asyncio.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;

int running = 0;
int most = 0;

asyncio::Coro<std::string> fetch_data(std::string url, asyncio::Semaphore& seats) {
  auto seat = co_await seats.scoped();
  most = std::max(most, ++running);
  fmt::print("start {}\n", url);
  co_await asyncio::sleep(20ms);
  --running;
  co_return "Data from " + url;
}

asyncio::Coro<> async_main() {
  asyncio::Semaphore seats(2);
  std::vector<asyncio::Coro<std::string>> fetches;
  for (int i = 0; i < 5; ++i) fetches.push_back(fetch_data(fmt::format("url {}", i), seats));
  auto results = co_await asyncio::gather(std::move(fetches));
  for (const auto& result : results) fmt::print("{}\n", result);
  fmt::print("at most {} at once, locked: {}\n", most, seats.locked() ? "True" : "False");

  asyncio::BoundedSemaphore bounded(1);
  try {
    bounded.release();
  } catch (const asyncio::ValueError& error) {
    fmt::print("ValueError: {}\n", error.what());
  }
}

int main() { asyncio::run(async_main()); }
