// runners.cpp: run(): shutdown order, failures, SIGINT; signal handlers; context variables;
// threads.
#include <signal.h>
#include <unistd.h>

#include <mutex>
#include <thread>

#include "trace.hpp"

namespace parity::s099 {

asyncio::ContextVar<std::string> var("var", "default");
std::thread::id main_thread;

using Seen = std::tuple<int, std::string, bool>;

Seen work(int x) {
  if (!thrown_by([] { get_running_loop(); })) log("loop in worker - must not happen");
  std::string seen = var.get();
  var.set("changed in thread");
  return {x, seen, std::this_thread::get_id() == main_thread};
}

void fail() { throw ValueError("from thread"); }

Coro<> async_main() {
  main_thread = std::this_thread::get_id();
  Loop& loop = get_running_loop();
  var.set("main");
  Seen seen = co_await asyncio::to_thread(work, 1);
  log("to_thread", seen);
  seen = co_await loop.run_in_executor([] { return work(2); });
  log("run_in_executor", seen);
  log("context unchanged", var.get(), "in main thread", std::this_thread::get_id() == main_thread);
  try {
    co_await asyncio::to_thread(fail);
  } catch (const ValueError& error) {
    log(error);
  }
  try {
    co_await loop.run_in_executor(fail);
  } catch (const ValueError& error) {
    log(error);
  }
  auto lazy = asyncio::to_thread([] { log("started only when awaited"); });
  log("to_thread() is lazy");
  co_await std::move(lazy);
  auto f = loop.run_in_executor([] { return std::string("eager"); });
  std::string result = co_await std::move(f);
  log("run_in_executor() is submitted at once, result", result);
}

PARITY_RUN(s099, async_main)
}  // namespace parity::s099

namespace parity::s100 {

std::mutex mutex;
std::vector<std::string> events;

void note(std::string event) {
  const std::lock_guard held(mutex);
  events.push_back(std::move(event));
}

std::string slow(std::string n) {
  note("start " + n);
  std::this_thread::sleep_for(80ms);
  note("end " + n);
  return n;
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  loop.set_default_executor(std::make_shared<asyncio::ThreadPoolExecutor>(1));
  auto a = loop.run_in_executor([] { return slow("a"); });
  auto b = loop.run_in_executor([] { return slow("b"); });
  co_await nap(30ms);
  const auto t0 = loop.time();
  a.cancel();
  b.cancel();
  try {
    co_await a;
  } catch (const CancelledError&) {
    log("a", "CancelledError");
  }
  try {
    co_await b;
  } catch (const CancelledError&) {
    log("b", "CancelledError");
  }
  log("did not wait", loop.time() - t0 < 30ms);
  note("main returns");
}

PARITY(s100) {
  asyncio::run(async_main());
  log(events);
}
}  // namespace parity::s100

namespace parity::s108 {

std::optional<Task<>> left_task;
std::optional<asyncio::AsyncGenerator<int>> left_generator;

Coro<> leftover() {
  co_await asyncio::try_finally([]() -> Coro<> { co_await nap(10s); },
                                []() -> Coro<> {
                                  co_await nap(10ms);
                                  log("leftover task cleaned up");
                                });
}

asyncio::AsyncGenerator<int> generate() {
  std::exception_ptr leaving;
  try {
    co_yield 1;
    co_yield 2;
  } catch (...) {
    leaving = std::current_exception();
  }
  co_await nap();
  log("async generator closed");
  if (leaving) std::rethrow_exception(leaving);
}

void worker() {
  std::this_thread::sleep_for(100ms);
  log("worker thread finished");
}

Coro<std::string> async_main() {
  left_task = create_task(leftover());
  left_generator.emplace(generate());
  co_await left_generator->next();
  auto job = get_running_loop().run_in_executor(worker);
  co_await nap();
  log("main returns");
  co_return "result";
}

PARITY(s108) {
  log(asyncio::run(async_main()));
  log("task cancelled", left_task->cancelled());
  log(thrown_by([] { get_running_loop(); }));
  left_generator.reset();
  left_task.reset();
}
}  // namespace parity::s108

