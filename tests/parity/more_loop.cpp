// more_loop.cpp: runners, closed loops, timers, interleaving, callbacks, exception handler.
#include <thread>

#include "trace.hpp"

namespace parity::x019 {

asyncio::ContextVar<std::string> var("var", "unset");
std::vector<Task<>> leftovers;

Coro<> background() {
  try {
    for (;;) co_await nap();
  } catch (const CancelledError&) {
    log("background cancelled");
    throw;
  }
}

Coro<Loop*> first() {
  var.set("set by the first run");
  leftovers.push_back(create_task(background()));
  co_await nap();
  co_return &get_running_loop();
}

Coro<Loop*> second() {
  log("second run sees", var.get());
  co_await nap();
  co_return &get_running_loop();
}

Coro<> nested(asyncio::Runner& runner) {
  log(thrown_by([&] { runner.run(second()); }));
  log(thrown_by([&] { asyncio::run(second()); }));
  co_return;
}

Coro<> fails() {
  throw ValueError("from main");
  co_return;
}

PARITY(x019) {
  asyncio::Runner runner;
  Loop* loop = &runner.get_loop();
  log("running", loop->is_running(), "closed", loop->is_closed());
  log("same loop", runner.run(first()) == loop);
  log("same loop", runner.run(second()) == loop);
  log("background survives between runs", !leftovers[0].done());
  log(thrown_by([&] { runner.run(fails()); }));
  runner.run(nested(runner));
  log("still usable", runner.run(second()) == loop);
  runner.close();
  log("closed", loop->is_closed(), leftovers[0].cancelled());
  log(thrown_by([&] { runner.run(second()); }));
  log(thrown_by([&] { runner.get_loop(); }));
  runner.close();
  log("outside", var.get());
  log(thrown_by([] { get_running_loop(); }));
  leftovers.clear();
}
}  // namespace parity::x019

namespace parity::x020 {

Coro<> nothing() { co_return; }
Coro<> closes(Loop& loop) {
  log(thrown_by([&] { loop.close(); }));
  co_return;
}

void closed() {
  Loop loop;
  log(loop.is_running(), loop.is_closed());
  auto handle = loop.call_later(10s, [] { log("never"); });
  loop.call_soon([] { log("dropped by close"); });
  loop.close();
  loop.close();
  log("closed", loop.is_closed());
  log(thrown_by([&] { loop.call_soon([] {}); }));
  log(thrown_by([&] { loop.call_later(1s, [] {}); }));
  log(thrown_by([&] { loop.call_soon_threadsafe([] {}); }));
  log(thrown_by([&] { loop.run_forever(); }));
  log(thrown_by([&] { loop.run_until_complete(nothing()); }));
}

PARITY(x020) {
  closed();
  Loop loop;
  loop.run_until_complete(closes(loop));
  auto f = loop.create_future<std::string>();
  f.set_result("future");
  log(loop.run_until_complete(f));
  log(loop.run_until_complete(f));
  auto g = loop.create_future();
  loop.call_soon(
      [g]() mutable { g.set_exception(std::make_exception_ptr(ValueError("from a callback"))); });
  log(thrown_by([&] { loop.run_until_complete(g); }));
  loop.close();
}
}  // namespace parity::x020

namespace parity::x021 {

std::vector<std::string> order;
auto note(std::string text) {
  return [text] { order.push_back(text); };
}

Coro<> past() {
  Loop& loop = get_running_loop();
  loop.call_later(-1s, note("negative"));
  loop.call_soon(note("soon"));
  loop.call_at(loop.time() - 5s, note("long ago"));
  co_await nap();
  log("after one pass", order);
  co_await nap();
  log("after two", order);
}

Coro<> armed() {
  Loop& loop = get_running_loop();
  order.clear();
  const auto now = loop.time();
  for (const int n : {3, 1, 2}) loop.call_at(now + n * 10ms, note(std::to_string(n)));
  loop.call_at(now + 40ms, [&] { loop.call_at(now, note("armed by a timer")); });
  loop.call_at(now + 70ms, note("last"));
  co_await nap(90ms);
  log(order);
}

Coro<> cancelled_in_batch() {
  Loop& loop = get_running_loop();
  order.clear();
  std::optional<asyncio::Handle> h2;
  auto h1 = loop.call_soon([&] {
    order.emplace_back("first");
    h2->cancel();
  });
  h2 = loop.call_soon(note("cancelled in the same batch"));
  auto h3 = loop.call_soon(note("third"));
  co_await nap();
  log(order, h1.cancelled(), h2->cancelled());

  order.clear();
  std::optional<asyncio::TimerHandle> t2;
  auto t1 = loop.call_later(1ms, [&] {
    order.emplace_back("t1");
    t2->cancel();
  });
  t2 = loop.call_later(30ms, note("t2"));
  co_await nap(45ms);
  log(order, "cancelled by its neighbour", t2->cancelled());
}

Coro<> arms() {
  Loop& loop = get_running_loop();
  loop.call_later(0s, note("timer 0"));
  loop.call_soon(note("soon 1"));
  co_await nap();
  order.emplace_back("task");
  loop.call_soon(note("soon 2"));
  co_await nap();
}

Coro<> async_main() {
  co_await past();
  co_await armed();
  co_await cancelled_in_batch();
  order.clear();
  co_await arms();
  co_await nap();
  log(order);
}

PARITY_RUN(x021, async_main)
}  // namespace parity::x021

