#include "asyncio/net/internal/read_buffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace asyncio::detail {
namespace {

TEST(ReadBuffer, gives_what_was_appended_and_received_in_order) {
  ReadBuffer buffer;
  buffer.append("one");
  std::memcpy(buffer.room(10'000), "two", 3);
  buffer.fill(3);
  buffer.append("three");
  EXPECT_EQ(buffer.view(), "onetwothree");
  buffer.consume(2);
  EXPECT_EQ(buffer.take(4), "etwo");
  EXPECT_EQ(buffer.size(), 5U);
  EXPECT_EQ(buffer.take(5), "three");
  EXPECT_TRUE(buffer.empty());
}

TEST(ReadBuffer, room_that_got_nothing_leaves_no_trace) {
  ReadBuffer buffer;
  static_cast<void>(buffer.room(100'000));
  buffer.fill(0);
  EXPECT_TRUE(buffer.empty());
  buffer.append("x");
  EXPECT_EQ(buffer.take(1), "x");
}

TEST(ReadBuffer, a_whole_message_is_given_away_without_a_copy) {
  ReadBuffer buffer;
  char* const room = buffer.room(40'000);
  std::fill_n(room, 40'000, 'x');
  buffer.fill(40'000);
  const std::string taken = buffer.take(40'000);
  EXPECT_EQ(taken.data(), room);
  EXPECT_EQ(taken.size(), 40'000U);
}

}  // namespace
}  // namespace asyncio::detail
