#include <fmt/core.h>
#include <asyncio/asyncio.hpp>

asyncio::Coro<int> answer() {
  co_await asyncio::sleep(std::chrono::milliseconds(1));
  co_return 42;
}

int main() {
  if (asyncio::run(answer()) == 42) fmt::print("asyncio works\n");
}
