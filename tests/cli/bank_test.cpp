// The test of docs/guide/first_steps.md.
// [test]
#include <gtest/gtest.h>

#include <asyncio/testing.hpp>
#include <utility>

using namespace std::chrono_literals;

// Locks are always taken in one order.
asyncio::Coro<> transfer(asyncio::Lock& from, asyncio::Lock& to) {
  asyncio::Lock *one = &from, *two = &to;
  if (two < one) std::swap(one, two);
  auto first = co_await one->scoped();
  co_await asyncio::sleep(1ms);
  auto second = co_await two->scoped();
}

// An hour of virtual time passes at once where everybody waits: a deadlock fails, and does not
// hang.
ASYNCIO_TEST(Bank, transfers_in_both_directions_end) {
  asyncio::Lock mine, yours;
  co_await asyncio::wait_for(asyncio::gather(transfer(mine, yours), transfer(yours, mine)), 1h);
}

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
// [/test]
