// queues.cpp: Queue, PriorityQueue, LifoQueue: cancelled getters, join, shutdown, order.
#include "trace.hpp"

namespace parity::s078 {

using asyncio::Queue;
using asyncio::Timeout;

Coro<> getter(std::string name, Queue<std::string>& queue) {
  try {
    std::string item = co_await queue.get();
    log(name, "got", item);
  } catch (const CancelledError&) {
    log(name, "cancelled");
    throw;
  }
}

Coro<std::string> timed(Queue<std::string>& queue, Timeout& limit) {
  co_return co_await with(limit, [&]() -> Coro<std::string> { co_return co_await queue.get(); });
}

Coro<> async_main() {
  Queue<std::string> queue;
  auto a = create_task(getter("A", queue));
  auto b = create_task(getter("B", queue));
  auto c = create_task(getter("C", queue));
  co_await nap();
  queue.put_nowait("item1");  // wakes A,
  a.cancel();                 // which is cancelled before it runs
  co_await wait(std::vector{a, b}, {.timeout = 500ms});
  log("B done", b.done(), "size", queue.qsize());
  c.cancel();
  co_await wait(std::vector{c});
  queue.put_nowait("item2");
  const std::size_t size = queue.qsize();
  log("after a cancelled queued getter, size", size, queue.get_nowait());

  // item and timeout in the same pass
  Timeout limit = timeout(std::nullopt);
  auto t = create_task(timed(queue, limit));
  co_await nap();
  limit.reschedule(get_running_loop().time() - 1s);
  queue.put_nowait("item3");
  co_await wait(std::vector{t});
  if (t.exception()) {
    const std::size_t left = queue.qsize();
    log("timed out", type_name(t.exception()), "item still there", left, queue.get_nowait());
  } else {
    log("got", t.result(), "size", queue.qsize());
  }
}

PARITY_RUN(s078, async_main)
}  // namespace parity::s078

namespace parity::s079 {

using asyncio::Timeout;

Coro<std::string> timed(Task<std::string> get_task, Timeout& limit) {
  co_return co_await with(limit, [&]() -> Coro<std::string> { co_return co_await get_task; });
}

Coro<> async_main() {
  asyncio::Queue<std::string> queue;
  auto get_task = create_task(queue.get());
  Timeout limit = timeout(std::nullopt);
  auto t = create_task(timed(get_task, limit));
  co_await passes(2);
  queue.put_nowait("precious");
  co_await nap();  // get_task pops the item and finishes
  log("get_task finished", get_task.done(), "queue size", queue.qsize(), "waiter done", t.done());
  t.cancel();  // (or its timer fires) before it is resumed
  co_await wait(std::vector{t});
  log("waiter cancelled", t.cancelled(), "queue size", queue.qsize());
  log("the item survives only in the task:", get_task.result());
}

PARITY_RUN(s079, async_main)
}  // namespace parity::s079

namespace parity::s081 {

Coro<> async_main() {
  asyncio::Queue<std::string> queue;
  co_await queue.join();
  log("join on a fresh queue returns");
  queue.put_nowait("0");
  queue.put_nowait("1");
  auto j = create_task(queue.join());
  queue.get_nowait();
  queue.get_nowait();
  co_await passes(2);
  log("empty", queue.empty(), "join done", j.done());
  queue.task_done();
  queue.put_nowait("late");
  queue.task_done();
  co_await passes(2);
  log("one late item, join done", j.done());
  queue.get_nowait();
  queue.task_done();
  co_await wait_for(j, 500ms);
  log("join returned");
  log(thrown_by([&] { queue.task_done(); }));
}

PARITY_RUN(s081, async_main)
}  // namespace parity::s081

namespace parity::s082 {

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
  } catch (const std::exception&) {
    log(label, "->", type_name(std::current_exception()));
  }
}

