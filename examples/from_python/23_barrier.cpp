// Barrier: nobody goes on before all have arrived.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<> worker(std::string name, asyncio::Duration delay, asyncio::Barrier& barrier) {
  co_await asyncio::sleep(delay);
  fmt::print("{} has prepared\n", name);
  co_await barrier.wait();
  fmt::print("{} goes on\n", name);
}

asyncio::Coro<> async_main() {
  asyncio::Barrier barrier(3);
  std::vector<asyncio::Coro<>> workers;
  int i = 0;
  for (std::string name : {"ann", "bob", "cid"})
    workers.push_back(worker(name, 20ms * i++, barrier));
  co_await asyncio::gather(std::move(workers));
  fmt::print("parties {}, waiting {}\n", barrier.parties(), barrier.n_waiting());

  auto late = asyncio::create_task(barrier.wait());
  co_await asyncio::sleep(10ms);
  co_await barrier.abort();
  try {
    co_await late;
  } catch (const asyncio::BrokenBarrierError&) {
    fmt::print("broken: {}\n", barrier.broken() ? "True" : "False");
  }
}

int main() { asyncio::run(async_main()); }
