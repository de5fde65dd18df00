// What do a lock and a queue cost when they are a flag and an intrusive list?
#include <vector>

#include "bench/limit/scheduler.hpp"
#include "bench/support/rows.hpp"

namespace {
using bench::Register;
using bench::Watch;
using limit::Channel;
using limit::Mutex;
using limit::Work;

Work<int> ping(Channel<long>& there, Channel<long>& back, long times) {
  for (long i = 0; i < times; ++i) {
    co_await there.put(i);
    if (co_await back.get() != i) bench::fail("another answer came back");
  }
  co_return 0;
}
Work<int> pong(Channel<long>& there, Channel<long>& back, long times) {
  for (long i = 0; i < times; ++i) co_await back.put(co_await there.get());
  co_return 0;
}
Work<int> play(Watch& watch, long operations) {
  Channel<long> there, back;
  Work<int> first = ping(there, back, operations), second = pong(there, back, operations);
  watch.start();
  first.spawn();
  second.spawn();
  co_await first.join();
  co_await second.join();
  watch.stop();
  co_return 0;
}
void queue_ping_pong(Watch& watch, long operations) { run(play(watch, operations)); }
const Register queue_ping_pong_row("queue_ping_pong", 200'000, queue_ping_pong);

Work<int> lock_alone(Watch& watch, long operations) {
  Mutex mutex;
  watch.start();
  for (long i = 0; i < operations; ++i) {
    co_await mutex.lock();
    bench::clobber();
    mutex.unlock();
  }
  watch.stop();
  co_return 0;
}
void lock_free(Watch& watch, long operations) { run(lock_alone(watch, operations)); }
const Register lock_free_row("lock_free", 5'000'000, lock_free);

// Holding the lock over a switch makes the other 99 wait for it.
Work<int> lock_and_switch(Mutex& mutex, long times) {
  for (long i = 0; i < times; ++i) {
    co_await mutex.lock();
    co_await limit::yield();
    mutex.unlock();
  }
  co_return 0;
}
Work<int> contend(Watch& watch, long operations) {
  Mutex mutex;
  std::vector<Work<int>> contenders;
  for (int i = 0; i < 100; ++i) contenders.push_back(lock_and_switch(mutex, operations / 100));
  watch.start();
  for (auto& contender : contenders) contender.spawn();
  for (auto& contender : contenders) co_await contender.join();
  watch.stop();
  co_return 0;
}
void lock_100(Watch& watch, long operations) { run(contend(watch, operations)); }
const Register lock_100_row("lock_100", 500'000, lock_100);

}  // namespace
