// expect: Awaitable
// A coroutine is awaited once, so the await takes it: std::move says so.
#include <asyncio/asyncio.hpp>

asyncio::Coro<int> number() { co_return 1; }

asyncio::Coro<> body() {
  auto coroutine = number();
#ifdef ASYNCIO_WRONG
  co_await coroutine;
#endif
  co_await std::move(coroutine);
}
