// What does a lock cost that is free, and one that a hundred tasks want?
#include "bench/workloads/common.hpp"

namespace {
using bench::Register;
using bench::Watch;

asyncio::Coro<> lock_alone(Watch& watch, long operations) {
  asyncio::Lock lock;
  watch.start();
  for (long i = 0; i < operations; ++i) {
    co_await lock.acquire();
    bench::clobber();
    lock.release();
  }
  watch.stop();
}
void lock_free(Watch& watch, long operations) { asyncio::run(lock_alone(watch, operations)); }
const Register lock_free_row("lock_free", 5'000'000, lock_free);

// Holding the lock over a switch makes the other 99 wait for it.
asyncio::Coro<> lock_and_switch(asyncio::Lock& lock, long times) {
  for (long i = 0; i < times; ++i) {
    co_await lock.acquire();
    co_await asyncio::sleep(0s);
    lock.release();
  }
}
asyncio::Coro<> contend(Watch& watch, long operations) {
  asyncio::Lock lock;
  std::vector<asyncio::Task<>> contenders;
  for (int i = 0; i < 100; ++i) {
    contenders.push_back(asyncio::create_task(lock_and_switch(lock, operations / 100)));
  }
  watch.start();
  for (const auto& contender : contenders) co_await contender;
  watch.stop();
}
void lock_100(Watch& watch, long operations) { asyncio::run(contend(watch, operations)); }
const Register lock_100_row("lock_100", 500'000, lock_100);

}  // namespace
