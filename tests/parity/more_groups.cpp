// more_groups.cpp: TaskGroup misused, interrupted, raced; timeouts around and inside; exit stacks.
#include "trace.hpp"

namespace parity::x009 {

using asyncio::TaskGroup;

Coro<> fails() {
  throw ValueError("child");
  co_return;
}

Coro<> nothing() {
  log("ran");
  co_return;
}

std::string refused(TaskGroup& group, const char* label) {
  std::exception_ptr error = thrown_by([&] { group.create_task(nothing()); });
  const std::string text = message(error);
  log(label, type_name(error),
      text.ends_with("has not been entered") || text.ends_with("is finished") ||
          text.ends_with("is shutting down"));
  return text;
}

Coro<> late(TaskGroup& group, const char* label) {
  try {
    co_await nap(10s);
  } catch (const CancelledError&) {
    log(refused(group, label).ends_with("is shutting down"));
    throw;
  }
}

Coro<> spawns(TaskGroup& group) {
  co_await nap();
  group.create_task(nothing());
  log("spawned at the exit");
}

Coro<> aborting() {
  try {
    co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(late(group, "child in clean-up"));
      group.create_task(fails());
      try {
        co_await nap(10s);
      } catch (const CancelledError&) {
        log(refused(group, "body in clean-up").ends_with("is shutting down"));
        throw;
      }
    });
  } catch (const ExceptionGroup& group) {
    log(group, requests());
  }
}

Coro<> async_main() {
  TaskGroup group;
  log(refused(group, "before").ends_with("has not been entered"));
  co_await with(group, []() -> Coro<> { co_return; });
  log(refused(group, "after").ends_with("is finished"));
  co_await aborting();
  co_await with(TaskGroup(), [](TaskGroup& tasks) -> Coro<> {
    tasks.create_task(spawns(tasks));
    co_return;
  });
  log("the exit waited for what was spawned during it");
}

PARITY_RUN(x009, async_main)
}  // namespace parity::x009

namespace parity::x010 {

using asyncio::TaskGroup;

Coro<> interrupts() {
  co_await nap();
  log("child raises");
  throw asyncio::KeyboardInterrupt();
}

Coro<> sibling() {
  std::exception_ptr error = co_await caught(nap(10s));
  co_await nap();
  log("sibling cleaned up");
  std::rethrow_exception(error);
}

Coro<> async_main() {
  try {
    co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(sibling());
      group.create_task(interrupts());
      co_return;
    });
  } catch (...) {
    log("main saw", type_name(std::current_exception()));
    throw;
  }
}

PARITY(x010) {
  log("run raised", type_name(thrown_by([] { asyncio::run(async_main()); })));
}
}  // namespace parity::x010

