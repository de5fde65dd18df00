// The programs of docs/guide/clean_up.md.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <exception>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<> rollback() {
  co_await asyncio::sleep(1ms);
  fmt::print("rolled back\n");
}

// [destructor]
struct Timing {
  std::string what;
  ~Timing() { fmt::print("{} ended\n", what); }
};

asyncio::Coro<> timed() {
  Timing timing{"timed()"};  // runs at return, exception and cancellation alike
  co_await asyncio::sleep(1ms);
}
// [/destructor]

// [try_finally]
asyncio::Coro<> say_goodbye() {
  co_await asyncio::sleep(1ms);
  fmt::print("goodbye\n");
}

asyncio::Coro<> polite() {
  co_await asyncio::try_finally(
      []() -> asyncio::Coro<> {
        fmt::print("hello\n");
        co_await asyncio::sleep(1h);
      },
      [] { return say_goodbye(); });  // awaited to its end, also when we are cancelled
}
// [/try_finally]

asyncio::Coro<int> transfer() {
  co_await asyncio::sleep(1ms);
  throw asyncio::ValueError("no funds");
}

// [outcome]
asyncio::Coro<> transfer_or_roll_back() {
  auto outcome = co_await asyncio::outcome_of(transfer());
  if (!outcome) {
    fmt::print("{}\n", asyncio::describe(outcome.exception()));
    co_await rollback();  // could not stand in a catch block
  }
}
// [/outcome]

// [manager]
class Transaction {
 public:
  asyncio::Coro<> aenter() {
    co_await asyncio::sleep(1ms);
    fmt::print("begin\n");
  }
  asyncio::Coro<bool> aexit(std::exception_ptr error) {
    co_await asyncio::sleep(1ms);
    fmt::print("{}\n", error ? "roll back" : "commit");
    co_return false;  // true would swallow the error
  }
};

asyncio::Coro<> use_transaction() {
  int rows = co_await asyncio::with(Transaction(), [](Transaction&) -> asyncio::Coro<int> {
    co_await asyncio::sleep(1ms);
    co_return 3;
  });
  fmt::print("{} rows\n", rows);
}
// [/manager]

// [stack]
asyncio::Coro<> use_many(int count) {
  co_await asyncio::with(
      asyncio::AsyncExitStack(), [count](asyncio::AsyncExitStack& stack) -> asyncio::Coro<> {
        for (int i = 0; i < count; ++i) co_await stack.enter(Transaction());
        stack.push_callback(say_goodbye);  // left in reverse order, so this runs first
      });
}
// [/stack]

asyncio::Coro<> async_main() {
  co_await timed();
  co_await asyncio::move_on_after(10ms, polite());
  co_await transfer_or_roll_back();
  co_await use_transaction();
  co_await use_many(2);
}

int main() { asyncio::run(async_main()); }
