// The shipped testing kit on GoogleTest: virtual time, blocked-point, cancel injection, mocks.
#include <gtest/gtest.h>
#include <asyncio/asyncio.hpp>
#include <asyncio/testing.hpp>

using namespace std::chrono_literals;

ASYNCIO_TEST(Clock, a_day_passes_at_once) {
  auto before = asyncio::get_running_loop().time();
  co_await asyncio::sleep(24h);
  EXPECT_GE(asyncio::get_running_loop().time() - before, 24h);
}

ASYNCIO_TEST(Event, wakes_whoever_waits) {
  asyncio::Event event;
  auto waiter = asyncio::create_task([&]() -> asyncio::Coro<int> {
    co_await event.wait();
    co_return 1;
  });
  co_await asyncio::testing::all_tasks_blocked();
  EXPECT_FALSE(waiter.done());

  event.set();

  EXPECT_EQ(co_await waiter, 1);
}

ASYNCIO_TEST(Queue, loses_nothing_wherever_it_is_cancelled) {
  co_await asyncio::testing::cancel_everywhere([]() -> asyncio::Coro<> {
    asyncio::Queue<int> queue;
    auto getter =
        asyncio::create_task([&]() -> asyncio::Coro<int> { co_return co_await queue.get(); });
    co_await asyncio::sleep(1s);
    queue.put_nowait(1);
    co_await getter;
  });
}

ASYNCIO_TEST(Streams, talk_in_memory) {
  auto pair = asyncio::testing::memory_stream_pair();
  pair.first.writer.write("over\n");
  EXPECT_EQ(co_await pair.second.reader.readline(), "over\n");
}

ASYNCIO_TEST(Mocks, record_their_calls) {
  asyncio::testing::AsyncMock<int(int)> doubled;
  doubled.returns(8);
  EXPECT_EQ(co_await doubled(4), 8);
  EXPECT_EQ(doubled.call_count(), 1);
}
