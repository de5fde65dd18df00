// How long does a program take that runs one coroutine and ends? And how long does it take to
// compile?
#include <asyncio/asyncio.hpp>
#include <cstdio>

asyncio::Coro<> hello() {
  co_await asyncio::sleep(std::chrono::seconds(0));
  std::puts("hello");
}

int main() { asyncio::run(hello()); }
