// waiting.cpp: wait, as_completed, wait_for.
#include "trace.hpp"

namespace parity::s042 {

Coro<std::string> ok(asyncio::Duration delay) {
  co_await nap(delay);
  co_return "ok";
}

Coro<> wait_on(Task<std::string> t) { co_await wait(std::vector{t}); }

// What Python refuses with TypeError does not compile in C++.
template <class A>
const char* verdict() {
  return requires(A a) { asyncio::wait(std::move(a)); } ? "accepted" : "TypeError";
}

Coro<> async_main() {
  auto t = create_task(ok(50ms));
  auto first = co_await wait(std::vector{t}, {.timeout = 10ms});
  log("timeout", first.done.size(), first.pending.size(), "cancelled", t.cancelled());
  auto second = co_await wait(std::vector{t}, {.timeout = 0s});
  log("timeout 0", second.done.size(), second.pending.size());

  auto w = create_task(wait_on(t));
  co_await nap();
  w.cancel();
  co_await wait(std::vector{w});
  log("waiter cancelled", w.cancelled(), "task untouched", !t.done(), t.cancelling());
  std::string value = co_await t;
  log(value);

  std::exception_ptr error;
  try {
    co_await wait(std::vector<Task<std::string>>{});
  } catch (...) {
    error = std::current_exception();
  }
  log("empty", type_name(error));
  log("coroutine", verdict<std::vector<Coro<std::string>>>());
  log("not iterable of futures", verdict<int>());
  try {
    co_await wait(std::vector{t}, {.return_when = static_cast<asyncio::ReturnWhen>(3)});
  } catch (...) {
    error = std::current_exception();
  }
  log("bad mode", type_name(error));
}

PARITY_RUN(s042, async_main)
}  // namespace parity::s042

namespace parity::s043 {

Coro<std::string> job(std::string n, asyncio::Duration delay, bool fail = false) {
  co_await nap(delay);
  if (fail) throw ValueError(n);
  co_return n;
}

Coro<> plain() {
  std::vector<Coro<std::string>> jobs;
  jobs.push_back(job("c", 40ms));
  jobs.push_back(job("a", 0s));
  jobs.push_back(job("b", 20ms, true));
  auto completed = asyncio::as_completed(std::move(jobs));
  for (auto& next : completed) {
    try {
      std::string value = co_await next;
      log("plain", value);
    } catch (const ValueError& error) {
      log("plain raised", error);
    }
  }
}

Coro<> originals() {
  std::vector<Task<std::string>> tasks;
  tasks.push_back(create_task(job("z", 40ms), {.name = "z"}));
  tasks.push_back(create_task(job("x", 0s), {.name = "x"}));
  tasks.push_back(create_task(job("y", 20ms), {.name = "y"}));
  auto completed = asyncio::as_completed(tasks);
  while (auto t = co_await completed.next()) {
    const bool original = *t == tasks[0] || *t == tasks[1] || *t == tasks[2];
    log("async", t->get_name(), "original", original, "done", t->done(), t->result());
    if (*t == tasks[2]) break;
  }
  log("left running", !tasks[0].done());
  while (auto t = co_await completed.next()) log("resumed", t->get_name());
}

Coro<> async_main() {
  co_await plain();
  co_await originals();

  auto t = create_task(job("once", 0s));
  std::vector<std::string> results;
  auto twice = asyncio::as_completed(std::vector{t, t});
  for (auto& next : twice) {
    std::string value = co_await next;
    results.push_back(value);
  }
  log("duplicates", results);
  int count = 0;
  auto nothing = asyncio::as_completed(std::vector<Task<std::string>>{});
  for ([[maybe_unused]] auto& next : nothing) ++count;
  log("empty", std::vector<int>(static_cast<std::size_t>(count)));
}

PARITY_RUN(s043, async_main)
}  // namespace parity::s043

