// pipeline: stages joined by bounded queues. The slowest stage sets the pace (put waits while a
// queue is full), several workers share a stage, and shutdown() travels down the line when the
// source has ended.
//
//   pipeline [NUMBERS [WORKERS]]     prime factors of 1..NUMBERS   (default 30 4)
//   pipeline --self-test
#include <fmt/format.h>
#include <asyncio/asyncio.hpp>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;

struct Factored {
  std::int64_t number;
  std::vector<std::int64_t> factors;
};
using Numbers = asyncio::Queue<std::int64_t>;
using Results = asyncio::Queue<Factored>;

std::vector<std::int64_t> factorise(std::int64_t n) {
  std::vector<std::int64_t> factors;
  for (std::int64_t p = 2; p * p <= n; ++p) {
    for (; n % p == 0; n /= p) factors.push_back(p);
  }
  if (n > 1 || factors.empty()) factors.push_back(n);
  return factors;
}

// [stages]
asyncio::Coro<> source(Numbers& numbers, int count) {
  for (int n = 1; n <= count; ++n) co_await numbers.put(n);
  numbers.shutdown();  // the workers take what is left, then get QueueShutDown
}

asyncio::Coro<> worker(Numbers& numbers, Results& results) {
  try {
    for (;;) {
      std::int64_t n = co_await numbers.get();
      auto factors = co_await asyncio::to_thread(factorise, n);
      co_await results.put({n, std::move(factors)});
    }
  } catch (const asyncio::QueueShutDown&) {}
}

asyncio::Coro<> workers(Numbers& numbers, Results& results, int count) {
  std::vector<asyncio::Coro<>> stage;
  for (int i = 0; i < count; ++i) stage.push_back(worker(numbers, results));
  co_await asyncio::gather(std::move(stage));
  results.shutdown();  // the last worker has gone
}

asyncio::Coro<> sink(Results& results, std::map<std::int64_t, std::string>& table) {
  try {
    for (;;) {
      Factored result = co_await results.get();
      table[result.number] = fmt::format("{}", fmt::join(result.factors, " * "));
    }
  } catch (const asyncio::QueueShutDown&) {}
}
// [/stages]

asyncio::Coro<std::map<std::int64_t, std::string>> pipeline(int count, int worker_count) {
  Numbers numbers(8);
  Results results(8);
  std::map<std::int64_t, std::string> table;
  co_await asyncio::with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) -> asyncio::Coro<> {
    group.create_task(source(numbers, count));
    group.create_task(workers(numbers, results, worker_count));
    group.create_task(sink(results, table));
    co_return;
  });
  co_return table;
}

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "--self-test") {
    auto table = asyncio::run(pipeline(500, 4));
    const bool good = table.size() == 500 && table[360] == "2 * 2 * 2 * 3 * 3 * 5";
    fmt::print("{} numbers, 360 = {}\n", table.size(), table[360]);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  const int count = argc > 1 ? std::atoi(argv[1]) : 30;
  const int worker_count = argc > 2 ? std::atoi(argv[2]) : 4;
  for (const auto& [n, factors] : asyncio::run(pipeline(count, worker_count))) {
    fmt::print("{} = {}\n", n, factors);
  }
}
