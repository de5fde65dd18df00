// Exceptions travel through co_await like through a call. A retry that waits inside the handler is
// outcome_of in C++: the failure as a value, then ordinary code.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <exception>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<std::string> fetch(int attempt) {
  co_await asyncio::sleep(10ms);
  if (attempt < 3) throw asyncio::ValueError(fmt::format("attempt {} failed", attempt));
  co_return fmt::format("attempt {} worked", attempt);
}

// [retry]
asyncio::Coro<std::string> fetch_with_retry(int attempts) {
  for (int attempt = 1; attempt <= attempts; ++attempt) {
    auto outcome = co_await asyncio::outcome_of(fetch(attempt));
    if (outcome) co_return outcome.value();
    try {
      std::rethrow_exception(outcome.exception());
    } catch (const asyncio::ValueError& error) {  // anything else is not ours to retry
      fmt::print("retry after: {}\n", error.what());
    }
    co_await asyncio::sleep(10ms * attempt);
  }
  throw asyncio::RuntimeError("gave up");
}
// [/retry]

asyncio::Coro<> async_main() {
  fmt::print("{}\n", co_await fetch_with_retry(5));
  try {
    co_await fetch_with_retry(1);
  } catch (const asyncio::RuntimeError& error) {
    fmt::print("RuntimeError: {}\n", error.what());
  }

  auto task = asyncio::create_task(fetch(1));
  co_await asyncio::wait(std::vector{task});
  fmt::print("kept in the task: {}\n", asyncio::describe(task.exception()));
  try {
    task.result();
  } catch (const asyncio::ValueError&) {
    fmt::print("result() raises it again\n");
  }
}

int main() { asyncio::run(async_main()); }
