// generators.cpp: async generators: aclose, dropping, athrow, concurrent use, cancellation.
#include "trace.hpp"

namespace parity::s102 {

using asyncio::AsyncGenerator;

// `finally: await` around a yield: catch, leave the handler, then await.
AsyncGenerator<int> generate(std::string name) {
  std::exception_ptr leaving;
  try {
    for (int i = 0; i < 5; ++i) {
      co_yield i;
      log(name, "resumed after", i);
    }
  } catch (...) {
    leaving = std::current_exception();
  }
  co_await nap();
  log(name, "finally");
  if (leaving) std::rethrow_exception(leaving);
}

Coro<> dropped() {
  auto g = generate("g2");
  while (auto x = co_await g.next()) {
    log("got", *x);
    break;
  }
}

Coro<> async_main() {
  auto g = generate("g1");
  while (auto x = co_await g.next()) {
    log("got", *x);
    if (*x == 1) break;
  }
  log("after break; finally has not run");
  co_await g.aclose();
  log("after aclose");
  auto end = co_await g.next();
  if (!end) log("StopAsyncIteration");
  co_await g.aclose();

  co_await dropped();
  log("dropped; finally has not run yet");
  co_await passes(4);
  log("after a few iterations");

  auto g3 = generate("g3");
  co_await g3.aclose();
  log("never started: nothing ran");
}

PARITY_RUN(s102, async_main)
}  // namespace parity::s102

namespace parity::s103 {

using asyncio::AsyncGenerator;

AsyncGenerator<std::string> generate() {
  try {
    for (;;) {
      bool recovered = false;
      try {
        co_await nap(10ms);
        co_yield "tick";
      } catch (const ValueError& error) {
        log("gen handles", error);
        recovered = true;
      }
      if (recovered) co_yield "recovered";
    }
  } catch (...) {
    log("gen finally");
    throw;
  }
}

Coro<> consume(AsyncGenerator<std::string>& g) {
  while (auto x = co_await g.next()) log("consumer", *x);
}

Coro<> async_main() {
  auto g = generate();
  auto first = co_await g.next();
  log(first);
  auto second = co_await g.athrow(std::make_exception_ptr(ValueError("thrown in")));
  log(second);
  auto t = create_task(consume(g));
  co_await nap();
  try {
    co_await g.next();
  } catch (const RuntimeError& error) {
    log(error);
  }
  t.cancel();
  co_await wait(std::vector{t});
  log("consumer cancelled", t.cancelled());
  auto end = co_await g.next();
  if (!end) log("generator is finished");
}

PARITY_RUN(s103, async_main)
}  // namespace parity::s103
