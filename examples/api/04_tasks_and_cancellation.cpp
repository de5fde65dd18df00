// Tasks: names, results, callbacks, cancellation with clean-up, shield, cancel counts.
#include <asyncio/asyncio.hpp>
#include <cstdio>

using namespace std::chrono_literals;

struct Cleanup {
  ~Cleanup() { std::printf("clean-up ran\n"); }
};

asyncio::Coro<int> worker() {
  Cleanup cleanup;
  try {
    co_await asyncio::sleep(1h);
  } catch (const asyncio::CancelledError& cancelled) {
    std::printf("cancelled: %s\n", cancelled.message().c_str());
    throw;
  }
  co_return 1;
}

asyncio::Coro<int> important() {
  co_await asyncio::sleep(5ms);
  co_return 99;
}

asyncio::Coro<> async_main() {
  asyncio::Task<int> task = asyncio::create_task(worker(), {.name = "worker"});
  task.add_done_callback([](const asyncio::Task<int>& done) {
    std::printf("callback: %s %d\n", done.get_name().c_str(), done.cancelled());
  });
  co_await asyncio::sleep(1ms);
  task.cancel("enough");
  try {
    co_await task;
  } catch (const asyncio::CancelledError&) {
    std::printf("main saw it; done=%d cancelled=%d\n", task.done(), task.cancelled());
  }
  co_await asyncio::sleep(0s);

  // A callable and its arguments move into the task, so nothing can dangle.
  auto sum =
      asyncio::create_task([](int a, int b) -> asyncio::Coro<int> { co_return a + b; }, 2, 3);
  int total = co_await sum;
  std::printf("sum %d, again %d\n", total, sum.result());

  auto kept = asyncio::create_task(important());
  auto outer = asyncio::create_task(
      [&]() -> asyncio::Coro<int> { co_return co_await asyncio::shield(kept); });
  co_await asyncio::sleep(1ms);
  outer.cancel();
  auto outcome = co_await asyncio::gather(asyncio::return_exceptions, outer);
  std::printf("outer cancelled %d, inner %d\n", !std::get<0>(outcome).has_value(), co_await kept);

  std::printf("tasks alive: %zu, current: %s, cancelling %d\n", asyncio::all_tasks().size(),
              asyncio::current_task()->get_name().c_str(), asyncio::current_task()->cancelling());
}

int main() { asyncio::run(async_main()); }