Coro<> async_main() {
  Queue<int> queue(2);
  queue.put_nowait(1);
  queue.put_nowait(2);
  auto p1 = create_task(attempt("blocked put 3", queue.put(3)));
  auto p2 = create_task(attempt("blocked put 4", queue.put(4)));
  co_await nap();
  queue.shutdown();
  co_await gather(p1, p2);
  co_await attempt("put 5", queue.put(5));
  log("put_nowait", type_name(thrown_by([&] { queue.put_nowait(6); })));
  auto j = create_task(queue.join());
  for (int i = 0; i < 3; ++i) co_await attempt("get", queue.get());
  log("get_nowait", type_name(thrown_by([&] { queue.get_nowait(); })));
  log("join done", j.done());
  queue.task_done();
  queue.task_done();
  co_await wait_for(j, 500ms);

  Queue<int> empty;
  auto g = create_task(attempt("blocked get", empty.get()));
  co_await nap();
  empty.shutdown();
  empty.shutdown();
  co_await g;
}

PARITY_RUN(s082, async_main)
}  // namespace parity::s082

namespace parity::s084 {

Coro<> async_main() {
  asyncio::PriorityQueue<int> smallest;
  for (const int x : {3, 1, 2, 1}) smallest.put_nowait(x);
  std::vector<int> numbers;
  for (int i = 0; i < 4; ++i) numbers.push_back(smallest.get_nowait());
  log(numbers);
  asyncio::LifoQueue<std::string> latest(3);
  for (const char* x : {"a", "b", "c"}) latest.put_nowait(x);
  std::vector<std::string> letters;
  for (int i = 0; i < 3; ++i) letters.push_back(latest.get_nowait());
  log(letters);

  auto g = create_task(smallest.get());
  co_await nap();
  smallest.put_nowait(9);  // wakes g
  smallest.put_nowait(5);  // a better item arrives before g runs
  const int got = co_await g;
  log("getter got", got, "left", smallest.get_nowait());
}

PARITY_RUN(s084, async_main)
}  // namespace parity::s084

namespace parity::s085 {

using asyncio::Queue;

Coro<> getter(std::string name, Queue<int>& queue) {
  const int item = co_await queue.get();
  log(name, "got", item);
}

Coro<> async_main() {
  Queue<int> queue;
  auto a = create_task(getter("A (first in line)", queue));
  auto b = create_task(getter("B (second)", queue));
  co_await nap();
  queue.put_nowait(1);                     // wakes A
  log("main steals", queue.get_nowait());  // before A runs
  co_await nap();                          // A finds it empty
  queue.put_nowait(2);
  queue.put_nowait(3);
  co_await gather(a, b);
}

PARITY_RUN(s085, async_main)
}  // namespace parity::s085

namespace parity::s118 {

using asyncio::Queue;
using asyncio::TaskGroup;

Coro<> producer(Queue<int>& queue) {
  try {
    for (int i = 0; i < 100; ++i) co_await queue.put(i);
  } catch (const CancelledError&) {
    log("producer cancelled while blocked; queue size", queue.qsize());
    throw;
  }
}

Coro<> worker(std::string name, Queue<int>& queue, std::vector<int>& seen) {
  for (;;) {
    const int i =
        co_await with(timeout(1s), [&]() -> Coro<int> { co_return co_await queue.get(); });
    if (i == 7) throw ValueError(name + " rejects " + std::to_string(i));
    seen.push_back(i);
    queue.task_done();
    co_await nap();
  }
}

Coro<> async_main() {
  Queue<int> queue(3);
  std::vector<int> seen;
  try {
    co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
      group.create_task(worker("w1", queue, seen));
      group.create_task(worker("w2", queue, seen));
      group.create_task(producer(queue));
      co_return;
    });
  } catch (const ExceptionGroup& group) {
    log(group);
  }
  log("seen", seen);
  std::vector<int> left;
  while (auto item = queue.try_get()) left.push_back(*item);
  log("left", left);
  log("tasks", all_tasks().size(), "requests", requests());
}

PARITY_RUN(s118, async_main)
}  // namespace parity::s118
