// timeouts.cpp: timeout() at its edges, nested, against outside cancels and completion; shield.
#include <map>
#include <thread>

#include "trace.hpp"

namespace parity::s051 {

using asyncio::Timeout;

Coro<> async_main() {
  for (const auto delay : {0s, -1s}) {
    Timeout first = timeout(delay);
    co_await with(first, []() -> Coro<> { co_return; });
    log("no suspension: fine; expired", first.expired());
    Timeout second = timeout(delay);
    try {
      co_await with(second, []() -> Coro<> {
        co_await nap();
        log("not reached");
      });
    } catch (const asyncio::TimeoutError&) {
      log("sleep(0) interrupted; expired", second.expired());
    }
  }

  Timeout third = timeout(10ms);
  co_await with(third, []() -> Coro<> {
    try {
      co_await nap(10s);
    } catch (const CancelledError&) {
      log("swallowed; requests", requests());
    }
  });
  log("no TimeoutError; expired", third.expired(), "requests", requests());
}

PARITY_RUN(s051, async_main)
}  // namespace parity::s051

namespace parity::s052 {

using asyncio::Timeout;

Coro<> within_outer(Timeout& inner, asyncio::Duration block) {
  bool timed_out = false;
  try {
    co_await with(inner, [&]() -> Coro<> {
      if (block > 0s) std::this_thread::sleep_for(block);  // both deadlines pass meanwhile
      co_await nap(10s);
    });
  } catch (const asyncio::TimeoutError&) {
    log("  TimeoutError between the blocks");
    timed_out = true;
  } catch (const CancelledError&) {
    log("  CancelledError between the blocks");
    throw;
  }
  if (timed_out) {
    co_await nap();
    log("  still inside the outer block");
  }
}

Coro<> round(asyncio::Duration outer_limit, asyncio::Duration inner_limit,
             asyncio::Duration block = 0s) {
  Timeout outer = timeout(outer_limit);
  std::optional<Timeout> inner;
  try {
    co_await with(outer, [&]() -> Coro<> {
      inner.emplace(timeout(inner_limit));
      co_await within_outer(*inner, block);
    });
  } catch (const asyncio::TimeoutError&) {
    log("  TimeoutError outside");
  }
  log("  outer expired", outer.expired(), "inner expired", inner->expired(), "requests",
      requests());
}

Coro<> async_main() {
  log("inner first");
  co_await round(1s, 10ms);
  log("outer first");
  co_await round(10ms, 1s);
  log("both past while busy, inner deadline earlier");
  co_await round(20ms, 10ms, 40ms);
}

PARITY_RUN(s052, async_main)
}  // namespace parity::s052

namespace parity::s054 {

using asyncio::Timeout;

Coro<> body(std::string name, Timeout& limit) {
  try {
    co_await with(limit, []() -> Coro<> { co_await nap(10s); });
  } catch (const asyncio::TimeoutError&) {
    log(name, "TimeoutError requests", requests());
  } catch (const CancelledError&) {
    log(name, "CancelledError", "expired", limit.expired(), "requests", requests());
    throw;
  }
}

Coro<> cleanup_uses_timeout() {
  std::exception_ptr cancelled = co_await caught(nap(10s));
  try {
    co_await with(timeout(10ms), []() -> Coro<> { co_await nap(10s); });
  } catch (const asyncio::TimeoutError&) {
    log("timeout in cleanup works; requests", requests());
  }
  std::rethrow_exception(cancelled);
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  {
    Timeout limit = timeout(std::nullopt);
    auto t = create_task(body("only external", limit));
    co_await nap();
    t.cancel();
    co_await wait(std::vector{t});
    log("  cancelled", t.cancelled());
  }
  {
    Timeout limit = timeout(std::nullopt);
    auto t = create_task(body("expiry then external", limit));
    co_await nap();
    limit.reschedule(loop.time() - 1s);
    loop.call_soon([&] { t.cancel(); });
    co_await wait(std::vector{t});
    log("  cancelled", t.cancelled());
  }
  {
    Timeout limit = timeout(std::nullopt);
    auto t = create_task(body("external then expiry", limit));
    co_await nap();
    limit.reschedule(loop.time() - 1s);  // the timer's callback is queued,
    t.cancel();                          // but the request from outside comes first
    co_await wait(std::vector{t});
    log("  cancelled", t.cancelled());
  }
  auto t = create_task(cleanup_uses_timeout());
  co_await nap();
  t.cancel();
  co_await wait(std::vector{t});
  log("  cancelled", t.cancelled());
}

PARITY_RUN(s054, async_main)
}  // namespace parity::s054

