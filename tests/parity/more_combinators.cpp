// more_combinators.cpp: gather, wait, as_completed and wait_for at their edges.
#include <algorithm>

#include "trace.hpp"

namespace parity::x005 {

Coro<std::string> value(std::string n) {
  log("  runs", n);
  co_return n;
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  auto t = create_task(value("t"));
  auto four = co_await gather(t, t, value("u"), t);
  log(four);
  auto g = gather(t, t);
  const bool at_once = g.done();
  auto two = co_await g;
  log("done tasks only: done at once", at_once, two);

  auto good = loop.create_future<int>();
  auto bad = loop.create_future<int>();
  auto gone = loop.create_future<int>();
  good.set_result(1);
  bad.set_exception(std::make_exception_ptr(ValueError("bad")));
  gone.cancel("gone");
  std::exception_ptr error = co_await caught(gather(good, bad));
  log(error);
  auto outcomes = co_await gather(return_exceptions, good, bad, gone);
  log(type_name(std::get<1>(outcomes).exception()), type_name(std::get<2>(outcomes).exception()),
      std::get<0>(outcomes).value());
  error = co_await caught(gather(good, gone));
  log(type_name(error));
  error = co_await caught(gather(bad, gone));
  std::exception_ptr other = co_await caught(gather(gone, bad));
  log("of the two the first wins", type_name(error), type_name(other));

  auto pending = loop.create_future<int>();
  error = co_await caught(gather(pending, bad));
  log("one failed already", error, "pending untouched", pending.done());
  auto none = co_await gather();
  auto no_outcomes = co_await gather(return_exceptions);
  log("empty", none, no_outcomes);
}

PARITY_RUN(x005, async_main)
}  // namespace parity::x005

namespace parity::x006 {

Coro<std::string> leaf(std::string n, int count) {
  try {
    for (int i = 0; i < count; ++i) co_await nap();
    log("  leaf", n, "finished");
  } catch (const CancelledError& error) {
    log("  leaf", n, "got", error);
    throw;
  }
  co_return n;
}

Coro<std::string> stubborn() {
  co_await caught(nap(10s));
  co_return "stubborn";
}

Coro<> one_cancelled() {
  auto a = create_task(leaf("a", 4));
  auto b = create_task(leaf("b", 4));
  auto c = create_task(leaf("c", 4));
  auto g = gather(a, b, c);
  co_await nap();
  b.cancel("only b");
  std::exception_ptr error = co_await caught(g);
  log(type_name(error), "gather cancelled", g.cancelled(), "done", g.done());
  log("requests", requests(), "siblings", a.done(), c.done());
  std::string first = co_await a;
  std::string last = co_await c;
  log(first, last);
}

Coro<> async_main() {
  co_await one_cancelled();

  log("cancelled before its children started");
  std::vector<Task<std::string>> tasks{create_task(leaf("d", 1)), create_task(leaf("e", 1))};
  auto g = gather(tasks);
  log("cancel", g.cancel());
  std::exception_ptr error = co_await caught(g);
  log(type_name(error), std::vector<bool>{tasks[0].cancelled(), tasks[1].cancelled()},
      std::vector<int>{tasks[0].cancelling(), tasks[1].cancelling()});

  log("cancel() twice, then one child survives");
  auto s = create_task(stubborn());
  auto q = create_task(leaf("q", 100));
  auto both = gather(return_exceptions, s, q);
  co_await nap();
  const bool first = both.cancel();
  const bool second = both.cancel();
  log("cancel", first, second);
  error = co_await caught(both);
  log(type_name(error), s.result(), q.cancelled(), s.cancelling());
}

PARITY_RUN(x006, async_main)
}  // namespace parity::x006