namespace parity::s109 {

Coro<> leftover(std::string text) {
  try {
    co_await nap(10s);
  } catch (const CancelledError&) {
    log("leftover finally");
    throw RuntimeError(text);
  }
}

Coro<std::string> async_main(bool fail) {
  get_running_loop().set_exception_handler([](Loop&, const asyncio::ExceptionContext& context) {
    log("handler:", context.message, context.exception);
  });
  auto t = create_task(leftover("cleanup failed"));
  co_await nap();
  if (fail) throw ValueError("main failed");
  co_return "fine";
}

Coro<> cancelled_main() {
  current_task()->cancel("self");
  co_await nap();
}

PARITY(s109) {
  log("run raised", thrown_by([] { asyncio::run(async_main(true)); }));
  log("run returned", asyncio::run(async_main(false)));
  log("run raised", thrown_by([] { asyncio::run(cancelled_main()); }));
}
}  // namespace parity::s109

namespace parity::s111 {

Coro<std::string> guarded(bool swallow) {
  try {
    co_await nap(5s);
  } catch (const CancelledError&) {
    log("main cancelled; requests", requests());
    if (!swallow) throw;
  }
  co_return "swallowed";
}

Coro<std::string> async_main(bool swallow) {
  get_running_loop().call_later(10ms, [] { ::kill(::getpid(), SIGINT); });
  co_return co_await asyncio::try_finally([=] { return guarded(swallow); },
                                          []() -> Coro<> {
                                            co_await nap(10ms);
                                            log("async cleanup done");
                                          });
}

Coro<> cancelled_without_sigint() {
  current_task()->cancel();
  co_await nap();
}

auto handler() {
  struct sigaction action = {};
  ::sigaction(SIGINT, nullptr, &action);
  return action.sa_handler;
}

PARITY(s111) {
  const auto before = handler();
  try {
    asyncio::run(async_main(false));
  } catch (const asyncio::KeyboardInterrupt&) {
    log("KeyboardInterrupt");
  }
  log("result", asyncio::run(async_main(true)));
  try {
    asyncio::run(cancelled_without_sigint());
  } catch (const CancelledError&) {
    log("CancelledError, not KeyboardInterrupt");
  }
  log("handler restored", handler() == before);
}
}  // namespace parity::s111

namespace parity::s112 {

Coro<> async_main() {
  Loop& loop = get_running_loop();
  asyncio::Queue<std::string> got;
  loop.add_signal_handler(SIGUSR1, [] { log("replaced - never"); });
  loop.add_signal_handler(SIGUSR1, [&] { got.put_nowait("usr1"); });
  ::kill(::getpid(), SIGUSR1);
  log("raised; not run inline", got.qsize());
  std::string name = co_await wait_for(got.get(), 1s);
  log(name);
  const bool first = loop.remove_signal_handler(SIGUSR1);
  const bool second = loop.remove_signal_handler(SIGUSR1);
  log("removed", first, second);
  log("SIGKILL", type_name(thrown_by([&] { loop.add_signal_handler(SIGKILL, [] {}); })));
  log("9999", type_name(thrown_by([&] { loop.add_signal_handler(9999, [] {}); })));
}

PARITY_RUN(s112, async_main)
}  // namespace parity::s112

namespace parity::s114 {

asyncio::ContextVar<std::string> var("var", "unset");

Coro<> child(std::string name) {
  log(name, "sees", var.get());
  var.set(name);
  co_await nap();
  log(name, "still sees", var.get());
}

Coro<> plain() {
  var.set("set by plain coroutine");
  co_return;
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  var.set("parent-1");
  auto t1 = create_task(child("t1"));
  loop.call_soon([] { log("callback sees", var.get()); });
  var.set("parent-2");
  auto t2 = create_task(child("t2"));
  co_await t1;
  co_await t2;
  log("parent sees", var.get());
  co_await plain();
  log("after plain coroutine", var.get());

  asyncio::Context context = asyncio::copy_context();
  context.run([] { var.set("in ctx"); });
  co_await create_task(child("shared"), {.context = context});
  log("explicit context was changed", context.get(var), "parent sees", var.get());

  auto f = loop.create_future();
  f.add_done_callback([](const Future<>&) { log("done callback sees", var.get()); });
  var.set("after registration");
  f.set_result();
  co_await nap();
}

PARITY_RUN(s114, async_main)
}  // namespace parity::s114
