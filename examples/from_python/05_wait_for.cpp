// wait_for: a limit on how long something may take; it is cancelled when the time is over.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <optional>
#include <string>

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

asyncio::Coro<std::string> operation(Seconds time) {
  try {
    co_await asyncio::sleep(time);
  } catch (const asyncio::CancelledError&) {
    fmt::print("operation: cancelled\n");
    throw;
  }
  co_return fmt::format("finished after {} s", time.count());
}

asyncio::Coro<> async_main() {
  try {
    co_await asyncio::wait_for(operation(10s), 20ms);
  } catch (const asyncio::TimeoutError&) {
    fmt::print("The operation took too long!\n");
  }

  fmt::print("{}\n", co_await asyncio::wait_for(operation(10ms), 5s));
  fmt::print("{}\n", co_await asyncio::wait_for(operation(20ms), std::nullopt));

  auto task = asyncio::create_task(operation(10s));
  try {
    co_await asyncio::wait_for(task, 20ms);
  } catch (const asyncio::TimeoutError&) {
    fmt::print("the task was cancelled: {}\n", task.cancelled() ? "True" : "False");
  }
}

int main() { asyncio::run(async_main()); }
