// locks.cpp: Lock, Semaphore, Event, Condition, Barrier.
#include "trace.hpp"

namespace parity::s067 {

Coro<> worker(std::string name, asyncio::Lock& lock, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    {
      auto held = co_await lock.scoped();
      log(name, i, "in");
      co_await nap();
    }
    if (i == 0 && name == "A") log("released; locked() is", lock.locked());
  }
}

Coro<> fails_inside(asyncio::Lock& lock) {
  auto held = co_await lock.scoped();
  throw ValueError("in the block");
}

Coro<> async_main() {
  asyncio::Lock lock;
  std::vector<Task<>> tasks;
  for (const char* name : {"A", "B", "C"}) tasks.push_back(create_task(worker(name, lock, 2)));
  co_await gather(tasks);
  log("locked", lock.locked());
  log(thrown_by([&] { lock.release(); }));
  try {
    co_await fails_inside(lock);
  } catch (const ValueError& error) {
    log(error, "locked", lock.locked());
  }
}

PARITY_RUN(s067, async_main)
}  // namespace parity::s067

namespace parity::s069 {

using Order = std::vector<std::string>;

Coro<> worker(std::string name, asyncio::Semaphore& semaphore, Order& order) {
  auto held = co_await semaphore.scoped();
  order.push_back(name);
  co_await nap();
}

std::vector<Task<>> start(std::string names, asyncio::Semaphore& semaphore, Order& order) {
  std::vector<Task<>> tasks;
  for (const char name : names) {
    tasks.push_back(create_task(worker(std::string(1, name), semaphore, order)));
  }
  return tasks;
}

Coro<> handed_over() {
  asyncio::Semaphore semaphore(1);
  Order order;
  co_await semaphore.acquire();
  auto tasks = start("ABC", semaphore, order);
  co_await nap();
  semaphore.release();
  log("released, waiter not run yet: locked", semaphore.locked());
  co_await semaphore.acquire();  // a newcomer must queue behind A, B, C
  log("newcomer got it after", order);
  semaphore.release();
  co_await gather(tasks);
}

Coro<> two_releases() {
  asyncio::Semaphore semaphore(0);
  Order order;
  auto tasks = start("XYZ", semaphore, order);
  co_await nap();
  semaphore.release();
  semaphore.release();
  co_await nap();
  log("two releases woke", order);
  co_await gather(tasks);
  log("all", order, "locked", semaphore.locked());
}

Coro<> spare_permit() {
  asyncio::Semaphore semaphore(0);
  Order order;
  auto tasks = start("W", semaphore, order);
  co_await nap();
  semaphore.release();  // one for W,
  semaphore.release();  // one to spare; W has not run yet
  log("spare permit, but W goes first: locked", semaphore.locked());
  co_await semaphore.acquire();
  log("newcomer after", order);
  co_await tasks[0];
}

Coro<> async_main() {
  co_await handed_over();
  co_await two_releases();
  co_await spare_permit();
  log(thrown_by([] { asyncio::Semaphore negative(-1); }));
}

PARITY_RUN(s069, async_main)
}  // namespace parity::s069

namespace parity::s070 {

Coro<> worker(std::string name, asyncio::Semaphore& semaphore) {
  try {
    co_await semaphore.acquire();
    log(name, "acquired");
  } catch (const CancelledError&) {
    log(name, "cancelled");
    throw;
  }
}

Coro<> async_main() {
  asyncio::Semaphore semaphore(0);
  auto a = create_task(worker("A", semaphore));
  auto b = create_task(worker("B", semaphore));
  auto c = create_task(worker("C", semaphore));
  co_await nap();
  semaphore.release();  // grants A
  a.cancel();           // cancelled before it runs
  co_await nap();
  co_await nap();
  log("B done", b.done(), "C done", c.done());
  auto d = create_task(worker("D", semaphore));
  co_await nap();
  c.cancel();           // queued, not granted
  semaphore.release();  // must go to D
  co_await wait(std::vector{c, d}, {.timeout = 500ms});
  log("D done", d.done());
  log("no permit left", semaphore.locked());
  semaphore.release();
  const bool before = semaphore.locked();
  co_await semaphore.acquire();  // Python's gives True
  log("one permit", before, true, semaphore.locked());
}

PARITY_RUN(s070, async_main)
}  // namespace parity::s070

namespace parity::s072 {

Coro<> waiter(std::string name, asyncio::Event& event) {
  co_await event.wait();  // Python's gives True
  log(name, "woken", true, "flag now", event.is_set());
}

Coro<> async_main() {
  asyncio::Event event;
  std::vector<Task<>> tasks;
  for (const char* name : {"A", "B", "C"}) tasks.push_back(create_task(waiter(name, event)));
  co_await nap();
  tasks[1].cancel();
  co_await nap();
  event.set();
  event.set();
  event.clear();
  auto late = create_task(waiter("late", event));
  co_await wait(tasks);
  co_await nap();
  log("B cancelled", tasks[1].cancelled(), "late done", late.done());
  event.set();
  co_await late;
  co_await event.wait();
  log(true);
}

PARITY_RUN(s072, async_main)
}  // namespace parity::s072

