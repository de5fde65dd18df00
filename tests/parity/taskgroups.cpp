// taskgroups.cpp: failures of children and body, outer cancels, nested groups.
#include "trace.hpp"

namespace parity::s060 {

using asyncio::TaskGroup;

Coro<> sibling() {
  std::exception_ptr error = co_await caught(nap(10s));
  log("sibling cancelled");
  co_await nap(10ms);
  log("sibling cleaned up");
  std::rethrow_exception(error);
}

Coro<> bad() {
  co_await nap();
  throw ValueError("child failed");
}

Coro<> async_main() {
  Task<> s;
  try {
    co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
      s = group.create_task(sibling());
      group.create_task(bad());
      try {
        co_await nap(10s);
      } catch (const CancelledError&) {
        log("body cancelled; requests", requests());
        throw;
      }
    });
  } catch (const ExceptionGroup& group) {
    log(group, "message:", group.message());
  }
  log("sibling cancelled", s.cancelled(), "requests", requests());
  co_await nap();
  log("parent goes on");
}

PARITY_RUN(s060, async_main)
}  // namespace parity::s060

namespace parity::s061 {

using asyncio::TaskGroup;

Coro<> fails(std::string text, asyncio::Duration delay) {
  co_await nap(delay);
  throw ValueError(text);
}

Coro<> fails_in_cleanup(std::string text) {
  co_await caught(nap(10s));
  co_await nap(10ms);
  throw RuntimeError(text);
}

Coro<> quiet() { co_await nap(10s); }

Coro<> async_main() {
  try {
    co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(fails_in_cleanup("cleanup"));
      group.create_task(fails("first", 0s));
      group.create_task(quiet());
      co_return;
    });
  } catch (const ExceptionGroup& group) {
    log(group);
  }
  try {
    co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(fails_in_cleanup("cleanup"));
      co_await nap();
      throw KeyError("body");
    });
  } catch (const ExceptionGroup& group) {
    std::vector<std::string> types;
    for (const auto& each : group.exceptions()) types.push_back(type_name(each));
    log("ExceptionGroup", types);
  }
  try {
    co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(fails("same iteration 1", 0s));
      group.create_task(fails("same iteration 2", 0s));
      co_return;
    });
  } catch (const ExceptionGroup& group) {
    log(group);
  }
}

PARITY_RUN(s061, async_main)
}  // namespace parity::s061

namespace parity::s063 {

using asyncio::TaskGroup;

Coro<> child(bool fail) {
  std::exception_ptr error = co_await caught(nap(10s));
  co_await nap(5ms);
  log("  child cleaned up");
  if (fail) throw ValueError("cleanup failed");
  std::rethrow_exception(error);
}

Coro<> parent(bool in_body, bool fail) {
  std::exception_ptr error = co_await caught(with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    group.create_task(child(fail));
    if (in_body) co_await nap(10s);
  }));
  log("  parent got", error, "requests", requests());
  if (is<CancelledError>(error)) std::rethrow_exception(error);
  try {
    co_await nap();
    log("  next await fine - request lost");
  } catch (const CancelledError&) {
    log("  next await raises CancelledError; requests", requests());
    throw;
  }
}

Coro<> async_main() {
  for (const bool in_body : {true, false}) {
    for (const bool fail : {false, true}) {
      log("cancelled in", in_body ? "body" : "exit", "- child fails", fail);
      auto t = create_task(parent(in_body, fail));
      co_await passes(2);
      t.cancel();
      co_await wait(std::vector{t});
      log("  parent cancelled", t.cancelled());
    }
  }
}

PARITY_RUN(s063, async_main)
}  // namespace parity::s063

namespace parity::s064 {

using asyncio::TaskGroup;

Coro<std::string> sibling() {
  co_await nap(20ms);
  log("sibling completed");
  co_return "sibling value";
}

Coro<> by_hand() {
  throw CancelledError();
  co_return;
}

Coro<std::string> stubborn() {
  co_await caught(nap(10s));
  co_await nap(10ms);
  log("stubborn suppressed it");
  co_return "stubborn value";
}

Coro<> bad() {
  throw ValueError("bad");
  co_return;
}

Coro<> async_main() {
  Task<std::string> s;
  Task<> c;
  Task<> h;
  co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    s = group.create_task(sibling());
    c = group.create_task(asyncio::sleep(10s));
    h = group.create_task(by_hand());
    co_await nap();
    c.cancel();
  });
  log(s.result(), c.cancelled(), h.cancelled());
  try {
    co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
      s = group.create_task(stubborn());
      co_await nap();
      group.create_task(bad());
    });
  } catch (const ExceptionGroup& group) {
    log(group, s.result());
  }
}

PARITY_RUN(s064, async_main)
}  // namespace parity::s064

namespace parity::s066 {

using asyncio::TaskGroup;

struct Inner : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Outer : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class E>
Coro<> raises(E error) {
  co_await nap();
  throw error;
}

Coro<> child() {
  co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
    group.create_task(raises(Inner("leaf")));
    co_return;
  });
}

Coro<> outer_body(TaskGroup& outer) {
  try {
    co_await with(TaskGroup(), [&](TaskGroup& inner) -> Coro<> {
      inner.create_task(raises(Inner("i")));
      outer.create_task(raises(Outer("o")));
      co_return;
    });
  } catch (const ExceptionGroup& group) {  // except* Inner
    auto [matching, rest] = group.split<Inner>();
    if (matching) log("inner handled", std::make_exception_ptr(*matching), "requests", requests());
    if (rest) throw *rest;
  }
  try {
    co_await nap(10ms);
    log("outer body continues in a dead group - must not happen");
  } catch (const CancelledError&) {
    log("outer body cancelled at its next await");
    throw;
  }
}

Coro<> async_main() {
  try {
    co_await with(TaskGroup(), [](TaskGroup& group) -> Coro<> {
      group.create_task(child());
      group.create_task(asyncio::sleep(10s));
      co_return;
    });
  } catch (...) {
    log(std::current_exception());
  }

  try {
    co_await with(TaskGroup(), [](TaskGroup& outer) -> Coro<> { co_await outer_body(outer); });
  } catch (const ExceptionGroup& group) {  // except* Outer
    log("outer", group);
  }
  log("requests", requests());
}

PARITY_RUN(s066, async_main)
}  // namespace parity::s066