namespace parity::x018 {

using asyncio::Timeout;
using asyncio::TimeoutError;

Coro<> enter(Timeout& limit) { co_await limit.aenter(); }

Coro<> misuse() {
  Loop& loop = get_running_loop();
  Timeout limit = timeout(1s);
  log("before", thrown_by([&] { limit.reschedule(std::nullopt); }));
  co_await with(limit, [&]() -> Coro<> {
    log("active", limit.when().has_value(), limit.expired());
    limit.reschedule(std::nullopt);
    log("no deadline", limit.when() ? "some" : "none");
    limit.reschedule(loop.time() + 1s);
    log("moved", *limit.when() > loop.time());
    std::exception_ptr twice = co_await caught(enter(limit));
    log("entered twice", twice);
  });
  log("after", thrown_by([&] { limit.reschedule(std::nullopt); }));
  std::exception_ptr again = co_await caught(enter(limit));
  log("entered again", again);
}

Coro<> expiring() {
  Loop& loop = get_running_loop();
  Timeout limit = timeout(10s);
  try {
    co_await with(limit, [&]() -> Coro<> {
      limit.reschedule(loop.time() - 1s);
      std::exception_ptr error = co_await caught(nap(10s));
      log("expiring", thrown_by([&] { limit.reschedule(std::nullopt); }), limit.expired());
      std::rethrow_exception(error);
    });
  } catch (const TimeoutError&) {
    log("expired", limit.expired());
  }
  log("after", thrown_by([&] { limit.reschedule(loop.time()); }));
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  co_await misuse();
  co_await expiring();

  const auto when = loop.time() + 10ms;
  try {
    co_await with(asyncio::timeout_at(when), [&](Timeout& limit) -> Coro<> {
      log("timeout_at", limit.when() == when);
      co_await nap(10s);
    });
  } catch (const TimeoutError&) {
    log("TimeoutError", loop.time() >= when - 1ms);
  }

  Timeout later = timeout(10ms);
  co_await with(later, [&]() -> Coro<> {
    later.reschedule(loop.time() + 10s);
    co_await nap(20ms);
  });
  log("later deadline", later.expired());
  Timeout none = asyncio::timeout_at(std::nullopt);
  co_await with(none, []() -> Coro<> { co_await nap(); });
  log("none", none.expired(), none.when() ? "some" : "none");
  std::exception_ptr error = co_await caught(with(timeout(1s), []() -> Coro<> {
    throw RuntimeError("body");
    co_return;
  }));
  log("other errors pass", error);
}

PARITY_RUN(x018, async_main)
}  // namespace parity::x018

namespace parity::x030 {

using asyncio::TaskGroup;
using asyncio::Timeout;

Coro<> child(std::string n, asyncio::Duration delay) {
  std::exception_ptr error = co_await caught(nap(delay));
  if (!error) {
    log("  child", n, "done");
    co_return;
  }
  co_await nap();
  log("  child", n, "cleaned up");
  std::rethrow_exception(error);
}

Coro<> limited(asyncio::Duration limit) {
  co_await with(timeout(limit), []() -> Coro<> { co_await nap(10s); });
}

Coro<> fails() {
  co_await nap();
  throw ValueError("failed");
}

Coro<> timeout_around_group() {
  log("timeout around a group");
  Timeout limit = timeout(10ms);
  try {
    co_await with(limit, []() -> Coro<> {
      co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
        group.create_task(child("a", 10s));
        group.create_task(child("b", 0s));
        co_return;
      });
    });
  } catch (const asyncio::TimeoutError&) {
    log("  TimeoutError", limit.expired(), requests());
  }
}

Coro<> group_around_timeouts() {
  log("group around timeouts");
  try {
    co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(limited(5ms));
      group.create_task(child("c", 10s));
      co_return;
    });
  } catch (const ExceptionGroup& group) {
    log(" ", group, requests());
  }
}

Coro<> fails_inside() {
  log("the group fails inside a timeout");
  Timeout limit = timeout(1s);
  try {
    co_await with(limit, []() -> Coro<> {
      co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
        group.create_task(fails());
        co_await nap(10s);
      });
    });
  } catch (const ExceptionGroup& group) {
    log(" ", group, limit.expired(), requests());
  }
}

Coro<> async_main() {
  co_await timeout_around_group();
  co_await group_around_timeouts();
  co_await fails_inside();

  log("the body's own timeout");
  Task<> t;
  co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    t = group.create_task(child("d", 10ms));
    try {
      co_await wait_for(asyncio::sleep(10s), 2ms);
    } catch (const asyncio::TimeoutError&) {
      log("  body goes on", requests());
    }
  });
  log("  d", t.done(), t.cancelled());
}

PARITY_RUN(x030, async_main)
}  // namespace parity::x030

