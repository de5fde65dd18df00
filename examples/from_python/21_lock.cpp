// Lock: state that must not change across an await. First come, first served.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>

using namespace std::chrono_literals;

int balance = 100;

asyncio::Coro<> withdraw(std::string name, int amount, asyncio::Lock& lock) {
  auto held = co_await lock.scoped();
  fmt::print("{} sees {}\n", name, balance);
  if (balance < amount) {
    fmt::print("{} is refused\n", name);
    co_return;
  }
  co_await asyncio::sleep(10ms);
  balance -= amount;
  fmt::print("{} leaves {}\n", name, balance);
}

const char* yes_no(bool value) { return value ? "True" : "False"; }

asyncio::Coro<> async_main() {
  asyncio::Lock lock;
  co_await asyncio::gather(withdraw("ann", 60, lock), withdraw("bob", 60, lock),
                           withdraw("cid", 40, lock));
  fmt::print("balance {}, locked {}\n", balance, yes_no(lock.locked()));

  co_await lock.acquire();  // without a guard, as in Python; prefer scoped()
  fmt::print("locked {}\n", yes_no(lock.locked()));
  lock.release();
  try {
    lock.release();
  } catch (const asyncio::RuntimeError& error) {
    fmt::print("RuntimeError: {}\n", error.what());
  }
}

int main() { asyncio::run(async_main()); }
