// as_completed: results in the order in which they come.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<std::string> fetch(std::string name, asyncio::Duration delay) {
  co_await asyncio::sleep(delay);
  if (name == "broken") throw asyncio::ValueError("broken page");
  co_return name + " is here";
}

asyncio::Coro<> async_main() {
  std::vector<asyncio::Coro<std::string>> pages;
  pages.push_back(fetch("slow", 90ms));
  pages.push_back(fetch("quick", 10ms));
  pages.push_back(fetch("broken", 50ms));
  for (auto& next_page : asyncio::as_completed(std::move(pages))) {
    try {
      fmt::print("{}\n", co_await next_page);
    } catch (const asyncio::ValueError& error) {
      fmt::print("ValueError: {}\n", error.what());
    }
  }

  std::vector<asyncio::Coro<std::string>> more;
  more.push_back(fetch("late", 1h));
  more.push_back(fetch("early", 10ms));
  try {
    for (auto& next_page : asyncio::as_completed(std::move(more), {.timeout = 50ms})) {
      fmt::print("{}\n", co_await next_page);
    }
  } catch (const asyncio::TimeoutError&) {
    fmt::print("TimeoutError: not all came in time\n");
  }
}

int main() { asyncio::run(async_main()); }
