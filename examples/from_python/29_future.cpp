// Future: the bridge from callbacks to coroutines. A callback sets it, a coroutine awaits it.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <exception>

using namespace std::chrono_literals;

asyncio::Future<int> ask(asyncio::Loop& loop, int answer, asyncio::Duration delay) {
  auto future = loop.create_future<int>();
  loop.call_later(delay, [future, answer]() mutable { future.set_result(answer); });
  return future;
}

const char* yes_no(bool value) { return value ? "True" : "False"; }

asyncio::Coro<> async_main() {
  auto& loop = asyncio::get_running_loop();
  asyncio::Future<int> future = ask(loop, 42, 20ms);
  future.add_done_callback(
      [](const asyncio::Future<int>& done) { fmt::print("callback: {}\n", done.result()); });
  fmt::print("done: {}\n", yes_no(future.done()));
  fmt::print("answer: {}\n", co_await future);
  fmt::print("again: {}\n", future.result());
  co_await asyncio::sleep(0s);

  auto failing = loop.create_future<int>();
  loop.call_soon([failing]() mutable {
    failing.set_exception(std::make_exception_ptr(asyncio::ValueError("no answer")));
  });
  try {
    co_await failing;
  } catch (const asyncio::ValueError& error) {
    fmt::print("ValueError: {}\n", error.what());
  }

  auto cancelled = loop.create_future<int>();
  cancelled.cancel();
  try {
    cancelled.set_result(1);
  } catch (const asyncio::InvalidStateError&) {
    fmt::print("cancelled: {}\n", yes_no(cancelled.cancelled()));
  }

  auto pending = loop.create_future<int>();
  try {
    pending.result();
  } catch (const asyncio::InvalidStateError& error) {
    fmt::print("InvalidStateError: {}\n", error.what());
  }
}

int main() { asyncio::run(async_main()); }
