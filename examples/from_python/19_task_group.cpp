// TaskGroup: the block ends when all its tasks have ended; if one fails, the others are cancelled
// and the failures come together as an ExceptionGroup.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<std::string> fetch(std::string name, asyncio::Duration delay) {
  try {
    co_await asyncio::sleep(delay);
  } catch (const asyncio::CancelledError&) {
    fmt::print("{} cancelled\n", name);
    throw;
  }
  if (name.starts_with("bad")) throw asyncio::ValueError(name + " failed");
  co_return name + " fetched";
}

asyncio::Coro<> async_main() {
  asyncio::Task<std::string> first, second;
  co_await asyncio::with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) -> asyncio::Coro<> {
    first = group.create_task(fetch("a", 30ms));
    second = group.create_task(fetch("b", 10ms));
    co_return;
  });
  fmt::print("{} and {}\n", first.result(), second.result());

  try {
    co_await asyncio::with(asyncio::TaskGroup(), [](asyncio::TaskGroup& group) -> asyncio::Coro<> {
      group.create_task(fetch("bad", 10ms));
      group.create_task(fetch("sibling", 1h));
      co_return;
    });
  } catch (const asyncio::ExceptionGroup& group) {
    fmt::print("{}\n", group.what());
    group.for_each<asyncio::ValueError>(
        [](const asyncio::ValueError& error) { fmt::print("- {}\n", error.what()); });
  }
}

int main() { asyncio::run(async_main()); }
