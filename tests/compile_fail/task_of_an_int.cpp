// expect: no matching function for call to .create_task
// create_task() takes an awaitable, or a callable that makes one.
#include <asyncio/asyncio.hpp>

asyncio::Coro<int> number() { co_return 1; }

asyncio::Coro<> body() {
#ifdef ASYNCIO_WRONG
  auto wrong = asyncio::create_task(5);
#endif
  auto task = asyncio::create_task(number());
  co_await task;
}
