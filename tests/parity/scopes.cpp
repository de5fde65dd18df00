// scopes.cpp: run() interrupted twice, generators at shutdown, locks left in every way.
#include <signal.h>
#include <unistd.h>

#include "trace.hpp"

namespace parity::x047 {

void interrupt() { ::kill(::getpid(), SIGINT); }

Coro<> cleanup() {
  try {
    co_await nap(5s);
    log("not reached");
  } catch (const CancelledError&) {
    log("cancelled while it closes", requests());
    throw;
  }
}

Coro<> async_main() {
  Loop& loop = get_running_loop();
  loop.call_later(10ms, interrupt);
  loop.call_later(50ms, interrupt);
  co_await caught(nap(5s));
  log("first: main cancelled", requests());
  co_await cleanup();
}

Coro<std::string> fine() { co_return "a later run is fine"; }

Coro<> fails_in_cleanup() {
  get_running_loop().call_later(10ms, interrupt);
  co_await caught(nap(5s));
  throw ValueError("from the clean-up");
}

Coro<> child() {
  try {
    co_await nap(5s);
  } catch (const CancelledError&) {
    log("child cancelled");
    throw;
  }
}

Coro<> in_a_group() {
  get_running_loop().call_later(10ms, interrupt);
  std::exception_ptr error =
      co_await caught(with(asyncio::TaskGroup(), [](asyncio::TaskGroup& group) -> Coro<> {
        group.create_task(child());
        co_return;
      }));
  log("group left");
  if (error) std::rethrow_exception(error);
}

PARITY(x047) {
  log("run raised", type_name(thrown_by([] { asyncio::run(async_main()); })));
  log(asyncio::run(fine()));
  log("run raised", thrown_by([] { asyncio::run(fails_in_cleanup()); }));
  log("run raised", type_name(thrown_by([] { asyncio::run(in_a_group()); })));
}
}  // namespace parity::x047

namespace parity::x048 {

using asyncio::AsyncGenerator;

std::vector<AsyncGenerator<std::string>> kept;

AsyncGenerator<std::string> generate(std::string name, bool fail = false) {
  std::exception_ptr leaving;
  try {
    co_yield name;
    co_yield "never";
  } catch (...) {
    leaving = std::current_exception();
  }
  co_await nap();
  log("closed", name);
  if (fail) throw RuntimeError(name + " failed");
  if (leaving) std::rethrow_exception(leaving);
}

AsyncGenerator<int> finished() { co_yield 1; }

// The first words of the message; Python's goes on with an address.
std::string five_words(const std::string& text) {
  std::size_t end = 0;
  for (int i = 0; i < 5 && end != std::string::npos; ++i) end = text.find(' ', end + 1);
  return text.substr(0, end);
}

Coro<std::string> async_main() {
  get_running_loop().set_exception_handler([](Loop&, const asyncio::ExceptionContext& context) {
    log("handler:", five_words(context.message), context.exception);
  });
  auto a = generate("a");
  kept.push_back(generate("b", true));
  kept.push_back(generate("never started"));
  auto first = co_await a.next();
  auto second = co_await kept[0].next();
  log(first, second);
  auto ended = finished();
  std::vector<int> all;
  while (auto x = co_await ended.next()) all.push_back(*x);
  log(all);
  co_await a.aclose();
  co_return "result";
}

Coro<> explicitly() {
  auto g = generate("explicit");
  co_await g.next();
  co_await get_running_loop().shutdown_asyncgens();
  auto end = co_await g.next();
  log("after shutdown_asyncgens", end ? *end : "finished");
}

PARITY(x048) {
  log(asyncio::run(async_main()));
  kept.clear();
  asyncio::run(explicitly());
}
}  // namespace parity::x048

namespace parity::x049 {

using asyncio::Lock;

Coro<std::string> section(Lock& lock, std::string how) {
  auto held = co_await lock.scoped();
  if (how == "return") co_return "returned";
  if (how == "error") throw ValueError("error");
  co_await nap(10s);
  co_return "not reached";
}

Coro<> cancelled(Lock& lock) {
  auto t = create_task(section(lock, "wait"));
  co_await nap();
  log("held", lock.locked());
  auto w = create_task(section(lock, "return"));
  co_await nap();
  t.cancel();
  std::exception_ptr error = co_await caught(t);
  std::string value = co_await w;
  log(type_name(error), value, lock.locked());
}

Coro<> timeouts(Lock& lock) {
  try {
    co_await with(timeout(5ms), [&] { return section(lock, "wait"); });
  } catch (const asyncio::TimeoutError&) {
    log("timeout", lock.locked());
  }
  co_await lock.acquire();
  try {
    co_await with(timeout(5ms), [&] { return section(lock, "return"); });
  } catch (const asyncio::TimeoutError&) {
    log("could not get it", lock.locked());
  }
  lock.release();
  auto held = co_await lock.scoped();
  log("free again", lock.locked());
}

Coro<> nested() {
  Lock inner, outer;
  {
    auto first = co_await outer.scoped();
    {
      auto second = co_await inner.scoped();
      log(outer.locked(), inner.locked());
    }
    log(outer.locked(), inner.locked());
  }
  log(outer.locked(), inner.locked());
  asyncio::Semaphore semaphore(2);
  {
    auto first = co_await semaphore.scoped();
    auto second = co_await semaphore.scoped();
    log("both permits", semaphore.locked());
  }
  log("back", semaphore.locked());
}

Coro<> async_main() {
  Lock lock;
  std::string value = co_await section(lock, "return");
  log(value, lock.locked());
  std::exception_ptr error = co_await caught(section(lock, "error"));
  log(error, lock.locked());
  co_await cancelled(lock);
  co_await timeouts(lock);

  int i = 0;
  for (; i < 3; ++i) {
    auto held = co_await lock.scoped();
    if (i == 1) break;
  }
  log("left by break", i, lock.locked());
  co_await nested();
}

PARITY_RUN(x049, async_main)
}  // namespace parity::x049
