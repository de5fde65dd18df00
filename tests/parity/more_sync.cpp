// more_sync.cpp: locks, conditions, semaphores, queues, barriers and events under cancellation.
#include "trace.hpp"

namespace parity::x011 {

using asyncio::Condition;

Coro<> waiter(Condition& condition) {
  auto held = co_await condition.scoped();
  try {
    co_await condition.wait();
    log("woken normally");
  } catch (const CancelledError& error) {
    log("waiter got", error, "holds the lock", condition.locked(), "requests", requests());
    throw;
  }
}

Coro<> async_main() {
  Condition condition;
  auto t = create_task(waiter(condition));
  co_await nap();
  co_await condition.acquire();
  t.cancel("one");
  co_await passes(2);
  log("still re-acquiring", !t.done());
  t.cancel("two");
  co_await passes(2);
  t.cancel("three");
  co_await nap();
  log("still re-acquiring", !t.done());
  condition.release();
  co_await wait(std::vector{t});
  log("cancelled", t.cancelled(), "locked", condition.locked());

  log("cancelled after the notify, while it waits for the lock");
  t = create_task(waiter(condition));
  co_await nap();
  co_await condition.acquire();
  condition.notify();
  co_await passes(2);
  t.cancel("late");
  co_await nap();
  log("done", t.done());
  condition.release();
  co_await wait(std::vector{t});
  log("cancelled", t.cancelled(), "locked", condition.locked());
}

PARITY_RUN(x011, async_main)
}  // namespace parity::x011

namespace parity::x012 {

using asyncio::Condition;

Coro<> waiter(std::string name, Condition& condition) {
  auto held = co_await condition.scoped();
  try {
    co_await condition.wait();
    log(name, "woken");
  } catch (const CancelledError&) {
    log(name, "cancelled");
    throw;
  }
}

Coro<> passed_on(Condition& condition) {
  auto a = create_task(waiter("A", condition));
  auto b = create_task(waiter("B", condition));
  auto c = create_task(waiter("C", condition));
  co_await nap();
  {
    auto held = co_await condition.scoped();
    condition.notify(1);
    a.cancel();
  }
  co_await passes(5);
  log("A", a.cancelled(), "B", b.done(), "C", c.done());
  {
    auto held = co_await condition.scoped();
    condition.notify(5);
  }
  co_await wait(std::vector{b, c});
  log("C", c.done(), "locked", condition.locked());
}

Coro<> predicate(Condition& condition) {
  int level = 0;
  std::vector<int> looks;
  auto t = create_task([&]() -> Coro<> {
    auto held = co_await condition.scoped();
    co_await condition.wait_for([&] {
      looks.push_back(level);
      return level >= 2;
    });
    log("enough", level);
  });
  co_await nap();
  for (level = 1; level <= 2; ++level) {
    {
      auto held = co_await condition.scoped();
      condition.notify_all();
    }
    co_await passes(2);
  }
  co_await t;
  log("looked at", looks);
}

Coro<> async_main() {
  Condition condition;
  co_await passed_on(condition);
  co_await predicate(condition);

  asyncio::Lock lock;
  Condition c1(lock), c2(lock);
  {
    auto held = co_await c1.scoped();
    log("shared lock", c2.locked(), lock.locked());
    c2.notify();
  }
  log("released", c2.locked(), thrown_by([&] { c1.release(); }));
}

PARITY_RUN(x012, async_main)
}  // namespace parity::x012

namespace parity::x013 {

using asyncio::Semaphore;

Coro<> holder(std::string name, Semaphore& semaphore, bool log_it = true) {
  try {
    auto held = co_await semaphore.scoped();
    if (log_it) log(name, "in");
    co_await nap();
  } catch (const CancelledError&) {
    log(name, "cancelled");
    throw;
  }
}

std::vector<Task<>> start(Semaphore& semaphore, std::string names, bool log_it = true) {
  std::vector<Task<>> tasks;
  for (const char name : names) {
    tasks.push_back(create_task(holder(std::string(1, name), semaphore, log_it)));
  }
  return tasks;
}

Coro<> bounded() {
  asyncio::BoundedSemaphore semaphore(2);
  auto tasks = start(semaphore, "ABCDEF");
  co_await nap();
  tasks[0].cancel();
  tasks[3].cancel();
  tasks[2].cancel();
  co_await gather(return_exceptions, tasks);
  log("locked", semaphore.locked());
  co_await semaphore.acquire();
  co_await semaphore.acquire();
  log("both taken", semaphore.locked());
  semaphore.release();
  semaphore.release();
  log("too many", thrown_by([&] { semaphore.release(); }));
}

Coro<> all_come_back() {
  Semaphore semaphore(0);
  auto tasks = start(semaphore, "XYZ", false);
  co_await nap();
  for (int i = 0; i < 3; ++i) semaphore.release();
  for (auto& task : tasks) task.cancel();
  co_await wait(tasks);
  int free = 0;
  for (; !semaphore.locked(); ++free) co_await semaphore.acquire();
  log("permits that came back", free);
}

Coro<> async_main() {
  co_await bounded();
  co_await all_come_back();

  Semaphore semaphore(1);
  co_await semaphore.acquire();
  auto a = create_task(holder("a", semaphore));
  auto b = create_task(holder("b", semaphore));
  co_await nap();
  semaphore.release();
  a.cancel();
  log("given to a, who is cancelled; locked", semaphore.locked());
  co_await wait(std::vector{a, b});
  log("locked", semaphore.locked());
}

PARITY_RUN(x013, async_main)
}  // namespace parity::x013

