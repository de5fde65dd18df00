// wait: does not throw and does not cancel; says which tasks are done and which are pending.
#include <fmt/format.h>
#include <algorithm>
#include <asyncio/asyncio.hpp>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<int> after(asyncio::Duration delay, int value) {
  co_await asyncio::sleep(delay);
  if (value < 0) throw asyncio::ValueError(fmt::format("negative: {}", value));
  co_return value;
}

std::vector<int> sorted_results(const std::vector<asyncio::Task<int>>& tasks) {
  std::vector<int> results;
  for (const auto& task : tasks) results.push_back(task.result());
  std::sort(results.begin(), results.end());
  return results;
}

asyncio::Coro<> async_main() {
  std::vector<asyncio::Task<int>> tasks;
  for (int n : {3, 1, 2}) tasks.push_back(asyncio::create_task(after(40ms * n, n)));
  auto seen = co_await asyncio::wait(tasks, {.return_when = asyncio::FIRST_COMPLETED});
  fmt::print("first: [{}], pending {}\n", fmt::join(sorted_results(seen.done), ", "),
             seen.pending.size());

  seen = co_await asyncio::wait(seen.pending, {.timeout = 10ms});
  fmt::print("timeout: done {}, pending {}\n", seen.done.size(), seen.pending.size());

  seen = co_await asyncio::wait(seen.pending);
  fmt::print("all: [{}], pending {}\n", fmt::join(sorted_results(seen.done), ", "),
             seen.pending.size());

  tasks.clear();
  tasks.push_back(asyncio::create_task(after(10ms, 1)));
  tasks.push_back(asyncio::create_task(after(40ms, -1)));
  tasks.push_back(asyncio::create_task(after(5s, 2)));
  seen = co_await asyncio::wait(tasks, {.return_when = asyncio::FIRST_EXCEPTION});
  try {
    tasks[1].result();
  } catch (const asyncio::ValueError& error) {
    fmt::print("exception: done {}, pending {}, {}\n", seen.done.size(), seen.pending.size(),
               error.what());
  }
  for (auto& task : seen.pending) task.cancel();
  co_await asyncio::wait(seen.pending);
}

int main() { asyncio::run(async_main()); }
