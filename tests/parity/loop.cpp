// loop.cpp: the event loop: passes, phases, timers, stop, run_until_complete, exception handler.
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "trace.hpp"

namespace parity::s001 {

struct Spinner {
  Loop& loop;
  Future<std::string> done = loop.create_future<std::string>();
  bool fired = false;
  int spins = 0;

  void spin() {
    ++spins;
    if (fired) {
      done.set_result("timer seen");
    } else if (spins > 1000) {
      done.set_result("timer starved");
    } else {
      loop.call_soon([this] { spin(); });
    }
  }
};

Coro<> async_main() {
  Loop& loop = get_running_loop();

  loop.call_soon([&] {
    log("a");
    loop.call_soon([] { log("a-child"); });
  });
  loop.call_soon([&] {
    log("b");
    loop.call_soon([] { log("b-child"); });
  });
  loop.call_soon([] { log("c"); });
  for (int i = 0; i < 2; ++i) co_await nap();
  log("--");

  Spinner spinner{loop};
  loop.call_soon([&] { spinner.spin(); });
  loop.call_later(0s, [&] { spinner.fired = true; });
  std::string seen = co_await spinner.done;
  log(seen, "spins", spinner.spins);
}

PARITY_RUN(s001, async_main)
}  // namespace parity::s001

namespace parity::s003 {

Coro<> async_main() {
  Loop& loop = get_running_loop();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) co_return;
  if (::write(ends[1], "x", 1) != 1) co_return;

  loop.call_later(0s, [] { log("timer"); });
  loop.add_reader(ends[0], [&] {
    loop.remove_reader(ends[0]);
    log("io");
    loop.call_soon([] { log("soon from io"); });
  });
  loop.call_soon([] { log("soon"); });
  co_await nap();
  log("main");
  co_await nap();
  co_await nap();
  log("remove_reader again", loop.remove_reader(ends[0]));
  ::close(ends[0]);
  ::close(ends[1]);
}

PARITY_RUN(s003, async_main)
}  // namespace parity::s003

namespace parity::s004 {

Coro<> async_main() {
  Loop& loop = get_running_loop();
  const auto t0 = loop.time();
  auto done = loop.create_future<std::string>();
  auto h30 = loop.call_at(t0 + 30ms, [] { log("30ms"); });
  auto h10 = loop.call_at(t0 + 10ms, [] { log("10ms"); });
  auto h20 = loop.call_at(t0 + 20ms, [] { log("20ms (never)"); });
  auto h40 = loop.call_at(t0 + 40ms, [&] { done.set_result("40ms"); });
  log("when ordered",
      h10.when() < h20.when() && h20.when() < h30.when() && h30.when() < h40.when());
  h20.cancel();
  h20.cancel();
  log("h20 cancelled", h20.cancelled(), "h10 cancelled", h10.cancelled());
  std::string result = co_await done;
  log("not early", result, loop.time() >= t0 + 40ms - 1ms);
  log("after run: h10 cancelled", h10.cancelled());
  h10.cancel();
  log("cancel after run: h10 cancelled", h10.cancelled());
}

PARITY_RUN(s004, async_main)
}  // namespace parity::s004

namespace parity::s009 {

PARITY(s009) {
  Loop loop;
  loop.call_soon([&] {
    log("stopper");
    loop.stop();
    loop.call_soon([] { log("scheduled after stop"); });
  });
  loop.call_soon([] { log("same batch, after stop"); });
  loop.run_forever();
  log("run_forever returned; running", loop.is_running());

  loop.stop();  // pre-stopped: exactly one pass
  loop.call_soon([&] { loop.call_soon([] { log("third run"); }); });
  loop.run_forever();
  log("second run returned");

  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
  log("third run returned");
  loop.close();
}
}  // namespace parity::s009

namespace parity::s010 {

Coro<> background(std::vector<int>& progress) {
  for (int i = 0; i < 6; ++i) {
    progress.push_back(i);
    co_await nap();
  }
}

Coro<std::string> quick() {
  co_await nap();
  co_return "quick";
}

Coro<> fails() {
  throw ValueError("boom");
  co_return;
}

Coro<> stops(Loop& loop) {
  loop.stop();
  co_await nap(1h);
}

Coro<> nests(Loop& loop) {
  log(thrown_by([&] { loop.run_until_complete(quick()); }));
  Loop other;
  log(thrown_by([&] { other.run_until_complete(quick()); }));
  other.close();
  co_return;
}

PARITY(s010) {
  Loop loop;
  std::vector<int> progress;
  Task<> bg = loop.create_task(background(progress));
  log(loop.run_until_complete(quick()));
  log("background not finished", bg.done(), progress.size() < 6);
  log(thrown_by([&] { loop.run_until_complete(fails()); }));
  Task<> t = loop.create_task(stops(loop));
  log(thrown_by([&] { loop.run_until_complete(t); }));
  loop.run_until_complete(nests(loop));
  loop.run_until_complete(bg);
  log("background", progress);
  t.cancel();
  log("cancelled surfaces", thrown_by([&] { loop.run_until_complete(t); }));
  loop.close();
}
}  // namespace parity::s010

