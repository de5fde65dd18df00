// The programs of docs/guide/structured_concurrency.md.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<int> price(std::string shop) {
  co_await asyncio::sleep(10ms);
  if (shop.empty()) throw asyncio::ValueError("which shop?");
  co_return static_cast<int>(shop.size());
}

// [group]
asyncio::Coro<> compare() {
  asyncio::Task<int> here, there;
  co_await asyncio::with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) -> asyncio::Coro<> {
    here = group.create_task(price("corner shop"));
    there = group.create_task(price("market"));
    co_return;
  });  // both are done here, whatever happened
  fmt::print("{} or {}\n", here.result(), there.result());
}
// [/group]

// [failure]
asyncio::Coro<> group_with_a_failure() {
  try {
    co_await asyncio::with(asyncio::TaskGroup(), [](asyncio::TaskGroup& group) -> asyncio::Coro<> {
      group.create_task(price(""));           // fails after 10 ms
      group.create_task(asyncio::sleep(1h));  // is cancelled then
      co_return;
    });
  } catch (const asyncio::ExceptionGroup& group) {
    fmt::print("{}\n", group.what());
    group.for_each<asyncio::ValueError>(
        [](const asyncio::ValueError& error) { fmt::print("- {}\n", error.what()); });
  }
}
// [/failure]

// [gather]
asyncio::Coro<> collect() {
  std::vector<asyncio::Coro<int>> prices;
  for (std::string shop : {"market", "", "bakery"}) prices.push_back(price(shop));

  auto outcomes = co_await asyncio::gather(asyncio::return_exceptions, std::move(prices));
  for (const auto& outcome : outcomes) {
    if (outcome) {
      fmt::print("value {}\n", outcome.value());
    } else {
      fmt::print("{}\n", asyncio::describe(outcome.exception()));
    }
  }
}
// [/gather]

// [fastest]
asyncio::Coro<int> fastest(std::vector<asyncio::Task<int>> racers) {
  auto seen = co_await asyncio::wait(racers, {.return_when = asyncio::FIRST_COMPLETED});
  for (auto& loser : seen.pending) loser.cancel();
  co_return seen.done[0].result();
}
// [/fastest]

asyncio::Coro<int> racer(asyncio::Duration time, int number) {
  co_await asyncio::sleep(time);
  co_return number;
}

asyncio::Coro<> async_main() {
  co_await compare();
  co_await group_with_a_failure();
  co_await collect();
  std::vector<asyncio::Task<int>> racers;
  racers.push_back(asyncio::create_task(racer(1h, 1)));
  racers.push_back(asyncio::create_task(racer(10ms, 2)));
  fmt::print("number {} wins\n", co_await fastest(racers));
}

int main() { asyncio::run(async_main()); }