namespace parity::s045 {

Coro<> inner() {
  std::exception_ptr error = co_await caught(nap(10s));
  log("inner cancelled");
  co_await nap(30ms);
  log("inner cleanup finished");
  std::rethrow_exception(error);
}

Coro<std::string> value() {
  co_await nap();
  co_return "value";
}

Coro<> fails() {
  throw KeyError("");
  co_return;
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  std::string result = co_await wait_for(value(), 1s);
  log(result);
  result = co_await wait_for(value(), std::nullopt);
  log(result);
  try {
    co_await wait_for(fails(), 1s);
  } catch (const KeyError&) {
    log("KeyError passes");
  }
  const auto t0 = loop.time();
  auto t = create_task(inner());
  try {
    co_await wait_for(t, 10ms);
  } catch (const asyncio::TimeoutError&) {
    const std::exception_ptr error = std::current_exception();
    log(type_name(error), "args", "[" + message(error) + "]", "inner done", t.done(), "cancelled",
        t.cancelled());
  }
  log("took at least 40ms", loop.time() - t0 >= 38ms);
  log("main requests", requests());
}

PARITY_RUN(s045, async_main)
}  // namespace parity::s045

namespace parity::s046 {

Coro<std::string> returns_late() {
  try {
    co_await nap(10s);
  } catch (const CancelledError&) {
    co_return "late value";
  }
  co_return "not reached";
}

Coro<std::string> raises_other() {
  try {
    co_await nap(10s);
  } catch (const CancelledError&) {
    throw RuntimeError("from cleanup");
  }
  co_return "not reached";
}

template <class Wrap>
Coro<> round(bool as_task, Wrap wrap) {
  log("as task", as_task);
  std::string late = co_await wait_for(wrap(returns_late()), 10ms);
  log(late);
  try {
    co_await wait_for(wrap(raises_other()), 10ms);
  } catch (const std::exception& error) {
    log(error);
  }
  log("requests", requests());
}

Coro<> async_main() {
  co_await round(false, [](Coro<std::string> coro) { return coro; });
  co_await round(true, [](Coro<std::string> coro) { return create_task(std::move(coro)); });
}

PARITY_RUN(s046, async_main)
}  // namespace parity::s046

namespace parity::s048 {

asyncio::ContextVar<std::string> var("var", "unset");

Coro<std::size_t> inner(AnyTask caller) {
  log("same task", *current_task() == caller);
  var.set("set by inner");
  co_await nap();
  co_return all_tasks().size();
}

Coro<> async_main() {
  const std::size_t tasks = co_await wait_for(inner(*current_task()), 1s);
  log("tasks", tasks);
  log("var", var.get());
}

PARITY_RUN(s048, async_main)
}  // namespace parity::s048

namespace parity::s049 {

Coro<std::string> inner() {
  std::exception_ptr error = co_await caught(nap(10s));
  co_await nap(10ms);
  log("inner cleaned up");
  std::rethrow_exception(error);
}

template <class A>
Coro<> outer(A awaitable, asyncio::Duration limit) {
  try {
    std::string result = co_await wait_for(std::move(awaitable), limit);
    log("outer result", result);
  } catch (...) {
    log("outer got", std::current_exception(), "requests", requests());
    throw;
  }
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  auto t = create_task(outer(inner(), 5s));
  co_await nap();
  t.cancel("outer cancel");
  co_await wait(std::vector{t});
  log("cancelled", t.cancelled());

  log("race: completion, then cancel in the same iteration");
  auto f = loop.create_future<std::string>();
  t = create_task(outer(f, 5s));
  co_await nap();
  f.set_result("ready");
  t.cancel("too late?");
  co_await wait(std::vector{t});
  log("cancelled", t.cancelled(), "future keeps", f.result());

  log("race: cancel one iteration after completion");
  f = loop.create_future<std::string>();
  t = create_task(outer(f, 5s));
  co_await nap();
  f.set_result("ready");
  co_await nap();
  log("cancel accepted", t.cancel());
}

PARITY_RUN(s049, async_main)
}  // namespace parity::s049
