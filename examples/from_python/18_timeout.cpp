// timeout: a limit on a whole block, which may be moved while the block runs.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <optional>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<> step(std::string name, asyncio::Duration delay) {
  co_await asyncio::sleep(delay);
  fmt::print("{} finished\n", name);
}

asyncio::Coro<> async_main() {
  // [timeout]
  try {
    co_await asyncio::with(asyncio::timeout(200ms), []() -> asyncio::Coro<> {
      co_await step("first", 10ms);
      co_await step("second", 1h);
    });
  } catch (const asyncio::TimeoutError&) {
    fmt::print("timed out in the second step\n");
  }
  // [/timeout]

  asyncio::Timeout deadline = asyncio::timeout(5s);
  co_await asyncio::with(deadline, [] { return step("third", 10ms); });
  fmt::print("expired: {}\n", deadline.expired() ? "True" : "False");

  auto& loop = asyncio::get_running_loop();
  asyncio::Timeout movable = asyncio::timeout(std::nullopt);
  try {
    co_await asyncio::with(movable, [&]() -> asyncio::Coro<> {
      co_await step("fourth", 10ms);
      movable.reschedule(loop.time() + 20ms);
      co_await step("fifth", 1h);
    });
  } catch (const asyncio::TimeoutError&) {
    fmt::print("rescheduled, then expired: {}\n", movable.expired() ? "True" : "False");
  }

  try {
    co_await asyncio::with(asyncio::timeout_at(loop.time() + 20ms),
                           [] { return step("sixth", 1h); });
  } catch (const asyncio::TimeoutError&) {
    fmt::print("past the point in time\n");
  }
}

int main() { asyncio::run(async_main()); }
