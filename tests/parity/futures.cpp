// futures.cpp: the state machine of Future, several awaiters, cancelled futures, bad awaits.
#include "trace.hpp"

namespace parity::s016 {

template <class T>
concept TakesResult = requires(T t) { t.set_result(1); };
template <class T>
concept TakesException = requires(T t, std::exception_ptr e) { t.set_exception(e); };

template <class F>
void attempt(const char* label, F call) {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
      call();
      log(label, "->", nullptr);
    } else {
      log(label, "->", call());
    }
  } catch (...) {
    log(label, "->", type_name(std::current_exception()));
  }
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  const auto x = std::make_exception_ptr(ValueError("x"));
  auto f = loop.create_future<int>();
  log("pending", f.done(), f.cancelled());
  attempt("result", [&] { return f.result(); });
  attempt("exception", [&] { return f.exception(); });
  f.set_result(7);
  log("done", f.done(), f.cancelled());
  attempt("result", [&] { return f.result(); });
  attempt("exception", [&] { return f.exception(); });
  attempt("set_result again", [&] { f.set_result(8); });
  attempt("set_exception again", [&] { f.set_exception(x); });
  attempt("cancel", [&] { return f.cancel(); });
  attempt("result unchanged", [&] { return f.result(); });

  auto g = loop.create_future<int>();
  g.set_exception(std::make_exception_ptr(ValueError("boom")));
  attempt("exception", [&] { return g.exception(); });
  attempt("result", [&] { return g.result(); });
  attempt("result again", [&] { return g.result(); });

  auto h = loop.create_future<int>();
  attempt("cancel", [&] { return h.cancel(); });
  attempt("cancel again", [&] { return h.cancel(); });
  log("cancelled is done", h.done(), h.cancelled());
  attempt("result", [&] { return h.result(); });
  attempt("exception", [&] { return h.exception(); });
  attempt("set_result", [&] { h.set_result(1); });

  // A C++ Task has no such members at all: what Python refuses at run time does not compile.
  if (!TakesResult<Task<int>>) log("task RuntimeError(Task does not support set_result operation)");
  if (!TakesException<Task<int>>)
    log("task RuntimeError(Task does not support set_exception operation)");
  co_await nap();
}

PARITY_RUN(s016, async_main)
}  // namespace parity::s016

namespace parity::s018 {

Coro<> waiter(std::string name, Future<int> future, std::vector<std::exception_ptr>& keep) {
  try {
    const int result = co_await future;
    log(name, "got", result);
  } catch (...) {
    keep.push_back(std::current_exception());
    log(name, "got", keep.back());
    throw;
  }
}

Coro<> round(std::string mode) {
  log("==", mode);
  auto future = get_running_loop().create_future<int>();
  std::vector<std::exception_ptr> keep;
  std::vector<Task<>> tasks;
  for (const char* name : {"A", "B", "C"}) {
    tasks.push_back(create_task(waiter(name, future, keep)));
  }
  co_await nap();
  if (mode == "result") {
    future.set_result(42);
  } else if (mode == "exception") {
    future.set_exception(std::make_exception_ptr(ValueError("shared")));
  } else {
    tasks[1].cancel();
    log("future cancelled at once", future.cancelled());
  }
  co_await wait(tasks);
  if (mode == "exception") log("same object", keep[0] == keep[1] && keep[1] == keep[2]);
  if (mode.starts_with("cancel")) {
    std::vector<bool> cancelled;
    std::vector<int> counts;
    for (auto& task : tasks) {
      cancelled.push_back(task.cancelled());
      counts.push_back(task.cancelling());
    }
    log("tasks cancelled", cancelled, "requests", counts);
  }
  for (auto& task : tasks) {
    if (!task.cancelled()) (void)task.exception();
  }
}

Coro<> async_main() {
  co_await round("result");
  co_await round("exception");
  co_await round("cancel one awaiter");
}

PARITY_RUN(s018, async_main)
}  // namespace parity::s018

namespace parity::s019 {

Coro<> waiter(Future<> future) { co_await future; }

Coro<> raises() {
  throw CancelledError("by hand");
  co_return;
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  auto future = loop.create_future();
  auto t = create_task(waiter(future));
  co_await nap();
  future.cancel("from the future");
  log("not yet", t.done());
  std::exception_ptr seen = co_await caught(t);
  log("awaiter sees", seen);
  log("task cancelled", t.cancelled(), "cancelling", t.cancelling());

  t = create_task(raises());
  co_await wait(std::vector{t});
  log("task cancelled", t.cancelled(), "cancelling", t.cancelling());

  auto f2 = loop.create_future();
  f2.cancel();
  seen = co_await caught(f2);
  log("main sees", seen, "cancelling", requests());
}

PARITY_RUN(s019, async_main)
}  // namespace parity::s019

namespace parity::s021 {

// Held by its own coroutine's argument, which is the only way for it to know itself in C++.
Coro<> self_await(std::optional<Task<>>& me) { co_await *me; }
Coro<> foreign(Future<std::string> future) { co_await future; }

Coro<> use(asyncio::Lock& lock) { auto held = co_await lock.scoped(); }

Coro<> async_main() {
  std::optional<Task<>> self;
  self = create_task(self_await(self));
  std::exception_ptr error = co_await caught(*self);
  const std::string text = message(error);
  log(text.substr(0, text.find(':')));

  Loop other;
  auto f = other.create_future<std::string>();
  auto t = create_task(foreign(f));
  error = co_await caught(t);
  log("different loop", message(error).find("attached to a different loop") != std::string::npos);
  f.set_result("ok");
  std::string result = co_await f;
  log("done foreign future", result);

  asyncio::Lock lock;  // binds to the first loop that has to wait on it
  co_await lock.acquire();
  auto w = create_task([&]() -> Coro<> { co_await lock.acquire(); });
  co_await nap();
  co_await asyncio::to_thread([&] {
    std::exception_ptr refused = thrown_by([&] { other.run_until_complete(use(lock)); });
    log("lock", message(refused).find("is bound to a different event loop") != std::string::npos);
  });
  lock.release();
  co_await w;
  other.close();
}

PARITY_RUN(s021, async_main)
}  // namespace parity::s021
