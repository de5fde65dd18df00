// Cancellation: an exception in the task, at its await; clean-up, a message, a task that refuses,
// one that never started. A handler cannot await in C++, so `finally: await` is try_finally.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;

const char* yes_no(bool value) { return value ? "True" : "False"; }

asyncio::Coro<> work(std::string name) {
  try {
    fmt::print("{}: working\n", name);
    co_await asyncio::sleep(1h);
  } catch (const asyncio::CancelledError& error) {
    fmt::print("{}: cancelled ({})\n", name, error.message());
    throw;
  }
}

asyncio::Coro<> clean_up(std::string name) {
  co_await asyncio::sleep(10ms);
  fmt::print("{}: cleaned up\n", name);
}

asyncio::Coro<> worker(std::string name) {
  co_await asyncio::try_finally([&] { return work(name); }, [&] { return clean_up(name); });
}

asyncio::Coro<std::string> stubborn() {
  try {
    co_await asyncio::sleep(1h);
  } catch (const asyncio::CancelledError&) {
    fmt::print("stubborn: not now\n");
  }
  co_return "finished anyway";
}

asyncio::Coro<> async_main() {
  auto task = asyncio::create_task(worker("worker"));
  co_await asyncio::sleep(10ms);
  task.cancel("time to go");
  try {
    co_await task;
  } catch (const asyncio::CancelledError&) {
    fmt::print("main: cancelled {}, done {}\n", yes_no(task.cancelled()), yes_no(task.done()));
  }

  auto refuses = asyncio::create_task(stubborn());
  co_await asyncio::sleep(10ms);
  refuses.cancel();
  fmt::print("{}\n", co_await refuses);
  fmt::print("main: cancelled {}, requests {}\n", yes_no(refuses.cancelled()),
             refuses.cancelling());

  task = asyncio::create_task(worker("never started"));
  task.cancel();
  co_await asyncio::wait(std::vector{task});
  fmt::print("main: cancelled {}\n", yes_no(task.cancelled()));
}

int main() { asyncio::run(async_main()); }
