// more_cancellation.cpp: messages, uncancel, clean-up, shields, shared tasks, every primitive.
#include "trace.hpp"

namespace parity::x001 {

Coro<> waits() {
  try {
    co_await nap(10s);
  } catch (const CancelledError& error) {
    log("waits got", error);
    throw;
  }
}

Coro<> cancels_itself() {
  auto me = *current_task();
  me.cancel("one");
  me.cancel("two");
  try {
    co_await nap();
  } catch (const CancelledError& error) {
    log("cancels_itself got", error);
    throw;
  }
}

Coro<> awaits(Task<> t) { co_await t; }

Coro<> async_main() {
  auto t = create_task(waits());
  co_await nap();
  t.cancel("one");
  t.cancel("two");
  std::exception_ptr error = co_await caught(t);
  log("suspended", error);

  t = create_task(waits());
  t.cancel("one");
  t.cancel("two");
  error = co_await caught(t);
  log("not started", error, "requests", t.cancelling());

  error = co_await caught(create_task(cancels_itself()));
  log("itself", error);

  auto inner = create_task(waits());
  auto outer = create_task(awaits(inner));
  co_await passes(2);
  outer.cancel("through the child");
  error = co_await caught(outer);
  log("outer", error, "inner", thrown_by([&] { inner.result(); }));

  t = create_task(waits());
  co_await nap();
  const bool first = t.cancel("");
  const bool second = t.cancel();
  log("accepted", first, "again", second, "done", t.done());
  error = co_await caught(t);
  log("empty", error);
  log("after the end", t.cancel("late"), t.cancelling());
}

PARITY_RUN(x001, async_main)
}  // namespace parity::x001

namespace parity::x002 {

Coro<std::string> withdraws(int count, int withdrawals) {
  auto me = *current_task();
  for (int i = 0; i < count; ++i) me.cancel("self");
  std::vector<int> left;
  for (int i = 0; i < withdrawals; ++i) left.push_back(me.uncancel());
  log("  left", left);
  try {
    co_await nap();
    log("  not interrupted");
  } catch (const CancelledError& error) {
    log("  interrupted", error, me.cancelling());
  }
  co_return "end";
}

Coro<> waits() {
  std::exception_ptr error = co_await caught(nap(10s));
  log("  delivered", error);
  log("  uncancel in the handler", current_task()->uncancel());
  co_await nap();
  log("  next await fine");
  std::rethrow_exception(error);
}

Coro<> async_main() {
  for (auto [count, withdrawals] : {std::pair{1, 1}, {2, 1}, {2, 2}, {0, 1}}) {
    log(count, "requests", withdrawals, "withdrawals");
    auto t = create_task(withdraws(count, withdrawals));
    std::string value = co_await t;
    log("  ", value, t.cancelled(), t.cancelling());
  }

  log("withdrawn by another task after it was scheduled");
  auto t = create_task(waits());
  co_await nap();
  t.cancel("kept");
  log("  uncancel", t.uncancel());
  co_await wait(std::vector{t});
  log("  cancelled", t.cancelled(), t.cancelling());

  log("withdrawn before the first step");
  auto s = create_task(asyncio::sleep(0s, std::string("slept")));
  s.cancel();
  log("  uncancel", s.uncancel());
  co_await wait(std::vector{s});
  log("  cancelled", s.cancelled());
}

PARITY_RUN(x002, async_main)
}  // namespace parity::x002

namespace parity::x003 {

Coro<> cleanup(std::vector<std::string>& events) {
  std::exception_ptr first = co_await caught(nap(10s));
  events.emplace_back("cleanup starts");
  std::exception_ptr second = co_await caught(nap(10s));
  events.push_back(fmt(second));
  co_await nap();
  events.emplace_back("cleanup ends");
  std::rethrow_exception(first);
}

Coro<int> value() { co_return 5; }

Coro<std::string> swallows_all() {
  for (int i = 0; i < 3; ++i) {
    std::exception_ptr error = co_await caught(nap(10s));
    log("swallowed", error, requests());
  }
  co_return "survived";
}

Coro<> async_main() {
  auto v = create_task(value());
  co_await v;
  log("done task", v.cancel("x"), v.cancelling(), v.cancelled(), v.result());

  std::vector<std::string> events;
  auto t = create_task(cleanup(events));
  co_await nap();
  t.cancel("first");
  co_await passes(2);
  t.cancel("second");
  std::exception_ptr error = co_await caught(t);
  log("result", error, events, t.cancelling());

  auto s = create_task(swallows_all());
  for (const char* n : {"1", "2", "3"}) {
    co_await passes(2);
    s.cancel(n);
  }
  std::string survived = co_await s;
  log(survived, s.cancelled(), s.cancelling());
}

PARITY_RUN(x003, async_main)
}  // namespace parity::x003

