// cancellation.cpp: cancel before the start, twice, of oneself, through children, against
// completion.
#include "trace.hpp"

namespace parity::s022 {

Coro<> body() {
  log("body started - must not happen");
  co_await nap(1s);
}

Coro<> async_main() {
  auto t = create_task(body());
  log("cancel", t.cancel("too early"));
  log("immediately", t.done(), t.cancelled(), t.cancelling());
  co_await nap();
  log("one iteration later", t.done(), t.cancelled());
  log(co_await caught(t));
}

PARITY_RUN(s022, async_main)
}  // namespace parity::s022

namespace parity::s024 {

Coro<> body() {
  std::exception_ptr first = co_await caught(nap(10s));
  log("first", first, "requests", requests());
  try {
    co_await nap(10s);
    log("cleanup finished - must not happen");
  } catch (const CancelledError& error) {
    log("cleanup interrupted", error, "requests", requests());
    throw;
  }
}

Coro<> async_main() {
  auto t = create_task(body());
  co_await nap();
  const bool one = t.cancel("one");
  const bool two = t.cancel("two");
  log(one, two);
  co_await nap();
  co_await nap();
  log("still in cleanup", !t.done());
  t.cancel("three");
  co_await wait(std::vector{t});
  log("cancelled", t.cancelled(), "requests", t.cancelling());
  log("result", thrown_by([&] { t.result(); }));
}

PARITY_RUN(s024, async_main)
}  // namespace parity::s024

namespace parity::s025 {

Coro<std::string> stubborn() {
  try {
    co_await nap(10s);
  } catch (const CancelledError&) {
    log("swallowed");
  }
  co_await nap(10ms);
  log("later await not interrupted");
  co_return "value";
}

Coro<> async_main() {
  auto t = create_task(stubborn());
  co_await nap();
  t.cancel();
  std::string value = co_await t;
  log(value);
  log("cancelled", t.cancelled(), "requests", t.cancelling());
  const int first = t.uncancel();
  const int second = t.uncancel();
  log("uncancel", first, second);
}

PARITY_RUN(s025, async_main)
}  // namespace parity::s025

namespace parity::s027 {

Coro<std::string> then_waits() {
  current_task()->cancel("me");
  log("still running");
  auto f = get_running_loop().create_future<std::string>();
  f.set_result("done already");
  std::string value = co_await f;
  log("await of a done future does not deliver", value);
  try {
    co_await nap();
    log("not reached");
  } catch (const CancelledError& error) {
    log("delivered at suspension", error);
    throw;
  }
  co_return "";
}

Coro<std::string> then_returns() {
  current_task()->cancel("lost");
  co_return "value is lost";
}

Coro<> show(const char* name, Coro<std::string> coro) {
  auto t = create_task(std::move(coro));
  co_await wait(std::vector{t});
  log(name, "cancelled", t.cancelled());
  log("result", thrown_by([&] { log(t.result()); }));
}

Coro<> async_main() {
  co_await show("then_waits", then_waits());
  co_await show("then_returns", then_returns());
}

PARITY_RUN(s027, async_main)
}  // namespace parity::s027

namespace parity::s028 {

Coro<std::string> child(bool swallow) {
  std::exception_ptr error = co_await caught(nap(10s));
  log("  child caught", error);
  co_await nap(10ms);
  log("  child cleanup done");
  if (!swallow) std::rethrow_exception(error);
  co_return "child value";
}

Coro<std::string> parent(bool swallow) {
  auto c = create_task(child(swallow));
  try {
    std::string result = co_await c;
    log("  parent got", result, "child done", c.done());
  } catch (const CancelledError& error) {
    log("  parent caught", error, "child done", c.done(), "child cancelled", c.cancelled(),
        "child requests", c.cancelling());
    throw;
  }
  co_return "parent finished normally";
}

Coro<> async_main() {
  for (const bool swallow : {false, true}) {
    log("swallow", swallow);
    auto p = create_task(parent(swallow));
    co_await nap();
    co_await nap();
    p.cancel("stop");
    co_await wait(std::vector{p});
    log("  parent cancelled", p.cancelled(), "requests", p.cancelling());
    if (!p.cancelled()) log(" ", p.result());
  }
}

PARITY_RUN(s028, async_main)
}  // namespace parity::s028

namespace parity::s030 {

Coro<> leaf() { co_await nap(10s); }
Coro<> middle(Task<> t) { co_await t; }

Coro<> async_main() {
  auto t = create_task(leaf(), {.name = "leaf"});
  auto m = create_task(middle(t), {.name = "middle"});
  co_await nap();
  co_await nap();
  t.cancel("leaf only");
  try {
    co_await m;
  } catch (const CancelledError& error) {
    log("main caught", error);
    log("main requests", requests(), "middle requests", m.cancelling(), "leaf requests",
        t.cancelling());
    log("middle cancelled", m.cancelled(), "leaf cancelled", t.cancelled());
  }
}

PARITY_RUN(s030, async_main)
}  // namespace parity::s030

namespace parity::s031 {

Coro<> waiter(Future<std::string> future) {
  try {
    std::string result = co_await future;
    log("value", result);
  } catch (const CancelledError&) {
    log("CancelledError although the future is done:", future.done(), future.result());
    throw;
  }
}

Coro<> waiter2(Future<std::string> future) {
  try {
    co_await future;
  } catch (const CancelledError&) {
    log("cancelled first");
  }
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  auto future = loop.create_future<std::string>();
  auto t = create_task(waiter(future));
  co_await nap();
  future.set_result("ready");
  log("cancel accepted", t.cancel());
  co_await wait(std::vector{t});
  log("cancelled", t.cancelled());

  // the other order: cancel first, then completion -> the future is already cancelled
  future = loop.create_future<std::string>();
  t = create_task(waiter2(future));
  co_await nap();
  t.cancel();
  log("future cancelled", future.cancelled());
  try {
    future.set_result("late");
  } catch (const asyncio::InvalidStateError&) {
    log("set_result refused");
  }
  co_await wait(std::vector{t});
}

PARITY_RUN(s031, async_main)
}  // namespace parity::s031

namespace parity::s033 {

// An async context manager whose exit awaits.
struct Resource {
  std::string name;
  Coro<> aenter() {
    log("open", name);
    co_return;
  }
  Coro<bool> aexit(std::exception_ptr error) {
    co_await nap(5ms);
    log("close", name, type_name(error));
    co_return false;
  }
};

Coro<> inner() {
  co_await asyncio::try_finally(
      []() -> Coro<> { co_await with(Resource{"inner"}, []() -> Coro<> { co_await nap(10s); }); },
      []() -> Coro<> {
        co_await nap();
        log("inner finally");
      });
}

Coro<> outer() {
  try {
    co_await with(Resource{"outer"}, []() -> Coro<> { co_await inner(); });
  } catch (const CancelledError& error) {
    log("outer caught", error);
    log("outer finally");
    throw;
  }
}

Coro<> async_main() {
  auto t = create_task(outer());
  co_await nap();
  t.cancel("down");
  co_await wait(std::vector{t});
  log("cancelled", t.cancelled());
}

PARITY_RUN(s033, async_main)
}  // namespace parity::s033