namespace parity::x025 {

using Out = std::vector<std::string>;
int ticks = 0;

Coro<> steps(std::string n, int count, Out& out) {
  for (int i = 0; i < count; ++i) {
    out.push_back(n + std::to_string(i));
    co_await nap();
  }
}

Coro<int> chain(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await create_task(chain(depth - 1));
}

Coro<int> nested(int depth) {
  if (depth == 0) {
    co_await nap();
    co_return 0;
  }
  co_return 1 + co_await nested(depth - 1);
}

struct Ticker {
  asyncio::Handle handle = get_running_loop().call_soon([this] { tick(); });
  void tick() {
    ++ticks;
    handle = get_running_loop().call_soon([this] { tick(); });
  }
};

template <class Make>
Coro<int> cost(Make make) {
  const int before = ticks;
  co_await make();
  co_return ticks - before;
}

Coro<> costs() {
  Ticker ticker;
  co_await nap();
  for (const int depth : {0, 1, 2, 5}) {
    const int tasks = co_await cost([=] { return chain(depth); });
    const int coroutines = co_await cost([=] { return nested(depth); });
    log("depth", depth, "tasks", tasks, "coroutines", coroutines);
  }
  int passes = co_await cost([] { return gather(nested(0), nested(0), nested(0)); });
  log("gather of three", passes);
  passes = co_await cost([] {
    return with(asyncio::TaskGroup(), [](asyncio::TaskGroup& group) -> Coro<> {
      group.create_task(nested(0));
      group.create_task(nested(0));
      co_return;
    });
  });
  log("group of two", passes);
  passes = co_await cost([] { return wait_for(create_task(nested(0)), 1s); });
  log("wait_for of a task", passes);
  passes = co_await cost([] { return shield(create_task(nested(0))); });
  log("shield of a task", passes);
  ticker.handle.cancel();
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  Out out;
  std::vector<Task<>> tasks{create_task(steps("a", 3, out)), create_task(steps("b", 1, out)),
                            create_task(steps("c", 2, out))};
  loop.call_soon([&] { out.emplace_back("soon"); });
  co_await gather(tasks);
  log(out);
  co_await costs();

  asyncio::Event event;
  out.clear();
  auto waits = [&](std::string n) -> Coro<> {
    co_await event.wait();
    out.push_back(n);
  };
  tasks = {create_task(waits("x")), create_task(waits("y")), create_task(waits("z"))};
  co_await nap();
  loop.call_soon([&] { out.emplace_back("before"); });
  event.set();
  loop.call_soon([&] { out.emplace_back("after"); });
  co_await nap();
  log(out);
}

PARITY_RUN(x025, async_main)
}  // namespace parity::x025

namespace parity::x026 {

Coro<> fails(std::string n) {
  throw ValueError(n);
  co_return;
}

void show(Loop&, const asyncio::ExceptionContext& context) {
  const std::string& text = context.message;
  const std::size_t third = text.find(' ', text.find(' ', text.find(' ') + 1) + 1);
  log("handler:", text.substr(0, third), context.exception, static_cast<bool>(context.handle));
}

Coro<> tasks() {
  auto t = create_task(fails("unread"));
  co_await nap();
  log("failed, still held", t.done());
  t = {};

  t = create_task(fails("read"));
  std::exception_ptr error = co_await caught(t);
  log("await", error);
  t = create_task(fails("asked"));
  co_await wait(std::vector{t});
  log("exception()", t.exception());
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  loop.set_exception_handler(show);
  co_await tasks();
  {
    auto f = loop.create_future();
    f.set_exception(std::make_exception_ptr(RuntimeError("future unread")));
  }
  {
    auto f = loop.create_future();
    f.cancel();
  }

  auto f = loop.create_future();
  f.add_done_callback([](const Future<>&) { throw RuntimeError("in a done callback"); });
  f.add_done_callback([](const Future<>&) { log("the next callback runs"); });
  f.set_result();
  co_await nap();

  loop.call_later(0s, [] { throw RuntimeError("in a timer"); });
  co_await nap(2ms);
  log("main goes on");
}

PARITY_RUN(x026, async_main)
}  // namespace parity::x026

