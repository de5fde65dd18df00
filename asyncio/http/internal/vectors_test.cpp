// What the data-driven tests of this folder share: reading tests/vectors.
#include "tests/vectors/vectors.hpp"

#include <gtest/gtest.h>

#include <boost/json/src.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace asyncio::detail {

boost::json::value load_vectors(std::string_view name) {
  std::ifstream file(std::filesystem::path(ASYNCIO_TEST_VECTORS) / name);
  if (!file) throw std::runtime_error("no such file in tests/vectors: " + std::string(name));
  return boost::json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

std::string base64_decode(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) break;
    bits = bits << 6 | static_cast<unsigned>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  return out;
}

TEST(Vectors, base64_gives_back_bytes_of_every_length) {
  EXPECT_EQ(base64_decode(""), "");
  EXPECT_EQ(base64_decode("AA=="), std::string("\0", 1));
  EXPECT_EQ(base64_decode("R0VU"), "GET");
  EXPECT_EQ(base64_decode("/+8="), "\xff\xef");
}

}  // namespace asyncio::detail
