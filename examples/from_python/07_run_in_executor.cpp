// run_in_executor: computation in the default thread pool, or in one of your own. C++ threads
// really compute side by side; no process pool is needed.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <cstdint>

std::int64_t sum_of_squares(std::int64_t n) {
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += i * i;
  return sum;
}

asyncio::Coro<> async_main() {
  auto& loop = asyncio::get_running_loop();

  auto result = co_await loop.run_in_executor([] { return sum_of_squares(1000); });
  fmt::print("default executor: {}\n", result);

  asyncio::ThreadPoolExecutor pool(2);
  auto results =
      co_await asyncio::gather(loop.run_in_executor(pool, [] { return sum_of_squares(10); }),
                               loop.run_in_executor(pool, [] { return sum_of_squares(100); }),
                               loop.run_in_executor(pool, [] { return sum_of_squares(1000); }));
  auto& [a, b, c] = results;
  for (auto value : {a, b, c}) fmt::print("own pool: {}\n", value);
}

int main() { asyncio::run(async_main()); }