namespace parity::x007 {

Coro<int> after(int count, int n, bool fail = false) {
  for (int i = 0; i < count; ++i) co_await nap();
  if (fail) throw ValueError(std::to_string(n));
  co_return n;
}

using Tasks = std::vector<Task<int>>;

std::vector<std::string> names(const Tasks& tasks) {
  std::vector<std::string> result;
  for (const auto& task : tasks) result.push_back(task.get_name());
  std::sort(result.begin(), result.end());
  return result;
}

Coro<> show(const char* label, Tasks tasks, asyncio::WaitOptions options) {
  auto result = co_await wait(std::move(tasks), options);
  log(label, names(result.done), names(result.pending));
}

Coro<> async_main() {
  auto a = create_task(after(0, 1), {.name = "a"});
  auto b = create_task(after(5, 2), {.name = "b"});
  co_await a;
  co_await show("first completed", {a, b}, {.return_when = asyncio::FIRST_COMPLETED});
  co_await show("all, one given twice", {b, a, b}, {.return_when = asyncio::ALL_COMPLETED});

  auto c = create_task(after(1, 3), {.name = "c"});
  auto d = create_task(after(2, 4, true), {.name = "d"});
  auto e = create_task(after(20, 5), {.name = "e"});
  auto result = co_await wait(Tasks{c, d, e}, {.return_when = asyncio::FIRST_EXCEPTION});
  log("first exception", names(result.done), names(result.pending), d.exception());

  auto f = create_task(after(3, 6), {.name = "f"});
  auto g = create_task(after(3, 7), {.name = "g"});
  g.cancel();
  co_await show("a cancelled one is no exception", {f, g},
                {.return_when = asyncio::FIRST_EXCEPTION});

  co_await show("failed before the call", {d, e}, {.return_when = asyncio::FIRST_EXCEPTION});
  co_await show("timeout 0", {e}, {.timeout = 0s});
  co_await show("timeout -1", {a, e}, {.timeout = -1s});
  const int five = co_await e;
  log(five);

  auto f1 = get_running_loop().create_future();
  auto f2 = get_running_loop().create_future();
  f2.cancel();
  auto futures = co_await wait(std::vector{f1, f2}, {.return_when = asyncio::FIRST_COMPLETED});
  log("futures", futures.done.size(), futures.pending.size(), f1.done());
}

PARITY_RUN(x007, async_main)
}  // namespace parity::x007

namespace parity::x008 {

Coro<std::string> job(std::string n, asyncio::Duration delay) {
  co_await nap(delay);
  co_return n;
}

Coro<> plain(std::vector<Task<std::string>>& tasks) {
  auto completed = asyncio::as_completed(tasks, {.timeout = 30ms});
  for (auto& next : completed) {
    try {
      std::string value = co_await next;
      log("plain", value);
    } catch (const asyncio::TimeoutError& error) {
      log("plain", error);
    }
  }
}

Coro<> async_main() {
  std::vector<Task<std::string>> tasks{create_task(job("slow", 60ms)), create_task(job("fast", 0s)),
                                       create_task(job("slower", 70ms))};
  co_await plain(tasks);
  std::vector<bool> done;
  std::vector<int> counts;
  for (auto& task : tasks) {
    done.push_back(task.done());
    counts.push_back(task.cancelling());
  }
  log("not cancelled", done, counts);

  auto completed = asyncio::as_completed(tasks, {.timeout = 5ms});
  try {
    while (auto t = co_await completed.next()) log("async", t->result());
  } catch (const asyncio::TimeoutError& error) {
    log("async", error);
  }
  std::vector<std::string> results;
  for (auto& task : tasks) results.push_back(co_await task);
  log(results);
  auto all = asyncio::as_completed(tasks, {.timeout = 10ms});
  auto first = co_await all.next();
  log("all done in time", first->done());
}

PARITY_RUN(x008, async_main)
}  // namespace parity::x008

namespace parity::x028 {

Coro<std::string> body() {
  log("  body runs");
  co_return "value";
}

Coro<std::string> suspends() {
  log("  suspends runs");
  co_await nap();
  co_return "value";
}

Coro<> nested() {
  try {
    co_await wait_for(asyncio::sleep(10s), 5s);
  } catch (const asyncio::TimeoutError&) {
    log("  inner must not time out");
  }
}

using Limit = std::optional<asyncio::Duration>;

std::string text(const Limit& limit) {
  return limit ? std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*limit).count())
               : "none";
}

Coro<> too_short(asyncio::Duration limit) {
  std::exception_ptr error = co_await caught(wait_for(body(), limit));
  log("coroutine", text(limit), type_name(error));
  auto t = create_task(suspends());
  error = co_await caught(wait_for(t, limit));
  log("task", text(limit), type_name(error), t.cancelled());
  auto p = get_running_loop().create_future();
  error = co_await caught(wait_for(p, limit));
  log("future", text(limit), type_name(error), p.cancelled());
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  auto f = loop.create_future<std::string>();
  f.set_result("done");
  for (const Limit& limit : {Limit(0s), Limit(-1s), Limit(), Limit(1s)}) {
    std::string value = co_await wait_for(f, limit);
    log("done future", text(limit), value);
  }
  co_await too_short(0s);
  co_await too_short(-1s);
  auto t = create_task(body());
  co_await nap();
  std::string value = co_await wait_for(t, 0s);
  log("done task, 0", value);
  std::exception_ptr error = co_await caught(wait_for(nested(), 10ms));
  log("nested", type_name(error));
  log("requests", requests());

  auto bad = loop.create_future();
  bad.set_exception(std::make_exception_ptr(ValueError("failed")));
  error = co_await caught(wait_for(bad, 0s));
  log("failed future, 0", error);
  auto gone = loop.create_future();
  gone.cancel();
  error = co_await caught(wait_for(gone, 1s));
  log("cancelled future", type_name(error));
}

PARITY_RUN(x028, async_main)
}  // namespace parity::x028
