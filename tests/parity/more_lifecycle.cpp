// more_lifecycle.cpp: exits through the loop, stop(), clean-up of generators, joiners, groups of
// groups.
#include "trace.hpp"

namespace parity::x038 {

Coro<> quits() {
  throw asyncio::SystemExit(3);
  co_return;
}

Coro<std::string> value() {
  co_await nap();
  co_return "value";
}

PARITY(x038) {
  Loop loop;
  loop.set_exception_handler(
      [](Loop&, const asyncio::ExceptionContext&) { log("handler - must not be called"); });
  loop.call_soon([] { throw asyncio::KeyboardInterrupt(); });
  loop.call_soon([] { log("the rest of the batch is kept"); });
  const std::exception_ptr left = thrown_by([&] { loop.run_forever(); });
  log("run_forever raised", type_name(left), loop.is_running());
  log(loop.run_until_complete(value()));
  auto t = loop.create_task(quits());
  try {
    loop.run_until_complete(value());
  } catch (const asyncio::SystemExit& exit) {
    log("task raised", type_name(std::current_exception()), exit.code(), t.done());
  }
  log("in the task too", type_name(t.exception()));
  log(loop.run_until_complete(value()));
  for (auto& task : all_tasks(loop)) task.cancel();
  loop.run_until_complete(passes(1));
  loop.close();
}
}  // namespace parity::x038

namespace parity::x039 {

using asyncio::AsyncGenerator;

AsyncGenerator<int> generate(std::string name, bool fail = false) {
  std::exception_ptr leaving;
  try {
    co_yield 1;
    co_yield 2;
  } catch (...) {
    leaving = std::current_exception();
  }
  log("  closing", name);
  co_await nap();
  log("  closed", name);
  if (fail) throw RuntimeError(name + " failed");
  if (leaving) std::rethrow_exception(leaving);
}

AsyncGenerator<int> outer(std::string name) {
  auto inner = generate(name + ".inner");
  std::exception_ptr leaving;
  try {
    while (auto x = co_await inner.next()) co_yield *x * 10;
  } catch (...) {
    leaving = std::current_exception();
  }
  co_await inner.aclose();
  log("  closed", name);
  if (leaving) std::rethrow_exception(leaving);
}

Coro<> consume(AsyncGenerator<int>& g) {
  while (auto x = co_await g.next()) {
    log("  got", *x);
    co_await nap(10s);
  }
}

Coro<> between_values() {
  log("the consumer is cancelled between two values");
  auto g = generate("a");
  auto t = create_task(consume(g));
  co_await nap();
  t.cancel();
  co_await wait(std::vector{t});
  log("  cancelled", t.cancelled());
  co_await g.aclose();
}

Coro<> failures() {
  log("the clean-up fails");
  auto g = generate("c", true);
  co_await g.next();
  std::exception_ptr error = co_await caught(g.aclose());
  log("  aclose", error);
  co_await g.aclose();

  log("athrow that is not handled");
  auto d = generate("d");
  co_await d.next();
  error = co_await caught(d.athrow(std::make_exception_ptr(ValueError("thrown"))));
  log("  athrow", error);
}

Coro<> cancelled_cleanup() {
  log("aclose is cancelled inside the clean-up");
  auto g = generate("e");
  co_await g.next();
  auto t = create_task(g.aclose());
  co_await nap();
  t.cancel();
  co_await wait(std::vector{t});
  log("  cancelled", t.cancelled());
  auto end = co_await g.next();
  log("  then", end ? "a value" : "StopAsyncIteration");
}

Coro<> async_main() {
  co_await between_values();
  {
    log("nested");
    auto g = outer("b");
    auto x = co_await g.next();
    log("  got", x);
    co_await g.aclose();
  }
  co_await failures();
  co_await cancelled_cleanup();

  log("runs to its end");
  auto g = generate("f");
  std::vector<int> all;
  while (auto x = co_await g.next()) all.push_back(*x);
  log(" ", all);
}

PARITY_RUN(x039, async_main)
}  // namespace parity::x039

