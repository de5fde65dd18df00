// Context variables: values that follow a task, also into threads; each task has its own copy.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>

using namespace std::chrono_literals;

asyncio::ContextVar<std::string> request_id("request_id", "none");

asyncio::Coro<> log(std::string text) {
  fmt::print("[{}] {}\n", request_id.get(), text);
  co_return;
}

asyncio::Coro<> handle(std::string name) {
  request_id.set(name);
  co_await log("start");
  co_await asyncio::sleep(10ms);
  co_await asyncio::to_thread([] { fmt::print("[{}] in a thread\n", request_id.get()); });
  co_await log("end");
}

asyncio::Coro<> handle_in_order() {
  for (std::string name : {"r1", "r2"}) co_await asyncio::create_task(handle(name));
}

asyncio::Coro<> async_main() {
  co_await handle_in_order();
  auto token = request_id.set("main");
  co_await asyncio::create_task(log("a task starts with a copy"));
  co_await asyncio::create_task(handle("child"));
  co_await log("what the child set stays with the child");
  request_id.reset(token);
  co_await log("reset");

  asyncio::Context context = asyncio::copy_context();
  context.run([] { request_id.set("inside"); });
  const std::string in_the_copy = context.run([] { return request_id.get(); });
  fmt::print("outside {}, in the copy {}\n", request_id.get(), in_the_copy);
}

int main() { asyncio::run(async_main()); }
