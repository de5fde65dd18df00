#include "asyncio/testing/streams.hpp"

#include <gtest/gtest.h>

#include <string>

#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

ASYNCIO_TEST(MemoryStreams, carry_bytes_both_ways_and_their_end) {
  testing::StreamPair pair = testing::memory_stream_pair();
  pair.first.writer.write("question\n");
  EXPECT_EQ(co_await pair.second.reader.readline(), "question\n");
  pair.second.writer.write("answer");
  pair.second.writer.write_eof();
  EXPECT_EQ(co_await pair.first.reader.read(), "answer");
  pair.first.writer.write("more");  // only one direction has ended
  pair.first.writer.close();
  EXPECT_EQ(co_await pair.second.reader.read(), "more");
}

// Otherwise a test would not see that its subject forgets to wait for a slow reader.
ASYNCIO_TEST(MemoryStreams, push_back_while_nobody_reads) {
  testing::StreamPair pair = testing::memory_stream_pair();
  pair.first.writer.write(std::string(1'000'000, 'x'));
  auto drained = create_task([&]() -> Coro<> { co_await pair.first.writer.drain(); });
  co_await testing::all_tasks_blocked();
  EXPECT_FALSE(drained.done());
  EXPECT_EQ((co_await pair.second.reader.readexactly(1'000'000)).size(), 1'000'000U);
  co_await drained;
}

ASYNCIO_TEST(MemoryStreams, lose_what_an_abort_drops) {
  testing::StreamPair pair = testing::memory_stream_pair();
  pair.first.writer.write(std::string(1'000'000, 'x'));
  pair.first.writer.abort();
  EXPECT_LT((co_await pair.second.reader.read()).size(), 1'000'000U);
}

TEST(MemoryStreamsOutside, work_on_any_loop) {
  run([]() -> Coro<> {
    testing::StreamPair pair = testing::memory_stream_pair();
    pair.first.writer.write("x\n");
    EXPECT_EQ(co_await pair.second.reader.readline(), "x\n");
  }());
}

}  // namespace
}  // namespace asyncio
