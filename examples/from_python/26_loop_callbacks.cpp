// The loop by hand: call_soon, call_later, call_at, stop, an exception handler.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>

using namespace std::chrono_literals;

asyncio::Coro<int> compute(int x) {
  co_await asyncio::sleep(10ms);
  co_return 2 * x;
}

void report(asyncio::Loop&, const asyncio::ExceptionContext& context) {
  fmt::print("handler: {}\n", asyncio::describe(context.exception));
}

void fail() { throw asyncio::ValueError("a callback failed"); }

const char* yes_no(bool value) { return value ? "True" : "False"; }

int main() {
  asyncio::Loop loop;
  loop.set_exception_handler(report);

  loop.call_later(60ms, [&] { loop.stop(); });
  loop.call_later(40ms, [] { fmt::print("later\n"); });
  loop.call_at(loop.time() + 20ms, [] { fmt::print("at\n"); });
  loop.call_soon([] { fmt::print("soon\n"); });
  loop.call_soon(fail);
  asyncio::TimerHandle never = loop.call_later(20ms, [] { fmt::print("never\n"); });
  never.cancel();
  loop.run_forever();
  fmt::print("stopped, cancelled: {}\n", yes_no(never.cancelled()));

  fmt::print("computed {}\n", loop.run_until_complete(compute(21)));
  fmt::print("running {}, closed {}\n", yes_no(loop.is_running()), yes_no(loop.is_closed()));
  loop.close();
  try {
    loop.call_soon([] { fmt::print("too late\n"); });
  } catch (const asyncio::RuntimeError& error) {
    fmt::print("RuntimeError: {}\n", error.what());
  }
}
