// expect: destroyed at the end of the full-expression
// A coroutine that is kept must not refer to a temporary: it would run after the temporary's end.
#include <string>

#include <asyncio/asyncio.hpp>

asyncio::Coro<std::size_t> length(const std::string& text) { co_return text.size(); }

asyncio::Coro<> body() {
  const std::size_t awaited_at_once = co_await length(std::string("temporary"));
#ifdef ASYNCIO_WRONG
  auto kept = length(std::string("temporary"));
  co_await std::move(kept);
#endif
  static_cast<void>(awaited_at_once);
}
