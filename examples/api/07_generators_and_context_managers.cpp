// Async generators, and async context managers through `with`.
#include <asyncio/asyncio.hpp>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

asyncio::AsyncGenerator<int> ticker(int n) {
  for (int i = 0; i < n; ++i) {
    co_await asyncio::sleep(1ms);
    co_yield i;
  }
}

// Anything with aenter and aexit is an async context manager. aexit sees the exception that is
// leaving, if any, and returns true to swallow it.
class Session {
 public:
  asyncio::Coro<> aenter() {
    co_await asyncio::sleep(0s);
    std::printf("open\n");
  }
  asyncio::Coro<bool> aexit(std::exception_ptr error) {
    co_await asyncio::sleep(0s);
    std::printf("close, error %d\n", error != nullptr);
    co_return false;
  }
  std::string name = "session";
};

asyncio::Coro<> async_main() {
  auto ticks = ticker(3);
  while (auto tick = co_await ticks.next()) std::printf("tick %d\n", *tick);

  auto endless = ticker(1000);
  auto first = co_await endless.next();
  std::printf("first %d\n", *first);
  co_await endless.aclose();

  int length = co_await asyncio::with(Session(), [](Session& session) -> asyncio::Coro<int> {
    co_return static_cast<int>(session.name.size());
  });
  std::printf("length %d\n", length);

  try {
    co_await asyncio::with(Session(), [](Session&) -> asyncio::Coro<> {
      throw std::runtime_error("boom");
      co_return;
    });
  } catch (const std::runtime_error& error) {
    std::printf("%s\n", error.what());
  }
}

int main() { asyncio::run(async_main()); }
