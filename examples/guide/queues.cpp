// The programs of docs/guide/queues_and_locks.md.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>

using namespace std::chrono_literals;

// [queue]
asyncio::Coro<> produce(asyncio::Queue<int>& queue) {
  for (int i = 1; i <= 4; ++i) co_await queue.put(i);  // waits while the queue is full
  queue.shutdown();                                    // no more will come
}

asyncio::Coro<int> consume(asyncio::Queue<int>& queue) {
  int sum = 0;
  try {
    for (;;) sum += co_await queue.get();  // waits while it is empty
  } catch (const asyncio::QueueShutDown&) {}
  co_return sum;
}

asyncio::Coro<> produce_and_consume() {
  asyncio::Queue<int> queue(2);
  auto results = co_await asyncio::gather(produce(queue), consume(queue), consume(queue));
  fmt::print("sum {}\n", std::get<1>(results) + std::get<2>(results));
}
// [/queue]

// [values]
void without_exceptions(asyncio::Queue<std::string>& queue) {
  std::string item = "one more";
  if (!queue.try_put(item)) fmt::print("full, and the item is still mine: {}\n", item);
  while (auto next = queue.try_get()) fmt::print("took {}\n", *next);
}
// [/values]

// [lock]
struct Account {
  asyncio::Lock lock;
  int balance = 100;
};

asyncio::Coro<bool> withdraw(Account& account, int amount) {
  auto held = co_await account.lock.scoped();  // released where `held` ends, also by an exception
  if (account.balance < amount) co_return false;
  co_await asyncio::sleep(1ms);  // nobody else gets in between
  account.balance -= amount;
  co_return true;
}
// [/lock]

// [condition]
struct Level {
  asyncio::Condition changed;
  int value = 0;
};

asyncio::Coro<> wait_until(Level& level, int wanted) {
  auto held = co_await level.changed.scoped();
  co_await level.changed.wait_for([&] { return level.value >= wanted; });
  fmt::print("level {}\n", level.value);
}

asyncio::Coro<> raise(Level& level) {
  auto held = co_await level.changed.scoped();
  ++level.value;
  level.changed.notify_all();
}
// [/condition]

// [event]
asyncio::Coro<> passenger(asyncio::Event& doors_open, asyncio::Barrier& all_seated) {
  co_await doors_open.wait();  // a flag: stays set
  co_await all_seated.wait();  // a meeting: all go on together
}
// [/event]

asyncio::Coro<> async_main() {
  co_await produce_and_consume();

  asyncio::Queue<std::string> full(1);
  full.put_nowait("the first");
  without_exceptions(full);

  Account account;
  auto withdrawn = co_await asyncio::gather(withdraw(account, 60), withdraw(account, 60));
  fmt::print("{} {}, balance {}\n", std::get<0>(withdrawn), std::get<1>(withdrawn),
             account.balance);

  Level level;
  auto waiting = asyncio::create_task(wait_until(level, 2));
  co_await raise(level);
  co_await raise(level);
  co_await waiting;

  asyncio::Event doors_open;
  asyncio::Barrier all_seated(2);
  auto other = asyncio::create_task(passenger(doors_open, all_seated));
  doors_open.set();
  co_await passenger(doors_open, all_seated);
  co_await other;
  fmt::print("departed\n");
}

int main() { asyncio::run(async_main()); }