namespace parity::s073 {

using asyncio::Condition;

Coro<> waiter(std::string name, Condition& condition) {
  auto held = co_await condition.scoped();
  co_await condition.wait();  // Python's gives True
  log(name, "woke holding the lock", condition.locked(), true);
  co_await nap();
  log(name, "releases");
}

Coro<> async_main() {
  Condition condition;
  std::vector<Task<>> tasks;
  for (const char* name : {"A", "B", "C", "D"}) {
    tasks.push_back(create_task(waiter(name, condition)));
  }
  co_await nap();
  {
    auto held = co_await condition.scoped();
    condition.notify(2);
    co_await nap();
    log("notifier still holds the lock; nobody woke");
  }
  co_await nap(10ms);
  std::vector<bool> done;
  for (auto& task : tasks) done.push_back(task.done());
  log("done", done);
  {
    auto held = co_await condition.scoped();
    condition.notify_all();
  }
  co_await gather(tasks);

  log("notify", thrown_by([&] { condition.notify(); }));
  log("notify_all", thrown_by([&] { condition.notify_all(); }));
  std::exception_ptr error = co_await [](Condition& c) -> Coro<std::exception_ptr> {
    try {
      co_await c.wait();
    } catch (...) {
      co_return std::current_exception();
    }
    co_return nullptr;
  }(condition);
  log("wait", error);
  {
    auto held = co_await condition.scoped();
    // Python's gives the predicate's value, C++'s nothing: it returns only where that is true.
    co_await condition.wait_for([] { return true; });
    log("wait_for", "truthy");
  }
}

PARITY_RUN(s073, async_main)
}  // namespace parity::s073

namespace parity::s075 {

Coro<> worker(std::string name, asyncio::Barrier& barrier, std::vector<std::string>& out) {
  for (int round = 0; round < 2; ++round) {
    const int index = co_await barrier.wait();
    out.push_back(name + std::to_string(round) + ":" + std::to_string(index));
  }
}

Coro<> async_main() {
  asyncio::Barrier barrier(3);
  std::vector<std::string> out;
  std::vector<Task<>> tasks;
  for (const char* name : {"A", "B", "C"}) {
    tasks.push_back(create_task(worker(name, barrier, out)));
    co_await nap();
    log(name, "arrived; waiting", barrier.n_waiting(), "parties", barrier.parties());
  }
  co_await gather(tasks);
  log(out);
  log("n_waiting", barrier.n_waiting(), "broken", barrier.broken());
  log(thrown_by([] { asyncio::Barrier nobody(0); }));
}

PARITY_RUN(s075, async_main)
}  // namespace parity::s075

namespace parity::s076 {

Coro<> worker(std::string name, asyncio::Barrier& barrier) {
  try {
    const int index = co_await barrier.wait();
    log(name, "index", index);
  } catch (...) {
    log(name, type_name(std::current_exception()));
  }
}

Coro<std::vector<Task<>>> start(asyncio::Barrier& barrier, std::string names) {
  std::vector<Task<>> tasks;
  for (const char name : names) {
    tasks.push_back(create_task(worker(std::string(1, name), barrier)));
  }
  co_await nap();
  co_return tasks;
}

Coro<> cancel_part(asyncio::Barrier& barrier) {
  log("cancel");
  auto first = co_await start(barrier, "AB");
  first[0].cancel();
  co_await wait(std::vector{first[0]});
  log("waiting", barrier.n_waiting(), "broken", barrier.broken());
  auto rest = co_await start(barrier, "CD");
  co_await gather(first[1], rest[0], rest[1]);
}

Coro<> reset_part(asyncio::Barrier& barrier) {
  log("reset");
  auto tasks = co_await start(barrier, "EF");
  co_await barrier.reset();
  co_await gather(tasks);
  log("broken", barrier.broken(), "waiting", barrier.n_waiting());
  tasks = co_await start(barrier, "GHI");
  co_await gather(tasks);
}

Coro<> abort_part(asyncio::Barrier& barrier) {
  log("abort");
  auto tasks = co_await start(barrier, "JK");
  co_await barrier.abort();
  co_await gather(tasks);
  log("broken", barrier.broken());
  tasks = co_await start(barrier, "L");
  co_await gather(tasks);
  co_await barrier.reset();
  log("broken after reset", barrier.broken());
  tasks = co_await start(barrier, "MNO");
  co_await gather(tasks);
}

Coro<> async_main() {
  asyncio::Barrier barrier(3);
  co_await cancel_part(barrier);
  co_await reset_part(barrier);
  co_await abort_part(barrier);
}

PARITY_RUN(s076, async_main)
}  // namespace parity::s076
