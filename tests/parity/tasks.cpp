// tasks.cpp: when tasks start, what yields, names, current_task, all_tasks, eager tasks, laziness.
#include <algorithm>

#include "trace.hpp"

namespace parity::s006 {

Coro<int> child(int n) {
  log("child", n, "start");
  co_await nap();
  log("child", n, "end");
  co_return n;
}

Coro<std::string> instant() {
  log("instant");
  co_return "done in first step";
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  loop.call_soon([] { log("soon before"); });
  auto t1 = create_task(child(1));
  loop.call_soon([] { log("soon between"); });
  auto t2 = create_task(child(2));
  auto t3 = asyncio::ensure_future(instant());
  log("created, nothing ran", t1.done(), t2.done(), t3.done());
  co_await nap();
  log("after one iteration", t1.done(), t2.done(), t3.done());
  const int one = co_await t1;
  const int two = co_await t2;
  const std::string three = co_await t3;
  log(one, two, three);
}

PARITY_RUN(s006, async_main)
}  // namespace parity::s006

namespace parity::s007 {

int ticks = 0;

void tick() {
  ++ticks;
  get_running_loop().call_soon(tick);
}

Coro<int> plain() { co_return 1; }

template <class Make>
Coro<> cost(const char* name, Make make) {
  const int before = ticks;
  co_await make();
  log(name, ticks - before);
}

Coro<> with_lock(asyncio::Lock& lock) { auto held = co_await lock.scoped(); }
Coro<> with_timeout() {
  co_await with(timeout(1s), []() -> Coro<> { co_await plain(); });
}
Coro<> with_group() {
  co_await with(asyncio::TaskGroup(), []() -> Coro<> { co_return; });
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  loop.call_soon(tick);
  co_await nap();

  auto done_future = loop.create_future<int>();
  done_future.set_result(1);
  auto done_task = create_task(plain());
  co_await done_task;
  asyncio::Lock lock;
  asyncio::Semaphore semaphore(2);
  asyncio::Event event;
  asyncio::Queue<int> queue(2);
  event.set();

  co_await cost("plain coroutine", [] { return plain(); });
  co_await cost("done future", [&] { return done_future; });
  co_await cost("done task", [&] { return done_task; });
  co_await cost("lock", [&] { return with_lock(lock); });
  co_await cost("semaphore", [&] { return semaphore.acquire(); });
  co_await cost("set event", [&] { return event.wait(); });
  co_await cost("queue put", [&] { return queue.put(1); });
  co_await cost("queue get", [&] { return queue.get(); });
  co_await cost("empty gather", [] { return gather(); });
  co_await cost("gather of done", [&] { return gather(done_future, done_task); });
  co_await cost("shield of done", [&] { return shield(done_future); });
  co_await cost("wait_for plain", [] { return wait_for(plain(), 1s); });
  co_await cost("timeout", [] { return with_timeout(); });
  co_await cost("empty task group", [] { return with_group(); });
  co_await cost("sleep(0)", [] { return asyncio::sleep(0s); });
  co_await cost("wait([done])", [&] { return wait(std::vector{done_task}); });
  co_await cost("fresh task", [] { return create_task(plain()); });
}

PARITY_RUN(s007, async_main)
}  // namespace parity::s007

namespace parity::s034 {

Coro<> who() {
  log("in", current_task()->get_name());
  co_await nap();
  log("in", current_task()->get_name());
}

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const auto& task : all_tasks()) result.push_back(task.get_name());
  std::sort(result.begin(), result.end());
  return result;
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  log("main is", current_task()->get_name());
  auto a = create_task(who());
  auto b = create_task(who(), {.name = "bee"});
  auto c = create_task(who());
  c.set_name("123");
  loop.call_soon([] { log("callback has current task", current_task().has_value()); });
  log("names", a.get_name(), b.get_name(), c.get_name());
  log("all", names());
  co_await b;
  log("all", names());
  log("main again", current_task()->get_name());
}

PARITY_RUN(s034, async_main)
}  // namespace parity::s034

namespace parity::s115 {

std::optional<AnyTask> creator;

Coro<std::string> instant(std::string n) {
  log(" ", n, "runs in its own task", !(*current_task() == *creator));
  co_return n;
}

Coro<std::string> blocks(std::string n) {
  log(" ", n, "before suspension");
  co_await nap();
  log(" ", n, "after suspension");
  co_return n;
}

Coro<std::string> fails() {
  throw ValueError("eager failure");
  co_return "";
}

Coro<> round(bool eager) {
  Loop& loop = get_running_loop();
  log("eager", eager);
  auto t1 = loop.create_task(instant("t1"));
  auto t2 = create_task(blocks("t2"));
  auto t3 = create_task(fails());
  log("  after create:", t1.done(), t2.done(), t3.done(), "current restored",
      *current_task() == *creator);
  auto all = co_await gather(return_exceptions, t1, t2, t3);
  log("  gather", all);
  auto both = co_await gather(instant("g1"), instant("g2"));
  log("  gather of instant", both);
}

Coro<> async_main() {
  creator = current_task();
  Loop& loop = get_running_loop();
  co_await round(false);
  loop.set_task_factory(asyncio::eager_task_factory);
  co_await round(true);
  creator.reset();
}

PARITY_RUN(s115, async_main)
}  // namespace parity::s115

namespace parity::s117 {

Coro<int> work() {
  log("runs");
  co_return 1;
}

Coro<> pending() { co_await get_running_loop().create_future(); }

// "RuntimeWarning: coroutine 'work' was never awaited", and further lines, as Python shows it.
std::string as_in_python(std::string_view text) {
  const std::size_t sentence = text.find(": ");
  if (sentence == text.npos) return std::string(text);
  const std::string type(text.substr(0, sentence));
  const std::size_t begin = sentence + 2;
  return type + " " + type + "(" + std::string(text.substr(begin, text.find('\n') - begin)) + ")";
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  asyncio::logging::set_sink(
      [](asyncio::LogLevel, std::string_view text) { log("warning:", as_in_python(text)); });
  auto c = work();
  log("called; nothing ran");
  int result = co_await std::move(c);
  log(result);
  std::exception_ptr error = co_await [](Coro<int>& used) -> Coro<std::exception_ptr> {
    try {
      co_await std::move(used);
    } catch (...) {
      co_return std::current_exception();
    }
    co_return nullptr;
  }(c);
  log(error);
  loop.set_debug(true);
  { auto dropped = work(); }
  loop.set_debug(false);

  loop.set_exception_handler([](Loop&, const asyncio::ExceptionContext& context) {
    log("handler:", context.message, context.task ? context.task->get_name() : "no task");
  });
  auto lost = create_task(pending(), {.name = "lost"});
  lost = {};
  co_await nap();
  asyncio::logging::set_sink(nullptr);
}

PARITY_RUN(s117, async_main)
}  // namespace parity::s117
