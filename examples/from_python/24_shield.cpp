// shield: the one who waits may be cancelled, the work goes on.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<std::string> save() {
  co_await asyncio::sleep(200ms);
  fmt::print("saved\n");
  co_return "receipt";
}

asyncio::Coro<std::string> request(asyncio::Task<std::string> saving) {
  try {
    co_return co_await asyncio::shield(saving);
  } catch (const asyncio::CancelledError&) {
    fmt::print("request cancelled\n");
    throw;
  }
}

const char* yes_no(bool value) { return value ? "True" : "False"; }

asyncio::Coro<> async_main() {
  auto saving = asyncio::create_task(save());
  auto handling = asyncio::create_task(request(saving));
  co_await asyncio::sleep(10ms);
  handling.cancel();
  co_await asyncio::wait(std::vector{handling});
  fmt::print("request {}, saving {}\n", yes_no(handling.cancelled()), yes_no(saving.cancelled()));
  fmt::print("{}\n", co_await saving);

  saving = asyncio::create_task(save());
  try {
    co_await asyncio::wait_for(asyncio::shield(saving), 10ms);
  } catch (const asyncio::TimeoutError&) {
    fmt::print("not waiting any longer, but it goes on\n");
  }
  fmt::print("{}\n", co_await saving);
}

int main() { asyncio::run(async_main()); }
