// A loop of one's own making: its backend, its default executor, its exception handler.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <memory>
#include <string>
#include <vector>

using namespace std::chrono_literals;

void report(asyncio::Loop&, const asyncio::ExceptionContext& context) {
  try {
    std::rethrow_exception(context.exception);
  } catch (const std::exception& error) {
    fmt::print("handler: {}\n", error.what());
  }
}

std::unique_ptr<asyncio::Loop> make_loop() {
  asyncio::LoopOptions options{.backend = asyncio::Backend::epoll};
  options.poll_interval = 1;  // look at the kernel on every pass, as CPython does
  auto loop = std::make_unique<asyncio::Loop>(options);
  loop->set_default_executor(std::make_shared<asyncio::ThreadPoolExecutor>(1));
  loop->set_exception_handler(report);
  return loop;
}

void fail() { throw asyncio::ValueError("a callback failed"); }

asyncio::Coro<std::string> async_main() {
  std::vector<int> order;
  auto append = [&order](int n) { order.push_back(n); };  // one thread, so no lock
  using asyncio::to_thread;
  co_await asyncio::gather(to_thread(append, 0), to_thread(append, 1), to_thread(append, 2),
                           to_thread(append, 3), to_thread(append, 4));
  const bool in_order = order == std::vector{0, 1, 2, 3, 4};
  fmt::print("one thread keeps the order: {}\n", in_order ? "True" : "False");
  asyncio::get_running_loop().call_soon(fail);
  co_await asyncio::sleep(0s);
  co_return "finished";
}

int main() {
  asyncio::Runner runner({.loop_factory = make_loop});
  fmt::print("{}\n", runner.run(async_main()));
  fmt::print("{}\n", runner.run(asyncio::sleep(10ms, "and the same loop again")));
}