namespace parity::x014 {

using asyncio::Lock;

Coro<> worker(std::string name, Lock& lock) {
  try {
    auto held = co_await lock.scoped();
    log(name, "in");
    co_await nap();
  } catch (const CancelledError&) {
    log(name, "cancelled");
    throw;
  }
}

std::vector<Task<>> start(Lock& lock, std::string names) {
  std::vector<Task<>> tasks;
  for (const char name : names) tasks.push_back(create_task(worker(std::string(1, name), lock)));
  return tasks;
}

Coro<> async_main() {
  Lock lock;
  co_await lock.acquire();
  auto tasks = start(lock, "ABCD");
  co_await nap();
  tasks[1].cancel();
  lock.release();
  tasks[0].cancel();
  log("free until the woken one runs", lock.locked());
  co_await wait(tasks);
  std::vector<bool> cancelled;
  for (auto& task : tasks) cancelled.push_back(task.cancelled());
  log("locked", lock.locked(), cancelled);

  log("all waiters cancelled");
  co_await lock.acquire();
  tasks = start(lock, "EF");
  co_await nap();
  tasks[0].cancel();
  tasks[1].cancel();
  lock.release();
  co_await wait(tasks);
  log("locked", lock.locked());
  co_await lock.acquire();
  log("acquired at once", lock.locked());
  auto last = create_task(worker("G", lock));
  co_await nap();
  lock.release();
  {
    auto held = co_await lock.scoped();
    log("main in, G was first", last.done());
  }
}

PARITY_RUN(x014, async_main)
}  // namespace parity::x014

namespace parity::x015 {

using asyncio::Queue;

template <class A>
Coro<> attempt(std::string label, A awaitable) {
  try {
    if constexpr (std::is_void_v<asyncio::await_result_t<A>>) {
      co_await std::move(awaitable);
      log(label, "->", nullptr);
    } else {
      auto value = co_await std::move(awaitable);
      log(label, "->", value);
    }
  } catch (...) {
    log(label, "->", type_name(std::current_exception()));
  }
}

Coro<> blocked_putter() {
  Queue<int> queue(2);
  queue.put_nowait(1);
  queue.put_nowait(2);
  auto put = create_task(attempt("put 3", queue.put(3)));
  auto join = create_task(attempt("join", queue.join()));
  co_await nap();
  queue.shutdown(true);
  log("size", queue.qsize(), "empty", queue.empty());
  co_await wait(std::vector{put, join});
  co_await attempt("get", queue.get());
  log("nowait", type_name(thrown_by([&] { queue.get_nowait(); })),
      type_name(thrown_by([&] { queue.put_nowait(9); })));
  log("task_done", thrown_by([&] { queue.task_done(); }));
}

Coro<> blocked_getters() {
  Queue<int> queue;
  std::vector<Task<>> gets{create_task(attempt("get 0", queue.get())),
                           create_task(attempt("get 1", queue.get()))};
  co_await nap();
  queue.shutdown(true);
  co_await wait(gets);
}

Coro<> item_out() {
  Queue<int> queue;
  for (int i = 0; i < 3; ++i) queue.put_nowait(i);
  log("taken", queue.get_nowait());
  auto join = create_task(attempt("join", queue.join()));
  co_await nap();
  queue.shutdown(true);
  co_await passes(2);
  log("one item is out still: join done", join.done());
  queue.task_done();
  co_await join;
}

Coro<> async_main() {
  co_await blocked_putter();
  co_await blocked_getters();
  co_await item_out();

  Queue<std::string> queue(1);
  queue.put_nowait("first");
  auto put = create_task(attempt("put second", queue.put("second")));
  co_await nap();
  queue.shutdown();
  queue.shutdown(true);
  co_await put;
  log("empty", queue.empty());
}

PARITY_RUN(x015, async_main)
}  // namespace parity::x015

