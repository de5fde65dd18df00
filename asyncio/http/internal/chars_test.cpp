#include "asyncio/http/internal/chars.hpp"

#include <gtest/gtest.h>

#include <string>

namespace asyncio::detail {
namespace {

TEST(HttpChars, percent_decoding_refuses_a_percent_sign_without_two_digits) {
  EXPECT_EQ(percent_decode("a%20b%2Fc%e9"), "a b/c\xe9");
  EXPECT_EQ(percent_decode("%00"), std::string("\0", 1));
  EXPECT_EQ(percent_decode("100%"), std::nullopt);
  EXPECT_EQ(percent_decode("%2"), std::nullopt);
  EXPECT_EQ(percent_decode("%2x"), std::nullopt);
  EXPECT_EQ(percent_decode("%+1"), std::nullopt);
}

TEST(HttpChars, percent_encoding_uses_capital_digits) {
  std::string out;
  append_percent(out, '\xaf');
  append_percent(out, '\n');
  EXPECT_EQ(out, "%AF%0A");
}

TEST(HttpChars, quoted_text_is_one_short_printable_line) {
  EXPECT_EQ(quote("a\nb"), "'a\\x0Ab'");
  EXPECT_EQ(quote(std::string(200, 'x')).size(), 105u);
}

TEST(HttpChars, bytes_above_ascii_are_neither_letters_nor_equal_to_letters) {
  EXPECT_TRUE(iequals("Host", "hOST"));
  EXPECT_FALSE(iequals("[", "{"));  // 0x5b and 0x7b differ in the case bit only.
  EXPECT_FALSE(is_token_char('\xc3'));
  EXPECT_FALSE(is_token_char(' '));
  EXPECT_FALSE(is_token(""));
  EXPECT_EQ(hex_value('G'), -1);
  EXPECT_EQ(hex_value('f'), 15);
}

TEST(HttpChars, items_of_a_list_come_out_trimmed_and_in_order) {
  std::string_view rest = " a ,, b";
  EXPECT_EQ(next_item(rest), "a");
  EXPECT_EQ(next_item(rest), "");
  EXPECT_EQ(next_item(rest), "b");
  EXPECT_TRUE(rest.empty());
}

}  // namespace
}  // namespace asyncio::detail
