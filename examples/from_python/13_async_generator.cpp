// Async generators: a coroutine that yields many values. `async for` is a while loop over next().
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>

using namespace std::chrono_literals;

struct Goodbye {  // a destructor is C++'s finally
  ~Goodbye() { fmt::print("countdown closed\n"); }
};

asyncio::AsyncGenerator<int> countdown(int n) {
  Goodbye goodbye;
  for (; n > 0; --n) {
    co_await asyncio::sleep(10ms);
    co_yield n;
  }
}

asyncio::AsyncGenerator<int> squares(asyncio::AsyncGenerator<int> numbers) {
  while (auto n = co_await numbers.next()) co_yield *n** n;
}

asyncio::Coro<> async_main() {
  auto numbers = countdown(3);
  while (auto n = co_await numbers.next()) fmt::print("{}\n", *n);

  auto squared = squares(countdown(3));
  while (auto n = co_await squared.next()) fmt::print("squared {}\n", *n);

  auto endless = countdown(1'000'000);
  auto first = co_await endless.next();
  fmt::print("first {}\n", *first);
  co_await endless.aclose();

  int total = 0;
  auto summed = countdown(4);
  while (auto n = co_await summed.next()) total += *n;
  fmt::print("total {}\n", total);
}

int main() { asyncio::run(async_main()); }
