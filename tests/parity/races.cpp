// races.cpp: gather against cancels, chains of tasks, timeouts with old requests, wait.
#include <algorithm>

#include "trace.hpp"

namespace parity::x037 {

Coro<std::string> leaf(std::string n, int count) {
  try {
    for (int i = 0; i < count; ++i) co_await nap();
    log("  leaf", n, "done");
  } catch (const CancelledError&) {
    log("  leaf", n, "cancelled");
    throw;
  }
  co_return n;
}

template <class Gather>
Coro<> gathers(Gather gathering) {
  try {
    auto results = co_await gathering();
    log("  gathered", results);
  } catch (...) {
    log("  gathers got", type_name(std::current_exception()), requests());
    throw;
  }
}

Coro<> fails() {
  co_await nap();
  throw ValueError("abort");
}

Coro<> races() {
  for (int extra = 0; extra < 4; ++extra) {
    log("children end,", extra, "passes later the cancel");
    auto f = get_running_loop().create_future<std::string>();
    auto shielded = shield(f);
    auto t = create_task(gathers([=] { return gather(f, shielded); }));
    co_await nap();
    f.set_result("f");
    co_await passes(extra);
    const bool accepted = t.cancel();
    co_await wait(std::vector{t});
    log("  accepted", accepted, "cancelled", t.cancelled());
  }
}

Coro<> async_main() {
  co_await races();

  log("a shielded gather goes on");
  auto g = gather(leaf("a", 3), leaf("b", 2));
  auto t = create_task([&]() -> Coro<> { co_await shield(g); });
  co_await nap();
  t.cancel();
  co_await wait(std::vector{t});
  const bool done = g.done();
  auto results = co_await g;
  log("  cancelled", t.cancelled(), "gather", done, results);

  log("in a group that aborts");
  try {
    co_await with(asyncio::TaskGroup(), [](asyncio::TaskGroup& group) -> Coro<> {
      group.create_task(
          gathers([] { return gather(return_exceptions, leaf("c", 100), leaf("d", 1)); }));
      group.create_task(fails());
      co_return;
    });
  } catch (const ExceptionGroup& group) {
    log(" ", group);
  }
}

PARITY_RUN(x037, async_main)
}  // namespace parity::x037

namespace parity::x040 {

using asyncio::Timeout;
using asyncio::TimeoutError;

Coro<> limited(std::optional<asyncio::Duration> limit) {
  auto me = *current_task();
  me.cancel("pending");
  Timeout block = timeout(limit);
  try {
    co_await with(block, []() -> Coro<> {
      log("  in the block");
      co_await nap();
      log("  not reached");
    });
  } catch (const CancelledError& error) {
    log("  CancelledError", error, block.expired(), me.cancelling());
    throw;
  } catch (const TimeoutError&) {
    log("  TimeoutError", block.expired(), me.cancelling());
  }
}

Coro<> swallow_then_limit() {
  co_await caught(nap(10s));
  log("  swallowed", requests());
  try {
    co_await with(timeout(5ms), []() -> Coro<> { co_await nap(10s); });
  } catch (const TimeoutError&) {
    log("  TimeoutError with an older request", requests());
  }
  Timeout second = timeout(5ms);
  std::exception_ptr error = co_await caught(with(second, []() -> Coro<> { co_await nap(10s); }));
  log("  second block", second.expired(), requests());
  std::rethrow_exception(error);
}

Coro<> instead() {
  log("raises something else when it is cancelled by the timeout");
  Timeout block = timeout(2ms);
  try {
    co_await with(block, []() -> Coro<> {
      co_await caught(nap(10s));
      throw ValueError("instead");
    });
  } catch (const ValueError& error) {
    log(" ", error, block.expired(), requests());
  }
}

Coro<> three_deep() {
  log("three deep");
  Timeout a = timeout(4ms), b = timeout(10s), c = timeout(std::nullopt);
  try {
    co_await with(a, [&]() -> Coro<> {
      co_await with(b,
                    [&]() -> Coro<> { co_await with(c, []() -> Coro<> { co_await nap(10s); }); });
    });
  } catch (const TimeoutError&) {
    log(" ", a.expired(), b.expired(), c.expired(), requests());
  }
}

Coro<> async_main() {
  log("timeout", 10);
  auto t = create_task(limited(10s));
  co_await wait(std::vector{t});
  log("  cancelled", t.cancelled());
  log("timeout", nullptr);
  t = create_task(limited(std::nullopt));
  co_await wait(std::vector{t});
  log("  cancelled", t.cancelled());

  log("an old, swallowed request");
  t = create_task(swallow_then_limit());
  co_await nap();
  t.cancel();
  co_await wait(std::vector{t});
  log("  ends with", type_name(t.exception()));
  co_await instead();
  co_await three_deep();
}

PARITY_RUN(x040, async_main)
}  // namespace parity::x040