namespace parity::s012 {

std::vector<std::string> keys(const asyncio::ExceptionContext& context) {
  std::vector<std::string> names;
  if (context.exception) names.emplace_back("exception");
  if (context.handle) names.emplace_back("handle");
  if (!context.message.empty()) names.emplace_back("message");
  return names;
}

void bad() { throw ValueError("boom"); }

Coro<> async_main() {
  asyncio::logging::set_sink([](asyncio::LogLevel, std::string_view text) {
    log("default handler:", text.substr(0, text.find('\n')));
  });
  Loop& loop = get_running_loop();
  if (!loop.get_exception_handler()) log("handler none");

  auto handler = [](Loop&, const asyncio::ExceptionContext& context) {
    log("handler:", context.message.starts_with("Exception in callback"), context.exception, "keys",
        keys(context));
  };
  loop.set_exception_handler(handler);
  loop.call_soon(bad);
  loop.call_soon([] { log("next callback still runs"); });
  co_await nap();

  loop.set_exception_handler(
      [](Loop&, const asyncio::ExceptionContext&) { throw RuntimeError("handler is broken"); });
  loop.call_soon(bad);
  loop.call_soon([] { log("still running"); });
  co_await nap();

  loop.set_exception_handler(handler);
  loop.call_exception_handler({.message = "Exception in callback (user)",
                               .exception = std::make_exception_ptr(ValueError("custom"))});
  asyncio::logging::set_sink(nullptr);
}

PARITY_RUN(s012, async_main)
}  // namespace parity::s012

namespace parity::s013 {

Coro<> async_main() {
  Loop& loop = get_running_loop();
  loop.set_debug(true);
  loop.set_slow_callback_duration(10s);
  const auto me = std::this_thread::get_id();
  auto done = loop.create_future();
  std::vector<std::pair<int, bool>> got;
  std::vector<std::string> errors;

  auto guard = loop.call_later(1500ms, [&] {
    done.set_exception(std::make_exception_ptr(RuntimeError("loop was not woken")));
  });
  const auto t0 = loop.time();
  std::thread thread([&] {
    std::this_thread::sleep_for(30ms);
    for (int i = 0; i < 3; ++i) {
      loop.call_soon_threadsafe([&, i] {
        got.emplace_back(i, std::this_thread::get_id() == me);
        if (i == 2) done.set_result();
      });
    }
    errors.push_back(message(thrown_by([&] { loop.call_soon([] {}); })));
  });
  co_await done;
  guard.cancel();
  log("woken early", loop.time() - t0 < 1s);
  thread.join();
  for (auto [i, in_loop_thread] : got) log("callback", i, "in loop thread", in_loop_thread);
  log(errors);
}

PARITY_RUN(s013, async_main)
}  // namespace parity::s013

namespace parity::s015 {

// "Executing <Task ... took 0.040 seconds" becomes the line of the trace.
void show(asyncio::LogLevel level, std::string_view text) {
  text = text.substr(0, text.find('\n'));  // further lines tell the places
  constexpr std::string_view start = "Executing <", end = " seconds";
  const std::size_t took = text.rfind(" took ");
  if (!text.starts_with(start) || !text.ends_with(end) || took == std::string_view::npos) {
    log("other:", text.substr(0, 20));
    return;
  }
  const std::string_view what =
      text.substr(start.size(), text.find_first_of(" >", start.size()) - start.size());
  const std::string seconds(text.substr(took + 6, text.size() - took - 6 - end.size()));
  log("slow:", what, asyncio::logging::level_name(level), "at least 30ms",
      std::stod(seconds) >= 0.030);
}

Coro<> slow_step() {
  std::this_thread::sleep_for(40ms);
  co_await nap(60ms);  // suspended time does not count
}

Coro<> async_main() {
  asyncio::logging::set_sink(show);
  Loop& loop = get_running_loop();
  const auto threshold = loop.slow_callback_duration();
  log("default threshold", threshold == 100ms ? "0.1" : "not 0.1");
  co_await create_task(slow_step());
  log("debug off: nothing logged");
  loop.set_slow_callback_duration(30ms);
  loop.set_debug(true);
  co_await create_task(slow_step(), {.name = "slow"});
  loop.call_soon([] { std::this_thread::sleep_for(40ms); });
  co_await nap(1ms);
  loop.set_debug(false);
  asyncio::logging::set_sink(nullptr);
}

PARITY_RUN(s015, async_main)
}  // namespace parity::s015
