// expect: nodiscard
// Calling a coroutine function runs nothing; forgetting to await it is the usual mistake.
#include <asyncio/asyncio.hpp>

asyncio::Coro<> work() { co_return; }

asyncio::Coro<> body() {
#ifdef ASYNCIO_WRONG
  work();
#endif
  co_await work();
}
