// The programs of docs/guide/debugging.md.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <atomic>
#include <string>
#include <string_view>

using namespace std::chrono_literals;

// [graph]
asyncio::Coro<> fetch(asyncio::Lock& lock) {
  auto held = co_await lock.scoped();
  co_await asyncio::sleep(1h);
}

asyncio::Coro<> graph() {
  asyncio::Lock lock;
  auto first = asyncio::create_task(fetch(lock), {.name = "first"});
  auto second = asyncio::create_task(fetch(lock), {.name = "second"});
  co_await asyncio::sleep(1ms);

  asyncio::FutureCallGraph graph = asyncio::capture_call_graph(second);
  fmt::print("{} waits for {}, {}\n", graph.name, graph.waits_for, graph.detail);
  // print_call_graph(second) shows the same with the stack, and whoever awaits it.
  first.cancel();
  second.cancel();
}
// [/graph]

// [latency]
asyncio::Coro<> latency() {
  asyncio::Loop& loop = asyncio::get_running_loop();
  loop.measure_steps(true);
  for (int i = 0; i < 100; ++i) co_await asyncio::sleep(0s);

  const asyncio::LoopStats stats = loop.stats();
  const asyncio::Duration p99 = asyncio::LoopStats::quantile(stats.latency, 0.99);
  fmt::print("measured: {}\n", p99 > 0s && stats.slowest_pass > 0s);
}
// [/latency]

// [mistakes]
asyncio::Coro<int> answer() { co_return 42; }

asyncio::Coro<> fails() {
  co_await asyncio::sleep(0s);
  throw asyncio::ValueError("lost in the background");
}

asyncio::Coro<> mistakes() {
  static_cast<void>(answer());    // never awaited
  asyncio::create_task(fails());  // its exception is never retrieved
  co_await asyncio::sleep(1ms);
}
// [/mistakes]

// [watchdog]
asyncio::Coro<> blocks(std::atomic<bool>& reported) {
  co_await asyncio::sleep(0s);
  while (!reported) {}  // stands for a call that blocks
}

asyncio::Coro<> watched() {
  std::atomic<bool> reported = false;
  asyncio::Watchdog watchdog(50ms, [&](const std::string& text) {
    fmt::print("{}\n", text.find("in a step of task 'blocking'") != text.npos);
    reported = true;
  });
  co_await asyncio::create_task(blocks(reported), {.name = "blocking"});
}
// [/watchdog]

// What is logged, without what differs from run to run.
void log_heads(asyncio::LogLevel, std::string_view text) {
  fmt::print("{}\n", text.substr(0, text.find('\n')));
  const std::size_t traceback = text.find("Traceback");
  if (traceback != text.npos) fmt::print("... {}\n", text.substr(traceback, 34));
}

// [debug]
int main() {
  asyncio::logging::set_sink(log_heads);
  asyncio::run(graph());
  asyncio::run(latency());
  asyncio::run(mistakes(), {.debug = true});
  asyncio::run(watched());
}
// [/debug]
