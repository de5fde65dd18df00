// gather.cpp: first exception, return_exceptions, cancelling, nesting.
#include "trace.hpp"

namespace parity::s036 {

Coro<std::string> ok(std::string n, asyncio::Duration delay) {
  co_await nap(delay);
  log("  sibling", n, "completed");
  co_return n;
}

Coro<std::string> bad(std::string n, asyncio::Duration delay) {
  co_await nap(delay);
  throw ValueError(n);
}

Coro<> first_part() {
  auto g = gather(ok("a", 30ms), bad("b", 0s), bad("c", 15ms), ok("d", 30ms));
  try {
    co_await g;
  } catch (const ValueError& error) {
    log("raised", error);
  }
  log("gather done", g.done(), "cancel", g.cancel());
  co_await nap(60ms);
}

Coro<> async_main() {
  get_running_loop().set_exception_handler(
      [](Loop&, const asyncio::ExceptionContext& context) { log("handler", context.message); });
  co_await first_part();
  co_await nap();
  log("no 'never retrieved' report for c");
}

PARITY_RUN(s036, async_main)
}  // namespace parity::s036

namespace parity::s037 {

Coro<std::string> ok(std::string n) {
  co_await nap(10ms);
  co_return n;
}

Coro<std::string> bad(std::string n) {
  throw ValueError(n);
  co_return "";
}

Coro<> async_main() {
  auto t = create_task(ok("victim"));
  get_running_loop().call_soon([t]() mutable { t.cancel("only me"); });
  auto all = co_await gather(return_exceptions, ok("a"), bad("b"), t, ok("d"));
  log(all);
  log("main requests", requests());
}

PARITY_RUN(s037, async_main)
}  // namespace parity::s037

namespace parity::s039 {

Coro<std::string> child(std::string n, asyncio::Duration delay, bool swallow) {
  std::exception_ptr error = co_await caught(nap(10s));
  log("  child", n, "got", error);
  co_await nap(delay);
  log("  child", n, "cleaned up");
  if (!swallow) std::rethrow_exception(error);
  co_return n;
}

Coro<> outer(std::vector<Task<std::string>> tasks, bool with_exceptions) {
  if (with_exceptions) {
    co_await gather(return_exceptions, tasks);
  } else {
    co_await gather(tasks);
  }
}

Coro<> round(bool with_exceptions, bool swallow) {
  log("return_exceptions", with_exceptions, "swallow", swallow);
  std::vector<Task<std::string>> tasks;
  tasks.push_back(create_task(child("a", 30ms, swallow)));
  tasks.push_back(create_task(child("b", 10ms, swallow)));
  auto t = create_task(outer(tasks, with_exceptions));
  co_await nap();
  co_await nap();
  log("  cancel", t.cancel("stop"));
  try {
    co_await t;
    log("  no exception");
  } catch (const CancelledError& error) {
    log("  awaiter got", error, "task cancelled", t.cancelled());
  }
  log("  all children finished", tasks[0].done() && tasks[1].done());
  co_await wait(tasks);
}

Coro<> async_main() {
  co_await round(false, false);
  co_await round(true, false);
  co_await round(false, true);
  co_await round(true, true);
}

PARITY_RUN(s039, async_main)
}  // namespace parity::s039

namespace parity::s040 {

Coro<std::string> leaf(std::string n, asyncio::Duration delay, bool fail = false) {
  try {
    co_await nap(delay);
    if (fail) throw ValueError(n);
  } catch (const CancelledError&) {
    log("  leaf", n, "cancelled");
    throw;
  }
  co_return n;
}

Coro<> async_main() {
  auto nested = co_await gather(gather(leaf("a", 0s), leaf("b", 10ms)), leaf("c", 0s), gather());
  log(nested);
  try {
    co_await gather(gather(leaf("d", 20ms), leaf("e", 0s, true)), leaf("f", 20ms));
  } catch (const ValueError& error) {
    log("outer got", error);
  }
  co_await nap(40ms);
  log("leaves d and f were not cancelled");

  auto inner = gather(leaf("x", 10s), leaf("y", 10s));
  auto outer = gather(inner, leaf("z", 10s));
  co_await nap();
  log("cancel", outer.cancel());
  log("outer done at once", outer.done(), "inner done at once", inner.done());
  try {
    co_await outer;
  } catch (const CancelledError& error) {
    log("outer raised", error, "cancelled()", outer.cancelled(), "inner done", inner.done());
  }
}

PARITY_RUN(s040, async_main)
}  // namespace parity::s040