namespace parity::x004 {

Coro<std::string> work(int count = 3) {
  for (int i = 0; i < count; ++i) co_await nap();
  log("  work done");
  co_return "worked";
}

template <class A>
Coro<> guard(A awaitable, std::string name) {
  try {
    std::string value = co_await awaitable;
    log(" ", name, "got", value);
  } catch (const CancelledError& error) {
    log(" ", name, "cancelled", error, requests());
    throw;
  }
}

Coro<> of_shield() {
  log("shield of shield");
  auto t = create_task(work());
  auto o = create_task(guard(shield(shield(t)), "outer"));
  co_await passes(2);
  o.cancel("outer only");
  co_await wait(std::vector{o});
  const bool alive = !t.done();
  std::string value = co_await t;
  // Python evaluates both before it prints: the inner is alive at that point.
  log("  inner alive", alive, value);
}

Coro<> itself_cancelled() {
  log("the shield itself is cancelled");
  auto t = create_task(work());
  auto s = shield(t);
  const bool first = s.cancel("stop");
  const bool cancelled = s.cancelled();
  const bool second = s.cancel();
  log("  cancel", first, cancelled, second);
  std::exception_ptr error = co_await caught(s);
  std::string value = co_await t;
  log("  await", error, "inner", value);
}

Coro<> two_awaiters() {
  log("two awaiters of one shield");
  auto t = create_task(work(5));
  auto s = shield(t);
  auto a = create_task(guard(s, "a"));
  auto b = create_task(guard(s, "b"));
  co_await nap();
  a.cancel("only a");
  co_await wait(std::vector{a, b});
  log("  requests", a.cancelling(), b.cancelling(), "inner done", t.done());
  std::string value = co_await t;
  log(" ", value);
}

Coro<> async_main() {
  co_await of_shield();
  co_await itself_cancelled();
  co_await two_awaiters();

  log("inner finished while the shield's awaiter was cancelled");
  auto t = create_task(work(0));
  auto o = create_task(guard(shield(t), "outer"));
  co_await nap();
  o.cancel("race");
  co_await wait(std::vector{o});
  log("  outer cancelled", o.cancelled(), "inner result", t.result());
}

PARITY_RUN(x004, async_main)
}  // namespace parity::x004

namespace parity::x034 {

struct Primitives {
  asyncio::Lock lock;
  asyncio::Event event;
  asyncio::Condition condition;
  asyncio::Semaphore semaphore{1};
  asyncio::Queue<int> full{1};
  asyncio::Queue<std::string> empty;
  asyncio::Queue<int> joined;
};

Coro<> in_condition(asyncio::Condition& condition) {
  auto held = co_await condition.scoped();
  co_await condition.wait();
}
Coro<> wait_future() { co_await get_running_loop().create_future(); }

template <class A>
Coro<> start(A awaitable) {
  co_await std::move(awaitable);
}

Coro<> async_main() {
  Primitives p;
  co_await p.lock.acquire();
  co_await p.semaphore.acquire();
  p.full.put_nowait(1);
  p.joined.put_nowait(1);
  auto brief = create_task(asyncio::sleep(10ms));
  std::vector<std::pair<std::string, Task<>>> tasks;
  tasks.emplace_back("lock", create_task(start(p.lock.acquire())));
  tasks.emplace_back("event", create_task(start(p.event.wait())));
  tasks.emplace_back("condition", create_task(in_condition(p.condition)));
  tasks.emplace_back("semaphore", create_task(start(p.semaphore.acquire())));
  tasks.emplace_back("put", create_task(start(p.full.put(2))));
  tasks.emplace_back("get", create_task(start(p.empty.get())));
  tasks.emplace_back("join", create_task(start(p.joined.join())));
  tasks.emplace_back("sleep", create_task(start(asyncio::sleep(10s))));
  tasks.emplace_back("future", create_task(wait_future()));
  tasks.emplace_back("wait", create_task(start(wait(std::vector{brief}))));
  co_await passes(2);
  for (auto& [name, task] : tasks) task.cancel(name);
  for (auto& [name, task] : tasks) {
    std::exception_ptr error = co_await caught(task);
    log(name, error, task.cancelled());
  }
  p.lock.release();
  p.semaphore.release();
  p.event.set();
  co_await nap();
  log("lock", p.lock.locked(), "semaphore", p.semaphore.locked(), "condition",
      p.condition.locked());
  const int got = p.full.get_nowait();
  log("full", got, p.full.empty(), "empty", p.empty.empty());
  p.empty.put_nowait("item");
  log("item", p.empty.get_nowait());
  p.joined.get_nowait();
  p.joined.task_done();
  co_await p.joined.join();
  log("joined");
}

PARITY_RUN(x034, async_main)
}  // namespace parity::x034

namespace parity::x035 {

Coro<> work() {
  try {
    co_await nap(10s);
  } catch (const CancelledError& error) {
    log("  work got", error);
    throw;
  }
}

Coro<> awaiter(std::string n, Task<> t) {
  try {
    co_await t;
  } catch (const CancelledError& error) {
    log(" ", n, "got", error, requests());
    throw;
  }
}

Coro<> shielded(std::string n, Task<> t) {
  try {
    co_await shield(t);
  } catch (const CancelledError& error) {
    log(" ", n, "got", error, requests());
    throw;
  }
}

Coro<> async_main() {
  log("direct");
  auto t = create_task(work());
  std::vector<Task<>> tasks{create_task(awaiter("A", t)), create_task(awaiter("B", t))};
  co_await passes(2);
  tasks[0].cancel("from A");
  co_await wait(tasks);
  log("  task", t.cancelled(), t.cancelling(),
      std::vector<bool>{tasks[0].cancelled(), tasks[1].cancelled()});

  log("one is shielded");
  t = create_task(work());
  auto a = create_task(shielded("A", t));
  auto b = create_task(awaiter("B", t));
  co_await passes(2);
  a.cancel("from A");
  co_await wait(std::vector{a});
  log("  task untouched", !t.done(), "B waits", !b.done());
  b.cancel("from B");
  co_await wait(std::vector{b});
  log("  task", t.cancelled());

  log("both cancelled in one pass");
  t = create_task(work());
  tasks = {create_task(awaiter("C", t)), create_task(awaiter("D", t))};
  co_await passes(2);
  tasks[1].cancel("from D");
  tasks[0].cancel("from C");
  co_await wait(tasks);
  log("  task", t.cancelling(), std::vector<int>{tasks[0].cancelling(), tasks[1].cancelling()});
}

PARITY_RUN(x035, async_main)
}  // namespace parity::x035