namespace parity::x027 {

std::vector<std::string> out;

Coro<int> value() {
  out.emplace_back("body");
  co_return 1;
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  auto a = [](const Future<int>&) { out.emplace_back("a"); };
  auto b = [](const Future<int>&) { out.emplace_back("b"); };
  auto f = loop.create_future<int>();
  f.add_done_callback(a);
  auto token = f.add_done_callback(b);
  f.add_done_callback(a);
  // Python counts the callbacks that were removed; a C++ token stands for one.
  log("removed", static_cast<int>(f.remove_done_callback(token)));
  f.set_result(1);
  log("not inline", out);
  co_await nap();
  log(out);
  token = f.add_done_callback(b);
  log("on a done one: not inline", out);
  co_await nap();
  log(out, static_cast<int>(f.remove_done_callback(token)));

  out.clear();
  f = loop.create_future<int>();
  f.add_done_callback([&](const Future<int>&) {
    out.emplace_back("adds");
    f.add_done_callback(b);
  });
  f.cancel();
  co_await nap();
  log("first pass", out);
  co_await nap();
  log("second pass", out);

  out.clear();
  auto t = create_task(value());
  t.add_done_callback(
      [](const Task<int>& done) { out.push_back("callback " + std::to_string(done.result())); });
  loop.call_soon([] { out.emplace_back("soon"); });
  co_await t;
  log(out);
  t.cancel();
  log(t.cancelled());
}

PARITY_RUN(x027, async_main)
}  // namespace parity::x027

namespace parity::x032 {

std::vector<Task<>> keep;

Coro<> swallows() {
  co_await caught(nap(10s));
  co_await nap(5ms);
  log("swallowed, worked on");
}

Coro<> finishes() {
  co_await nap();
  log("finished by itself");
}

Coro<> nested_child() {
  try {
    co_await nap(10s);
  } catch (const CancelledError&) {
    log("nested child cancelled");
    throw;
  }
}

Coro<> nested_parent() {
  auto t = create_task(nested_child());
  try {
    co_await t;
  } catch (const CancelledError&) {
    log("nested parent: child done", t.done());
    throw;
  }
}

Coro<std::string> async_main() {
  keep.push_back(create_task(swallows()));
  co_await nap();
  keep.push_back(create_task(nested_parent()));
  co_await passes(2);
  co_return "main's result";
}

Coro<std::string> second_main() {
  keep.push_back(create_task(finishes()));
  current_task()->cancel();
  co_await caught(nap(1s));
  co_await nap();
  co_return "cancel swallowed";
}

PARITY(x032) {
  log(asyncio::run(async_main()));
  std::vector<bool> cancelled;
  std::vector<int> counts;
  for (auto& task : keep) {
    cancelled.push_back(task.cancelled());
    counts.push_back(task.cancelling());
  }
  log(cancelled, counts);
  log(asyncio::run(second_main()));
  keep.clear();
}
}  // namespace parity::x032

namespace parity::x036 {

Coro<int> value(int n) {
  co_await nap();
  co_return n;
}

Coro<> fails() {
  throw ValueError("in the loop");
  co_return;
}

Coro<> forever() {
  try {
    co_await nap(10s);
  } catch (const CancelledError&) {
    log("coroutine cancelled");
    throw;
  }
}

std::string other(Loop& loop, std::vector<std::string>& out) {
  out.push_back(fmt(asyncio::run_coroutine_threadsafe(value(1), loop).result()));
  auto failing = asyncio::run_coroutine_threadsafe(fails(), loop);
  out.push_back(fmt(thrown_by([&] { failing.result(); })));
  auto f = asyncio::run_coroutine_threadsafe(forever(), loop);
  out.push_back(type_name(thrown_by([&] { f.result(20ms); })));
  out.push_back(fmt(f.done()));
  out.push_back(fmt(f.cancel()));
  out.push_back(fmt(f.cancelled()));
  return "thread done";
}

int square(int i) { return i * i; }

Coro<> async_main() {
  Loop& loop = get_running_loop();
  std::vector<std::string> out;
  std::string text = co_await asyncio::to_thread([&] { return other(loop, out); });
  log(text);
  co_await nap(5ms);
  log(out);
  auto squares = co_await gather(asyncio::to_thread(square, 0), asyncio::to_thread(square, 1),
                                 asyncio::to_thread(square, 2), asyncio::to_thread(square, 3),
                                 asyncio::to_thread(square, 4));
  log(squares);
  auto t = create_task(asyncio::to_thread(square, 1));
  t.cancel();
  std::exception_ptr error = co_await caught(t);
  log("cancelled before it started", type_name(error));
}

PARITY_RUN(x036, async_main)
}  // namespace parity::x036
