#include "asyncio/html/internal/encoding.hpp"

#include <gtest/gtest.h>

#include <string>

namespace asyncio::detail {
namespace {

using namespace std::string_view_literals;

std::string utf8(std::string_view bytes, std::string_view label = {}) {
  std::string storage;
  return std::string(to_utf8(bytes, label, storage));
}

TEST(Encoding, bytes_that_are_utf_8_are_not_copied) {
  const std::string text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
  std::string storage;

  EXPECT_EQ(to_utf8(text, "", storage).data(), text.data());
  EXPECT_EQ(to_utf8(text, "UTF-8", storage).data(), text.data());
}

TEST(Encoding, the_label_is_believed_before_the_document) {
  EXPECT_EQ(utf8("\xe9", "ISO-8859-1"), "\xc3\xa9");
  EXPECT_EQ(utf8("\x80", "latin1"), "\xe2\x82\xac");
  EXPECT_EQ(utf8("\x82\xa0", " \"Shift_JIS\" "), "\xe3\x81\x82");
  EXPECT_EQ(utf8("<meta charset=utf-8>\xe9", "windows-1252"), "<meta charset=utf-8>\xc3\xa9");
}

TEST(Encoding, a_byte_order_mark_is_believed_before_the_label) {
  EXPECT_EQ(utf8("\xef\xbb\xbf\xc3\xa9", "latin1"), "\xc3\xa9");
  EXPECT_EQ(utf8("\xff\xfe\xe9\x00"sv, "latin1"), "\xc3\xa9");
  EXPECT_EQ(utf8("\xfe\xff\x00\xe9"sv), "\xc3\xa9");
}

TEST(Encoding, the_document_can_say_it_itself) {
  EXPECT_EQ(utf8("<META CharSet = 'koi8-r'>\xc1").substr(25), "\xd0\xb0");
  EXPECT_EQ(utf8("<meta content='text/html; charset=koi8-r'>\xc1").substr(42), "\xd0\xb0");
  EXPECT_EQ(utf8("<meta name=x><meta charset=\"koi8-r\"/>\xc1").substr(37), "\xd0\xb0");
  EXPECT_EQ(utf8("<meta charset=utf-16>\xc3\xa9").substr(21), "\xc3\xa9");
}

TEST(Encoding, labels_nobody_follows_are_passed_over) {
  for (const std::string_view label :
       {"no-such"sv, "utf-7"sv, "UTF-16//TRANSLIT"sv, "\"\""sv, "a\nb"sv, "a\0b"sv,
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"sv}) {
    EXPECT_EQ(utf8("\xc3\xa9", label), "\xc3\xa9") << label;
    EXPECT_EQ(utf8("\xe9", label), "\xc3\xa9") << label;
  }
  EXPECT_EQ(utf8("<meta charset=no-such>\xe9").substr(22), "\xc3\xa9");
}

TEST(Encoding, what_is_no_text_becomes_the_replacement_character_and_the_rest_stays) {
  EXPECT_EQ(utf8("a\xff"
                 "b\xc3\xa9"
                 "c\xc3",
                 "utf-8"),
            "a\xef\xbf\xbd"
            "b\xc3\xa9"
            "c\xef\xbf\xbd");
  EXPECT_EQ(utf8("a\x81\xff"
                 "b",
                 "shift_jis"),
            "a\xef\xbf\xbd\xef\xbf\xbd"
            "b");
  EXPECT_EQ(utf8("a\x81"
                 "b",
                 "windows-1252"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(utf8("\xff\xfe"
                 "a\0b"sv),
            "a\xef\xbf\xbd");
}

TEST(Encoding, only_the_shortest_form_of_a_character_is_utf_8) {
  for (const std::string_view bad :
       {"\x80"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xe0\x80\x80"sv, "\xed\xa0\x80"sv,
        "\xf0\x80\x80\x80"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xc3"sv, "\xe2\x82"sv,
        "\xf0\x9f\x98"sv, "\xfe"sv}) {
    EXPECT_FALSE(is_valid_utf8(bad));
    EXPECT_TRUE(is_valid_utf8(utf8(bad, "utf-8")));
  }
  for (const std::string_view good : {""sv, "\0"sv, "\x7f"sv, "\xc2\x80"sv, "\xe0\xa0\x80"sv,
                                      "\xed\x9f\xbf"sv, "\xee\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv}) {
    EXPECT_TRUE(is_valid_utf8(good));
  }
}

}  // namespace
}  // namespace asyncio::detail
