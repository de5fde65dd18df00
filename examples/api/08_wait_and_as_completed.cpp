// wait with its modes; as_completed in both styles.
#include <asyncio/asyncio.hpp>
#include <cstdio>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<int> after(std::chrono::milliseconds delay, int value) {
  co_await asyncio::sleep(delay);
  co_return value;
}

asyncio::Coro<> async_main() {
  std::vector<asyncio::Task<int>> tasks;
  for (int i = 3; i >= 1; --i) tasks.push_back(asyncio::create_task(after(i * 20ms, i)));

  auto first = co_await asyncio::wait(tasks, {.return_when = asyncio::FIRST_COMPLETED});
  std::printf("done %zu pending %zu, value %d\n", first.done.size(), first.pending.size(),
              first.done[0].result());
  auto none = co_await asyncio::wait(first.pending, {.timeout = 1ms});
  std::printf("done %zu pending %zu\n", none.done.size(), none.pending.size());
  auto rest = co_await asyncio::wait(first.pending);
  std::printf("done %zu pending %zu\n", rest.done.size(), rest.pending.size());

  std::vector<asyncio::Coro<int>> more;
  for (int i = 3; i >= 1; --i) more.push_back(after(i * 20ms, i));
  for (auto& next : asyncio::as_completed(std::move(more))) {
    int value = co_await next;
    std::printf("%d ", value);
  }
  std::printf("\n");

  std::vector<asyncio::Task<int>> again;
  for (int i = 2; i >= 1; --i) again.push_back(asyncio::create_task(after(i * 20ms, i)));
  auto completed = asyncio::as_completed(again, {.timeout = 1s});
  while (auto task = co_await completed.next()) std::printf("%d ", task->result());
  std::printf("\n");
}

int main() { asyncio::run(async_main()); }
