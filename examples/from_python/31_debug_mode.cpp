// Debug mode names the step of a task, or the callback, that kept the loop from going on.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string_view>
#include <thread>

using namespace std::chrono_literals;
using std::string_view;

void report(asyncio::LogLevel, string_view text) {
  if (text.find("took") == string_view::npos) return;
  string_view name = text.substr(text.find("name='") + 6);
  fmt::print("slow: {} {}\n", text.substr(0, text.find(' ')), name.substr(0, name.find('\'')));
}

asyncio::Coro<> blocking() {
  std::this_thread::sleep_for(250ms);  // the mistake
  co_return;
}

asyncio::Coro<> quick() { co_await asyncio::sleep(10ms); }

asyncio::Coro<> async_main() {
  auto& loop = asyncio::get_running_loop();
  loop.set_slow_callback_duration(150ms);
  fmt::print("debug: {}\n", loop.get_debug() ? "True" : "False");
  co_await asyncio::create_task(quick(), {.name = "quick"});
  co_await asyncio::create_task(blocking(), {.name = "blocking"});
  fmt::print("done\n");
}

int main() {
  asyncio::logging::set_sink(report);
  asyncio::run(async_main(), {.debug = true});
}