namespace parity::x043 {

Coro<int> level(int n, std::optional<Task<int>> below, int swallow) {
  try {
    if (below) {
      co_await *below;
    } else {
      co_await nap(10s);
    }
    log("  level", n, "normal");
  } catch (const CancelledError& error) {
    log("  level", n, error, requests());
    if (swallow != n) throw;
  }
  co_return n;
}

Coro<> round(const char* label, std::size_t cancel, int swallow = -1) {
  log(label);
  std::vector<Task<int>> tasks;
  for (int n = 0; n < 4; ++n) {
    std::optional<Task<int>> below;
    if (!tasks.empty()) below = tasks.back();
    tasks.push_back(create_task(level(n, below, swallow)));
  }
  co_await passes(2);
  tasks[cancel].cancel("down");
  co_await wait(tasks);
  std::vector<bool> cancelled;
  std::vector<int> counts;
  for (auto& task : tasks) {
    cancelled.push_back(task.cancelled());
    counts.push_back(task.cancelling());
  }
  log("  cancelled", cancelled, counts);
}

Coro<> body(std::vector<std::string>& out) {
  try {
    for (int i = 0; i < 3; ++i) {
      out.push_back(std::to_string(i));
      co_await nap();
    }
    out.emplace_back("end");
  } catch (...) {
    out.emplace_back("finally");
    throw;
  }
  out.emplace_back("finally");
}

Coro<> async_main() {
  co_await round("the top", 3);
  co_await round("the bottom", 0);
  co_await round("the middle", 2);
  co_await round("the top, the bottom swallows", 3, 0);
  co_await round("the top, level 2 swallows", 3, 2);

  log("cancelled in each of its first passes");
  for (int k = 0; k < 4; ++k) {
    std::vector<std::string> out;
    auto t = create_task(body(out));
    co_await passes(k);
    const bool accepted = t.cancel();
    co_await wait(std::vector{t});
    log(" ", k, accepted, out, t.cancelled());
  }
}

PARITY_RUN(x043, async_main)
}  // namespace parity::x043

namespace parity::x046 {

template <class T>
Coro<T> after(T n, int count) {
  co_await passes(count);
  co_return n;
}

Coro<std::size_t> waits_for(Task<std::string> t, asyncio::WaitOptions options) {
  auto seen = co_await wait(std::vector{t}, options);
  co_return seen.done.size();
}

Coro<> wake_up_order() {
  auto f = get_running_loop().create_future();
  std::vector<std::string> order;
  auto waits = [&](std::string n) -> Coro<> {
    co_await wait(std::vector{f});
    order.push_back(n);
  };
  auto awaits = [&](std::string n) -> Coro<> {
    co_await f;
    order.push_back(n);
  };
  std::vector<Task<>> tasks{create_task(waits("wait 1")), create_task(awaits("await")),
                            create_task(waits("wait 2"))};
  co_await nap();
  f.set_result();
  co_await wait(tasks);
  log(order);
}

Coro<> futures() {
  auto f = get_running_loop().create_future();
  auto first = co_await wait(std::vector{f}, {.timeout = 1ms});
  log(first.done.size(), first.pending.size(), f.cancelled());
  f.set_exception(std::make_exception_ptr(ValueError("never raised by wait")));
  auto second = co_await wait(std::vector{f});
  log(second.done.size(), second.pending.size(), f.exception());
}

Coro<> one_by_one() {
  std::vector<Task<int>> pending;
  for (int i = 0; i < 4; ++i) pending.push_back(create_task(after(i, i)));
  std::vector<int> seen;
  while (!pending.empty()) {
    auto result = co_await wait(pending, {.return_when = asyncio::FIRST_COMPLETED});
    std::vector<int> now;
    for (auto& task : result.done) now.push_back(task.result());
    std::sort(now.begin(), now.end());
    seen.insert(seen.end(), now.begin(), now.end());
    pending = result.pending;
  }
  log(seen);
}

Coro<> async_main() {
  auto t = create_task(after<std::string>("t", 3));
  auto both = co_await gather(waits_for(t, {}), waits_for(t, {.timeout = 5s}));
  log(both, t.result());
  co_await wake_up_order();
  co_await futures();
  co_await one_by_one();

  auto x = create_task(after<std::string>("x", 5));
  auto w = create_task(wait(std::vector{x}, {.timeout = 0s}));
  auto result = co_await w;
  log("timeout 0 in a task", result.done.size(), result.pending.size());
  std::vector<std::string> rest;
  for (auto& task : result.pending) rest.push_back(co_await task);
  log(rest);
}

PARITY_RUN(x046, async_main)
}  // namespace parity::x046
