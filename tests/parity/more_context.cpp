// more_context.cpp: context variables, async generators misused, eager tasks with cancellation.
#include "trace.hpp"

namespace parity::x022 {

asyncio::ContextVar<std::string> var("var", "unset");
asyncio::ContextVar<std::string> bare("bare");

Coro<std::string> child(std::string n) {
  var.set(n);
  co_await nap();
  co_return var.get();
}

Coro<std::string> reads() { co_return var.get(); }

Coro<> callbacks() {
  Loop& loop = get_running_loop();
  std::vector<std::pair<std::string, std::string>> seen;
  var.set("main");
  loop.call_later(0s, [&] { seen.emplace_back("timer", var.get()); });
  loop.call_soon([] { var.set("lost"); });
  var.set("changed");
  co_await nap(2ms);
  log(seen, var.get());
}

Coro<> tasks() {
  auto both = co_await gather(child("a"), child("b"));
  log(both, var.get());
  Task<std::string> t;
  co_await with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) -> Coro<> {
    t = group.create_task(child("c"));
    co_return;
  });
  log(t.result(), var.get());
  std::string shared = co_await wait_for(child("d"), 1s);
  log("wait_for shares", shared, var.get());

  auto token = var.set("temporary");
  log(var.get());
  var.reset(token);
  log(var.get());
}

Coro<> contexts() {
  Loop& loop = get_running_loop();
  asyncio::Context context = asyncio::copy_context();
  log("copy", context.run([] { return std::string(var.get()); }));
  context.run([] { var.set("inside"); });
  std::vector<std::string> seen;
  auto look = [&] { seen.push_back(var.get()); };
  loop.call_soon(look, {.context = context});
  loop.call_later(0s, look, {.context = context});
  co_await nap(2ms);
  auto f = loop.create_future();
  f.add_done_callback([&](const Future<>&) { look(); }, {.context = context});
  f.set_result();
  co_await nap();
  log(seen, var.get());
  std::string read = co_await create_task(reads(), {.context = context});
  log(read);
  auto t = create_task(reads());
  t.add_done_callback([](const Task<std::string>&) { log("done callback", var.get()); });
  var.set("after registration");
  read = co_await t;
  log(read);
  loop.call_soon([] { var.set("set by a callback"); }, {.context = context});
  co_await nap();
  log("explicit context", context.get(var));
  f = loop.create_future();
  f.add_done_callback([](const Future<>&) { var.set("set by a done callback"); },
                      {.context = context});
  f.cancel();
  co_await nap();
  log("explicit context", context.get(var));
  log("no value", type_name(thrown_by([] { (void)bare.get(); })), bare.name());
  co_await with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) -> Coro<> {
    t = group.create_task(reads(), {.context = context});
    co_return;
  });
  log(t.result());
}

Coro<> async_main() {
  co_await callbacks();
  co_await tasks();
  co_await contexts();
}

PARITY_RUN(x022, async_main)
}  // namespace parity::x022

namespace parity::x023 {

using asyncio::AsyncGenerator;

AsyncGenerator<int> numbers(int n) {
  for (int i = 0; i < n; ++i) {
    co_await nap();
    co_yield i;
  }
}

AsyncGenerator<std::string> stubborn() {
  bool again = false;
  try {
    co_yield "stubborn";
  } catch (const asyncio::GeneratorExit&) {
    log("ignores the request");
    again = true;
  }
  if (again) co_yield "again";
}

AsyncGenerator<int> fails() {
  co_yield 1;
  throw ValueError("inside");
}

Coro<int> total(AsyncGenerator<int> g) {
  int sum = 0;
  while (auto x = co_await g.next()) sum += *x;
  co_return sum;
}

// What Python reports as StopAsyncIteration is a nullopt here.
Coro<std::string> end_of(AsyncGenerator<int>& g) {
  auto x = co_await g.next();
  co_return x ? "a value" : "StopAsyncIteration";
}

Coro<> async_main() {
  const int sum = co_await total(numbers(5));
  log("sum", sum);
  auto g = numbers(3);
  auto t = create_task(g.next());
  co_await nap();
  std::exception_ptr error = co_await caught(g.aclose());
  log("aclose while running", error);
  auto x = co_await t;
  log("the running one goes on", x);
  co_await g.aclose();
  std::string end = co_await end_of(g);
  log("closed", end);

  auto early = numbers(3);
  error = co_await caught(early.athrow(std::make_exception_ptr(ValueError("early"))));
  log("athrow before the start", error);
  end = co_await end_of(early);
  log("finished by it", end);

  auto s = stubborn();
  auto word = co_await s.next();
  log(word);
  error = co_await caught(s.aclose());
  log("ignored", error);

  auto failing = fails();
  x = co_await failing.next();
  log(x);
  error = co_await caught(failing.next());
  log(error);
  end = co_await end_of(failing);
  log("finished by it", end);
  co_await failing.aclose();
  log("aclose of a finished one is fine");
}

PARITY_RUN(x023, async_main)
}  // namespace parity::x023

namespace parity::x024 {

using asyncio::TaskGroup;

Coro<> blocks(std::string n) {
  log("  start", n);
  try {
    co_await nap(10s);
  } catch (const CancelledError& error) {
    log("  cancelled", n, error);
    throw;
  }
}

Coro<std::string> instant(std::string n) { co_return n; }

Coro<> fails() {
  throw ValueError("at once");
  co_return;
}

Coro<std::string> cancels_itself(bool wait) {
  current_task()->cancel("self");
  if (wait) co_await nap();
  co_return "lost";
}

Coro<int> nested(int n) {
  if (n == 0) co_return 0;
  auto t = create_task(nested(n - 1));
  log("  level", n, "child done", t.done());
  co_return co_await t + 1;
}

Coro<> groups() {
  log("group");
  std::vector<Task<std::string>> tasks;
  co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    std::vector<bool> done;
    for (const char* n : {"x", "y", "z"}) {
      tasks.push_back(group.create_task(instant(n)));
      done.push_back(tasks.back().done());
    }
    log(done);
    co_return;
  });
  std::vector<std::string> results;
  for (auto& task : tasks) results.push_back(task.result());
  log(results);

  Task<> b;
  try {
    co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
      b = group.create_task(blocks("b"));
      group.create_task(fails());
      log("the body goes on to its next await");
      co_await nap();
      log("not reached");
    });
  } catch (const ExceptionGroup& group) {
    log(group, b.cancelled(), requests());
  }
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  loop.set_task_factory(asyncio::eager_task_factory);
  auto t = create_task(blocks("a"));
  const bool done = t.done();
  log("suspended", done, t.cancel("stop"));
  std::exception_ptr error = co_await caught(t);
  log(error);

  t = create_task(fails());
  log("failed at once", t.done(), t.exception());

  for (const bool wait : {false, true}) {
    auto c = create_task(cancels_itself(wait));
    const bool at_once = c.done();
    error = co_await caught(c);
    log("itself", at_once, error, c.cancelled());
  }
  co_await groups();

  log("depth");
  const int depth = co_await nested(3);
  log(depth);
  loop.set_task_factory(nullptr);
  auto lazy = create_task(instant("lazy"));
  const bool lazily = lazy.done();
  std::string value = co_await lazy;
  log(lazily, value);
}

PARITY_RUN(x024, async_main)
}  // namespace parity::x024
