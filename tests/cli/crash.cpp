// What tests/cli/gdb.py looks into: tasks that wait, and one that aborts the program.
#include <asyncio/asyncio.hpp>
#include <cstdlib>

using namespace std::chrono_literals;

namespace {

asyncio::Coro<> deepest() { co_await asyncio::sleep(1h); }
asyncio::Coro<int> middle() {
  co_await deepest();
  co_return 1;
}
asyncio::Coro<> takes(asyncio::Lock& lock) {
  auto held = co_await lock.scoped();
  co_await asyncio::sleep(1h);
}

asyncio::Coro<> aborts(asyncio::Task<int> sleeper, asyncio::Future<> future) {
  asyncio::Coro<> unstarted = deepest();
  co_await asyncio::sleep(0s);
  if (!future.done()) std::abort();  // what is not used here would not be in the frame
  sleeper.cancel();
  unstarted.close();
}

asyncio::Coro<> crash() {
  asyncio::Lock lock;
  auto sleeper = asyncio::create_task(middle(), {.name = "sleeper"});
  auto holder = asyncio::create_task(takes(lock), {.name = "holder"});
  auto contender = asyncio::create_task(takes(lock));
  co_await asyncio::create_task(aborts(sleeper, asyncio::Future<>()), {.name = "aborter"});
}

}  // namespace

int main() { asyncio::run(crash()); }