namespace parity::x041 {

template <class Q>
Coro<> joiner(std::string n, Q& queue) {
  try {
    co_await queue.join();
    log("joined", n);
  } catch (const CancelledError&) {
    log("joiner", n, "cancelled");
    throw;
  }
}

template <class Q>
Coro<> getter(std::string n, Q& queue) {
  const int item = co_await queue.get();
  log(n, "got", item);
}

Coro<> joiners() {
  asyncio::Queue<std::string> queue;
  queue.put_nowait("0");
  queue.put_nowait("1");
  auto a = create_task(joiner("a", queue));
  auto b = create_task(joiner("b", queue));
  auto c = create_task(joiner("c", queue));
  co_await nap();
  b.cancel();
  queue.get_nowait();
  queue.task_done();
  co_await nap();
  log("one left", a.done(), b.done(), c.done());
  queue.get_nowait();
  queue.task_done();
  co_await wait(std::vector{a, b, c});
  queue.put_nowait("again");
  auto d = create_task(joiner("d", queue));
  co_await nap();
  log("a new item, a new join", d.done());
  queue.task_done();
  co_await d;
  log("joined without get", queue.qsize());
}

template <class Q>
Coro<> blocked_getters() {
  Q queue;
  auto x = create_task(getter("x", queue));
  auto y = create_task(getter("y", queue));
  co_await nap();
  for (const int item : {5, 7, 6}) queue.put_nowait(item);
  co_await gather(x, y);
  log("left", queue.get_nowait());
}

Coro<> put(int x, asyncio::Queue<int>& queue) {
  co_await queue.put(x);
  log("put", x);
}

Coro<> blocked_putters() {
  asyncio::Queue<int> queue(1);
  std::vector<Task<>> tasks;
  for (const int x : {1, 2, 3}) tasks.push_back(create_task(put(x, queue)));
  co_await nap();
  log("size", queue.qsize(), queue.full());
  for (int i = 0; i < 3; ++i) {
    const int item = co_await queue.get();
    log("got", item);
    co_await nap();
  }
  co_await gather(tasks);
}

Coro<> async_main() {
  co_await joiners();
  co_await blocked_getters<asyncio::LifoQueue<int>>();
  co_await blocked_getters<asyncio::PriorityQueue<int>>();
  co_await blocked_putters();

  asyncio::PriorityQueue<std::pair<int, std::string>> queue(2);
  queue.put_nowait({2, "b"});
  queue.put_nowait({1, "z"});
  auto t = create_task(queue.put({0, "first"}));
  co_await nap();
  auto first = co_await queue.get();
  auto second = co_await queue.get();
  auto third = co_await queue.get();
  log(first, second, third, t.done());
}

PARITY_RUN(x041, async_main)
}  // namespace parity::x041

namespace parity::x042 {

Coro<> waits() {
  try {
    co_await nap(10s);
  } catch (const CancelledError& error) {
    log("cancelled", error);
    throw;
  }
}

Coro<> canceller(Task<> t) {
  t.cancel("from a task");
  log("returned at once", t.done());
  co_return;
}

Coro<> cancels() {
  Loop& loop = get_running_loop();
  auto t = create_task(waits());
  loop.call_later(1ms, [t]() mutable { t.cancel("from a timer"); });
  std::exception_ptr error = co_await caught(t);
  log(error);

  auto t1 = create_task(waits());
  co_await nap();
  co_await create_task(canceller(t1));
  error = co_await caught(t1);
  log(error);
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  loop.call_soon([] { log(1); });
  loop.call_soon_threadsafe([] { log(2); });
  loop.call_soon([] { log(3); });
  auto h = loop.call_soon_threadsafe([] { log("never"); });
  h.cancel();
  co_await nap();
  co_await nap();
  log("--");
  co_await cancels();

  auto f = loop.create_future<bool>();
  auto t = create_task(waits());
  t.add_done_callback([f](const Task<>& done) mutable { f.set_result(done.cancelled()); });
  co_await nap();
  t.cancel("with a callback");
  const bool said = co_await f;
  log("callback says", said);
  f = loop.create_future<bool>();
  f.add_done_callback([](const Future<bool>& done) { log("future's callback", done.cancelled()); });
  loop.call_soon([f]() mutable { f.cancel(); });
  std::exception_ptr error = co_await caught(f);
  log(type_name(error));
}

PARITY_RUN(x042, async_main)
}  // namespace parity::x042

