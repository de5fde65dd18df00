#include "asyncio/base/json_text.hpp"

#include <gtest/gtest.h>

namespace asyncio {
namespace {

TEST(JsonText, quotes_backslashes_and_control_characters_are_escaped) {
  EXPECT_EQ(json_quoted("a\"b\\c\n\x7f"), "\"a\\\"b\\\\c\\u000a\\u007f\"");
}

TEST(JsonText, it_is_utf8_whatever_was_given) {
  EXPECT_EQ(json_quoted("\xc3\xa9"), "\"\xc3\xa9\"");
  EXPECT_EQ(json_quoted("\xe9x\xed\xa0\x80"), "\"\\ufffdx\\ufffd\\ufffd\\ufffd\"");
  EXPECT_EQ(json_quoted("\xc3"), "\"\\ufffd\"");
}

}  // namespace
}  // namespace asyncio