namespace parity::s055 {

using asyncio::Timeout;

Coro<std::string> body(Future<std::string> future, Timeout& limit) {
  try {
    co_return co_await with(limit, [&]() -> Coro<std::string> { co_return co_await future; });
  } catch (const asyncio::TimeoutError&) {
    co_return "TimeoutError, future has " + future.result();
  }
}

Coro<> round(std::string order) {
  Loop& loop = get_running_loop();
  auto future = loop.create_future<std::string>();
  Timeout limit = timeout(std::nullopt);
  auto t = create_task(body(future, limit));
  co_await nap();
  if (order == "completion first") {
    future.set_result("R");
    limit.reschedule(loop.time() - 1s);
  } else {
    limit.reschedule(loop.time() - 1s);
    future.set_result("R");
  }
  std::string result = co_await t;
  log(order, "->", result);
}

Coro<> async_main() {
  co_await round("completion first");
  co_await round("expiry first");
}

PARITY_RUN(s055, async_main)
}  // namespace parity::s055

namespace parity::s057 {

Coro<std::string> inner(asyncio::Duration delay = 20ms) {
  try {
    co_await nap(delay);
    log("  inner finished");
  } catch (const CancelledError&) {
    log("  inner cancelled");
    throw;
  }
  co_return "inner result";
}

Coro<std::string> outer(Task<std::string> t) {
  try {
    co_return co_await shield(t);
  } catch (const CancelledError&) {
    log("  outer cancelled; inner done", t.done(), "inner requests", t.cancelling());
    throw;
  }
}

Coro<> bad() {
  throw ValueError("inner error");
  co_return;
}

Coro<> async_main() {
  log("cancel outside");
  auto t = create_task(inner());
  auto o = create_task(outer(t));
  co_await passes(2);
  o.cancel();
  co_await wait(std::vector{o});
  log("  outer cancelled", o.cancelled(), "requests", o.cancelling());
  std::string result = co_await t;
  log(" ", result);

  log("cancel inside");
  t = create_task(inner(10s));
  o = create_task(outer(t));
  co_await passes(2);
  t.cancel();
  co_await wait(std::vector{o});
  log("  outer cancelled", o.cancelled(), "requests", o.cancelling());

  log("exception and shortcut");
  try {
    co_await shield(bad());
  } catch (const ValueError& error) {
    log(" ", error);
  }
  auto f = get_running_loop().create_future<int>();
  f.set_result(1);
  log("  shield(done) is the inner", shield(f) == f);
}

PARITY_RUN(s057, async_main)
}  // namespace parity::s057

namespace parity::s058 {

Coro<std::string> work(bool fail) {
  co_await nap(30ms);
  if (fail) throw ValueError("inner failed");
  co_return "finished";
}

Coro<> async_main() {
  get_running_loop().set_exception_handler([](Loop&, const asyncio::ExceptionContext& context) {
    log("handler:", context.message, context.exception);
  });
  auto t = create_task(work(false));
  try {
    co_await wait_for(shield(t), 10ms);
  } catch (const asyncio::TimeoutError&) {
    log("timeout; task alive", !t.done());
  }
  std::string result = co_await wait_for(shield(t), 1s);
  log(result);

  t = create_task(work(true));
  try {
    co_await wait_for(shield(t), 10ms);
  } catch (const asyncio::TimeoutError&) {
    log("timeout; abandoning the task");
  }
  t = {};
  co_await nap(40ms);
  co_await nap();
}

PARITY_RUN(s058, async_main)
}  // namespace parity::s058