namespace parity::x031 {

using asyncio::TaskGroup;
using Body = Coro<> (*)(TaskGroup&);

Coro<> quiet(int n) {
  try {
    co_await nap(10s);
  } catch (const CancelledError&) {
    log("  quiet", n, "cancelled", requests());
    throw;
  }
}

Coro<> fails(std::exception_ptr error) {
  std::rethrow_exception(error);
  co_return;
}

Coro<> scenario(Body body) {
  try {
    co_await with(TaskGroup(), body);
    log("  left normally");
  } catch (...) {
    log("  left with", std::current_exception(), "requests", requests());
    throw;
  }
}

Coro<> round(const char* label, Body body, std::vector<std::string> cancels = {}) {
  log(label);
  auto t = create_task(scenario(body));
  co_await passes(2);
  for (const auto& each : cancels) {
    t.cancel(each);
    co_await nap();
  }
  co_await wait(std::vector{t});
  log("  cancelled", t.cancelled(), "requests", t.cancelling());
  if (!t.cancelled()) (void)t.exception();
}

Coro<> in_body(TaskGroup& group) {
  group.create_task(quiet(1));
  co_await nap(10s);
}
Coro<> exit_only(TaskGroup& group) {
  group.create_task(quiet(3));
  co_return;
}
Coro<> both(TaskGroup& group) {
  group.create_task(fails(std::make_exception_ptr(ValueError("child"))));
  throw RuntimeError("body");
  co_return;
}
Coro<> by_hand(TaskGroup& group) {
  group.create_task(quiet(4));
  co_await nap();
  throw CancelledError("by hand");
}
Coro<> cancels_itself(TaskGroup& group) {
  group.create_task(quiet(5));
  co_await nap();
  current_task()->cancel("self");
}
Coro<> swallows(TaskGroup& group) {
  group.create_task(fails(std::make_exception_ptr(ValueError("early"))));
  co_await caught(nap(10s));
  log("  body swallows");
}

Coro<> async_main() {
  co_await round("cancelled in the body", in_body, {"c1"});
  co_await round("cancelled twice at the exit", exit_only, {"c1", "c2"});
  co_await round("child and body fail", both);
  co_await round("the body raises CancelledError by hand", by_hand);
  co_await round("the body cancels its task and leaves", cancels_itself);
  co_await round("the body swallows the group's cancel", swallows);
}

PARITY_RUN(x031, async_main)
}  // namespace parity::x031

namespace parity::x033 {

using asyncio::AsyncExitStack;

struct Manager {
  std::string name;
  bool swallow = false;
  std::exception_ptr raises = nullptr;
  bool fail_enter = false;

  Coro<> aenter() {
    if (fail_enter) throw RuntimeError("cannot open " + name);
    log("  open", name);
    co_return;
  }
  Coro<bool> aexit(std::exception_ptr error) {
    co_await nap();
    log("  close", name, error);
    if (raises) std::rethrow_exception(raises);
    co_return swallow;
  }
};

Coro<> say() {
  log("  callback");
  co_return;
}

Coro<> use(const char* label, Manager first, Manager second, std::exception_ptr body = nullptr) {
  log(label);
  try {
    co_await with(AsyncExitStack(), [&](AsyncExitStack& stack) -> Coro<> {
      co_await stack.enter(first);
      co_await stack.enter(second);
      stack.push_callback(say);
      if (body) std::rethrow_exception(body);
    });
    log("  left normally");
  } catch (...) {
    log("  left with", std::current_exception());
  }
}

Coro<> async_main() {
  const auto body = std::make_exception_ptr(ValueError("body"));
  const auto at_exit = std::make_exception_ptr(RuntimeError("exit"));
  const Manager plain_a{"a"}, plain_b{"b"};
  co_await use("plain", plain_a, plain_b);
  const Manager c{"c"}, d{"d"}, e{"e"}, f{"f", true};
  co_await use("body raises", c, d, body);
  co_await use("the inner one swallows", e, f, body);
  const Manager g{"g"}, h{"h", false, at_exit}, i{"i"}, j{"j", false, nullptr, true};
  co_await use("an exit raises", g, h, body);
  co_await use("an entry fails", i, j);
}

PARITY_RUN(x033, async_main)
}  // namespace parity::x033
