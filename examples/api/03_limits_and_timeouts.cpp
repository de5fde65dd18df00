// Semaphore with a guard, wait_for, timeout scopes, value forms.
#include <algorithm>
#include <asyncio/asyncio.hpp>
#include <cstdio>
#include <optional>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<> limited(asyncio::Semaphore& seats, int n, int& running, int& most) {
  auto seat = co_await seats.scoped();
  most = std::max(most, ++running);
  co_await asyncio::sleep(2ms);
  --running;
  (void)n;
}

asyncio::Coro<int> slow() {
  co_await asyncio::sleep(10s);
  co_return 1;
}

asyncio::Coro<> async_main() {
  asyncio::Semaphore seats(2);
  int running = 0, most = 0;
  std::vector<asyncio::Coro<>> work;
  for (int i = 0; i < 6; ++i) work.push_back(limited(seats, i, running, most));
  co_await asyncio::gather(std::move(work));
  std::printf("at most %d at once\n", most);

  try {
    co_await asyncio::wait_for(slow(), 5ms);
  } catch (const asyncio::TimeoutError&) {
    std::printf("The task took too long!\n");
  }

  try {
    co_await asyncio::with(asyncio::timeout(5ms),
                           [&](asyncio::Timeout& deadline) -> asyncio::Coro<> {
                             std::printf("expired: %d\n", deadline.expired());
                             deadline.reschedule(asyncio::get_running_loop().time() + 3ms);
                             co_await slow();
                           });
  } catch (const asyncio::TimeoutError&) {
    std::printf("timed out\n");
  }

  int value =
      co_await asyncio::with(asyncio::timeout(1s), []() -> asyncio::Coro<int> { co_return 7; });
  std::printf("value %d\n", value);

  // trio's move_on_after: nothing is thrown past the scope.
  std::optional<int> maybe = co_await asyncio::move_on_after(5ms, slow());
  std::printf("moved on: %d\n", !maybe.has_value());
}

int main() { asyncio::run(async_main()); }