namespace parity::x044 {

using Out = std::vector<std::string>;

Coro<> stops(int n, Out& out) {
  out.push_back("stop " + std::to_string(n));
  get_running_loop().stop();
  co_await nap();
  out.push_back("after " + std::to_string(n));
}

Coro<std::string> last() {
  get_running_loop().stop();
  co_return "done in the pass of the stop";
}

Coro<std::string> later() {
  get_running_loop().stop();
  co_await nap();
  co_return "too late";
}

Coro<std::string> nothing() { co_return "runs although stop() was called before"; }

PARITY(x044) {
  Loop loop;
  Out out;
  auto t1 = loop.create_task(stops(1, out));
  auto t2 = loop.create_task(stops(2, out));
  loop.run_forever();
  log(out, t1.done(), t2.done());
  loop.stop();
  loop.run_forever();
  log(out, t1.done(), t2.done());

  loop.call_later(1ms, [&] { loop.stop(); });
  loop.run_forever();
  log("stopped by a timer", loop.is_running());
  log(loop.run_until_complete(last()));

  auto t = loop.create_task(later());
  log(thrown_by([&] { loop.run_until_complete(t); }));
  const bool done = t.done();
  log(done, loop.run_until_complete(t));

  auto f = loop.create_future();
  loop.call_soon([f]() mutable { f.cancel("by a callback"); });
  log(type_name(thrown_by([&] { loop.run_until_complete(f); })));
  loop.stop();
  log(thrown_by([&] { loop.run_until_complete(nothing()); }));
  loop.close();
}
}  // namespace parity::x044

namespace parity::x045 {

using asyncio::TaskGroup;

template <class T>
Coro<T> value(T n) {
  co_await nap();
  co_return n;
}

Coro<> fails(std::string n, int count) {
  co_await passes(count);
  throw ValueError(n);
}

Coro<> results() {
  std::vector<Task<int>> tasks;
  co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      tasks.push_back(group.create_task(value(i), {.name = "child " + std::to_string(i)}));
    }
    co_return;
  });
  std::vector<int> values;
  std::vector<std::string> names;
  for (auto& task : tasks) {
    values.push_back(task.result());
    names.push_back(task.get_name());
  }
  log(values, names);
}

Coro<> subtree() {
  co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
    group.create_task(fails("deep", 2));
    group.create_task(asyncio::sleep(10s));
    co_return;
  });
}

Coro<> nested_failures() {
  try {
    co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(subtree());
      group.create_task(fails("near", 1));
      co_return;
    });
  } catch (const ExceptionGroup& group) {
    log(group, group.exceptions().size());
  }
}

Coro<> cancels(AnyTask parent) {
  parent.cancel("by a child");
  co_await nap(10s);
}

Coro<> parent() {
  co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
    group.create_task(cancels(*current_task()));
    co_return;
  });
}

Coro<> spawner(TaskGroup& group, int depth) {
  if (depth > 0) group.create_task(spawner(group, depth - 1));
  co_await nap();
  log("spawned", depth);
}

Coro<> awaited_inside() {
  co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
    auto first = group.create_task(value<std::string>("first"));
    std::string text = co_await first;
    log(text);
    text = co_await group.create_task(value<std::string>("second"));
    log(text);
  });
  try {
    co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      auto failing = group.create_task(fails("awaited in the body", 0));
      co_await failing;
    });
  } catch (...) {
    log(std::current_exception());
  }
}

Coro<> async_main() {
  co_await results();
  co_await nested_failures();
  auto t = create_task(parent());
  std::exception_ptr error = co_await caught(t);
  log(error, t.cancelled(), t.cancelling());
  co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
    group.create_task(spawner(group, 3));
    co_return;
  });
  log("all awaited");
  co_await awaited_inside();
}

PARITY_RUN(x045, async_main)
}  // namespace parity::x045
