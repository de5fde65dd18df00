// expect: deleted|copy constructor
// A coroutine has one owner: two handles would run it twice.
#include <asyncio/asyncio.hpp>

asyncio::Coro<int> number() { co_return 1; }

asyncio::Coro<> body() {
  auto first = number();
#ifdef ASYNCIO_WRONG
  auto second = first;
  co_await std::move(second);
#endif
  co_await std::move(first);
}