namespace parity::x016 {

using asyncio::Queue;

Coro<> putter(std::string x, Queue<std::string>& queue) {
  try {
    co_await queue.put(x);
    log("put", x);
  } catch (const CancelledError&) {
    log("cancelled", x);
    throw;
  }
}

Coro<> blocked() {
  Queue<std::string> queue(1);
  co_await queue.put("a");
  log(type_name(thrown_by([&] { queue.put_nowait("z"); })), queue.full(), queue.maxsize());
  std::vector<Task<>> tasks;
  for (const char* x : {"b", "c", "d", "e"}) tasks.push_back(create_task(putter(x, queue)));
  co_await nap();
  log("get", queue.get_nowait());  // wakes b,
  tasks[0].cancel();               // who is cancelled before it runs
  tasks[2].cancel();               // still queued
  co_await passes(3);
  std::vector<bool> done;
  for (auto& task : tasks) done.push_back(task.done());
  log("size", queue.qsize(), done);
  std::string item = co_await queue.get();
  log("get", item);
  item = co_await queue.get();
  log("get", item);
  co_await wait(tasks);
  log(type_name(thrown_by([&] { queue.get_nowait(); })), queue.empty());
}

Coro<> async_main() {
  co_await blocked();
  Queue<int> unlimited(0);
  for (int i = 0; i < 100; ++i) unlimited.put_nowait(i);
  log("no limit", unlimited.full(), unlimited.qsize());

  Queue<int> two(2);
  std::vector<std::string> order;
  auto produce = [&]() -> Coro<> {
    for (int i = 0; i < 5; ++i) {
      co_await two.put(i);
      order.push_back("p" + std::to_string(i));
    }
  };
  auto consume = [&]() -> Coro<> {
    for (int i = 0; i < 5; ++i) order.push_back("g" + std::to_string(co_await two.get()));
  };
  co_await gather(produce(), consume());
  log(order);
}

PARITY_RUN(x016, async_main)
}  // namespace parity::x016

namespace parity::x017 {

using asyncio::Barrier;

Coro<> worker(std::string name, Barrier& barrier) {
  try {
    const int index = co_await barrier.wait();
    log(name, "index", index, "waiting", barrier.n_waiting());
  } catch (...) {
    log(name, type_name(std::current_exception()));
  }
}

std::vector<Task<>> start(Barrier& barrier, std::string names) {
  std::vector<Task<>> tasks;
  for (const char name : names) {
    tasks.push_back(create_task(worker(std::string(1, name), barrier)));
  }
  return tasks;
}

Coro<> async_main() {
  Barrier one(1);
  const int first = co_await one.wait();
  const int second = co_await one.wait();
  log("one party", first, second);

  Barrier barrier(2);
  auto tasks = start(barrier, "ABCD");
  co_await gather(tasks);

  log("abort with waiters, then reset");
  tasks = start(barrier, "E");
  co_await nap();
  co_await barrier.abort();
  co_await barrier.abort();
  co_await tasks[0];
  std::exception_ptr error = co_await caught(barrier.wait());
  log("broken", barrier.broken(), error != nullptr);
  co_await barrier.reset();
  log("broken", barrier.broken(), "waiting", barrier.n_waiting());

  log("everyone cancelled");
  tasks = start(barrier, "F");
  co_await nap();
  tasks[0].cancel();
  co_await wait(tasks);
  log("waiting", barrier.n_waiting(), "broken", barrier.broken());
  tasks = start(barrier, "GH");
  co_await gather(tasks);
  log("parties", barrier.parties());
}

PARITY_RUN(x017, async_main)
}  // namespace parity::x017

namespace parity::x029 {

using asyncio::Event;

Coro<> waiter(std::string name, Event& event) {
  try {
    co_await event.wait();
    log(name, "woken", event.is_set());
  } catch (const CancelledError&) {
    log(name, "cancelled");
    throw;
  }
}

Coro<> cancels(Event& event) {
  auto a = create_task(waiter("A", event));
  auto b = create_task(waiter("B", event));
  auto c = create_task(waiter("C", event));
  co_await nap();
  event.set();
  b.cancel();
  co_await wait(std::vector{a, b, c});
  log("B cancelled", b.cancelled());
  event.clear();
  log("is_set", event.is_set());

  auto d = create_task(waiter("D", event));
  auto e = create_task(waiter("E", event));
  co_await nap();
  d.cancel();
  event.set();
  event.clear();
  auto f = create_task(waiter("F", event));
  co_await wait(std::vector{d, e});
  co_await nap();
  log("F waits", !f.done());
  f.cancel();
  co_await wait(std::vector{f});
}

Coro<> async_main() {
  Event event;
  co_await cancels(event);

  Event first, second;
  auto last = [&]() -> Coro<> {
    co_await second.wait();
    log("last");
  };
  auto relay = [&]() -> Coro<> {
    co_await first.wait();
    second.set();
    log("relayed");
  };
  std::vector<Task<>> tasks{create_task(last()), create_task(relay())};
  co_await nap();
  first.set();
  co_await gather(tasks);
}

PARITY_RUN(x029, async_main)
}  // namespace parity::x029
