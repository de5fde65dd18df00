// The loop itself: call_soon, call_later, call_at, handles, exception handler, stop, Runner,
// options.
#include <asyncio/asyncio.hpp>
#include <cstdio>
#include <stdexcept>

using namespace std::chrono_literals;

asyncio::Coro<int> number() { co_return 5; }

int main() {
  asyncio::Loop loop({.backend = asyncio::Backend::epoll});
  loop.set_exception_handler([](asyncio::Loop&, const asyncio::ExceptionContext& context) {
    std::printf("handler: %s: %s\n", context.message.c_str(),
                asyncio::describe(context.exception).c_str());
  });
  loop.call_soon([] { std::printf("soon\n"); });
  loop.call_later(2ms, [&] {
    std::printf("later\n");
    loop.stop();
  });
  loop.call_at(loop.time() + 1ms, [] { std::printf("at\n"); });
  asyncio::TimerHandle never = loop.call_later(1ms, [] { std::printf("never\n"); });
  never.cancel();
  loop.call_soon([] { throw std::runtime_error("oops"); });
  loop.run_forever();
  std::printf("number %d, running %d\n", loop.run_until_complete(number()), loop.is_running());
  loop.close();
  try {
    loop.call_soon([] {});
  } catch (const asyncio::RuntimeError& error) {
    std::printf("%s\n", error.what());
  }

  asyncio::Runner runner({.debug = true});
  std::printf("runner %d %d\n", runner.run(number()), runner.get_loop().get_debug());
}
