// The programs of docs/guide/tasks_and_cancellation.md.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<int> answer(int value) {
  co_await asyncio::sleep(10ms);
  co_return value;
}

// [await_or_task]
asyncio::Coro<> await_or_task() {
  int first = co_await answer(1);  // runs inside this task, like a function call

  asyncio::Task<int> task = asyncio::create_task(answer(2), {.name = "second"});
  fmt::print("{} is running: {}\n", task.get_name(), !task.done());
  int second = co_await task;  // a task runs by itself; awaiting it waits for its result
  fmt::print("{} and {}, still there: {}\n", first, second, task.result());
}
// [/await_or_task]

// [cancel]
asyncio::Coro<> guarded() {
  try {
    co_await asyncio::sleep(1h);
  } catch (const asyncio::CancelledError& cancelled) {
    fmt::print("told to stop: {}\n", cancelled.message());
    throw;  // a task that swallows this is not cancelled
  }
}

asyncio::Coro<> cancel() {
  auto task = asyncio::create_task(guarded());
  co_await asyncio::sleep(10ms);  // let it start
  task.cancel("closing time");    // only a request; the task sees it at its await
  co_await asyncio::wait(std::vector{task});
  fmt::print("cancelled: {}\n", task.cancelled());
}
// [/cancel]

// [limits]
asyncio::Coro<> limits() {
  try {
    co_await asyncio::wait_for(asyncio::sleep(1h), 10ms);
  } catch (const asyncio::TimeoutError&) {
    fmt::print("wait_for throws\n");
  }

  std::optional<int> value = co_await asyncio::move_on_after(10s, answer(3));
  fmt::print("move_on_after gives a value or nothing: {}\n", value.value_or(0));
}
// [/limits]

// [shield]
asyncio::Coro<> impatient(asyncio::Task<int> task) {
  try {
    co_await asyncio::wait_for(asyncio::shield(task), 1ms);
  } catch (const asyncio::TimeoutError&) {
    fmt::print("not waiting any longer\n");  // but the task goes on
  }
}
// [/shield]

asyncio::Coro<> shielded() {
  auto task = asyncio::create_task(answer(4));
  co_await impatient(task);
  fmt::print("finished all the same: {}\n", co_await task);
}

asyncio::Coro<> async_main() {
  co_await await_or_task();
  co_await cancel();
  co_await limits();
  co_await shielded();
}

int main() { asyncio::run(async_main()); }
