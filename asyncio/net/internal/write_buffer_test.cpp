#include "asyncio/net/internal/write_buffer.hpp"

#include <gtest/gtest.h>

namespace asyncio::detail {
namespace {

std::string text_of(const WriteBuffer& buffer) {
  std::string text;
  buffer.for_each_piece(100, [&](std::string_view piece) { text += piece; });
  return text;
}

TEST(WriteBuffer, takes_large_strings_over_and_copies_small_ones) {
  std::string large(10'000, 'x');
  const char* const bytes = large.data();
  WriteBuffer buffer;
  buffer.append(std::move(large), 3);  // three bytes were sent already
  buffer.append(std::string("tail"), 1);
  buffer.append(std::string(5000, 'y'), 0);

  EXPECT_EQ(buffer.size(), 9997U + 3 + 5000);
  EXPECT_EQ(text_of(buffer), std::string(9997, 'x') + "ail" + std::string(5000, 'y'));
  buffer.for_each_piece(1, [&](std::string_view piece) { EXPECT_EQ(piece.data(), bytes + 3); });
}

TEST(WriteBuffer, gives_everything_once_and_in_order_however_it_is_consumed) {
  for (const std::size_t step : {1U, 7U, 4096U, 9000U}) {
    WriteBuffer buffer;
    std::string all;
    for (int i = 0; i < 20; ++i) {
      std::string piece(static_cast<std::size_t>(i) * 700, static_cast<char>('a' + i));
      all += piece;
      buffer.append(std::move(piece), 0);
    }
    std::string seen;
    while (!buffer.empty()) {
      const std::size_t count = std::min(step, buffer.size());
      seen += text_of(buffer).substr(0, count);
      buffer.consume(count);
      if (seen.size() > 2'000 && step == 1) break;  // enough of that
    }
    EXPECT_EQ(seen, all.substr(0, seen.size()));
  }
}

}  // namespace
}  // namespace asyncio::detail
