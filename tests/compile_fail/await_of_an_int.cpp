// expect: Awaitable
// What cannot be awaited is refused by the name of the concept, not by a page of templates.
#include <asyncio/asyncio.hpp>

asyncio::Coro<> body() {
#ifdef ASYNCIO_WRONG
  co_await 5;
#endif
  co_return;
}
