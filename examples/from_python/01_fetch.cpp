// A coroutine that waits, and a main that awaits it.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<std::string> fetch_data(std::string url) {
  fmt::print("Fetching data from {}\n", url);
  co_await asyncio::sleep(20ms);
  fmt::print("Finished fetching data from {}\n", url);
  co_return "Data from " + url;
}

asyncio::Coro<> async_main() {
  std::string result = co_await fetch_data("https://example.com");
  fmt::print("{}\n", result);
}

int main() { asyncio::run(async_main()); }
