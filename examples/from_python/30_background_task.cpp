// A task in the background: created, named, left running, cancelled at the end.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>

using namespace std::chrono_literals;

struct Beats {
  int count = 0;
  ~Beats() { fmt::print("stopped after {} beats\n", count); }
};

asyncio::Coro<> heartbeat(asyncio::Duration interval) {
  Beats beats;
  for (;;) {
    fmt::print("beat {}\n", ++beats.count);
    co_await asyncio::sleep(interval);
  }
}

asyncio::Coro<> async_main() {
  auto task = asyncio::create_task(heartbeat(100ms), {.name = "heartbeat"});
  fmt::print("created {}, {} tasks\n", task.get_name(), asyncio::all_tasks().size());
  co_await asyncio::sleep(250ms);
  task.cancel();
  co_await asyncio::gather(asyncio::return_exceptions, task);
  fmt::print("{}, {} task\n", asyncio::current_task() ? "True" : "False",
             asyncio::all_tasks().size());
}

int main() { asyncio::run(async_main()); }
