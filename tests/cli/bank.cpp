// The program of docs/guide/first_steps.md that hangs.
// [program]
#include <asyncio/asyncio.hpp>
#include <cstdio>

using namespace std::chrono_literals;

asyncio::Coro<> transfer(asyncio::Lock& from, asyncio::Lock& to) {
  auto first = co_await from.scoped();
  co_await asyncio::sleep(1ms);  // asks the bank
  auto second = co_await to.scoped();
}

asyncio::Coro<> async_main() {
  asyncio::Lock mine, yours;
  auto pay = asyncio::create_task(transfer(mine, yours), {.name = "pay"});
  auto refund = asyncio::create_task(transfer(yours, mine), {.name = "refund"});
  co_await asyncio::gather(pay, refund);
  std::puts("done");
}

int main() { asyncio::run(async_main()); }
// [/program]
