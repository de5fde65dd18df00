#include "asyncio/http/headers.hpp"

#include <gtest/gtest.h>

#include <string>

#include "asyncio/base/errors.hpp"

namespace asyncio::http {
namespace {

TEST(Headers, names_are_found_in_any_case_and_keep_the_case_they_came_in) {
  Headers headers;
  headers.add("Content-Type", "text/html");

  EXPECT_EQ(headers.get("content-TYPE"), "text/html");
  EXPECT_TRUE(headers.contains("CONTENT-TYPE"));
  EXPECT_EQ(headers[0].name, "Content-Type");
  EXPECT_FALSE(headers.get("Content-Typ").has_value());
  EXPECT_EQ(headers.get("Accept", "*/*"), "*/*");
}

TEST(Headers, fields_are_walked_in_the_order_in_which_they_were_added) {
  Headers headers{{"B", "1"}, {"A", "2"}, {"b", "3"}};
  std::string walked;

  for (auto [name, value] : headers) walked.append(name).append(value);

  EXPECT_EQ(walked, "B1A2b3");
  EXPECT_EQ(headers.get_all("b"), (std::vector<std::string_view>{"1", "3"}));
  EXPECT_EQ(headers.count("B"), 2u);
}

TEST(Headers, set_leaves_one_field_where_the_first_stood) {
  Headers headers{{"A", "1"}, {"B", "2"}, {"C", "3"}, {"b", "4"}};

  headers.set("b", "9");

  EXPECT_EQ(headers, (Headers{{"A", "1"}, {"b", "9"}, {"C", "3"}}));
}

TEST(Headers, setdefault_does_not_touch_what_is_there) {
  Headers headers{{"Host", "a"}};

  EXPECT_FALSE(headers.setdefault("host", "b"));
  EXPECT_TRUE(headers.setdefault("Date", "now"));

  EXPECT_EQ(headers, (Headers{{"Host", "a"}, {"Date", "now"}}));
}

TEST(Headers, remove_takes_all_fields_of_the_name) {
  Headers headers{{"A", "1"}, {"B", "2"}, {"a", "3"}};

  EXPECT_EQ(headers.remove("A"), 2u);
  EXPECT_EQ(headers.remove("A"), 0u);

  EXPECT_EQ(headers, (Headers{{"B", "2"}}));
}

// Otherwise text from outside, put into a value, could add headers or end the message.
TEST(Headers, a_line_end_in_a_value_is_refused) {
  Headers headers;

  for (const std::string& bad :
       {std::string("a\r\nEvil: 1"), std::string("a\nb"), std::string("a\rb"),
        std::string("a\0b", 3), std::string("\x7f"), std::string("\n"), std::string("x\r\n")}) {
    EXPECT_THROW(headers.add("Name", bad), ValueError);
    EXPECT_THROW(headers.set("Name", bad), ValueError);
    EXPECT_THROW(headers.setdefault("Name", bad), ValueError);
  }
  EXPECT_TRUE(headers.empty());
}

TEST(Headers, a_name_that_is_no_token_is_refused) {
  Headers headers;

  for (const std::string_view bad : {"", "a b", "a:", "a\r\nb", "\xc3\xa9", "(x)", "a\t", " a"}) {
    EXPECT_THROW(headers.add(bad, "x"), ValueError) << bad;
  }
  headers.add("!#$%&'*+-.^_`|~09azAZ", "x");
  EXPECT_EQ(headers.size(), 1u);
}

TEST(Headers, the_error_says_which_byte_of_which_header_is_wrong) {
  Headers headers;

  try {
    headers.add("Location", "/a\r\nSet-Cookie: x");
    FAIL();
  } catch (const ValueError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("Location"), std::string::npos) << text;
    EXPECT_NE(text.find("'/a\\x0D\\x0ASet-Cookie: x'"), std::string::npos) << text;
    EXPECT_NE(text.find("byte 2"), std::string::npos) << text;
  }
}

TEST(Headers, blanks_around_a_value_are_dropped_and_inside_are_kept) {
  Headers headers{{"A", " \tx  y\t "}, {"B", "  "}, {"C", ""}};

  EXPECT_EQ(headers.get("A"), "x  y");
  EXPECT_EQ(headers.get("B"), "");
  EXPECT_EQ(headers.get("C"), "");
}

TEST(Headers, tokens_are_found_in_lists_over_several_fields) {
  Headers headers{{"Connection", "keep-alive, Upgrade"}, {"connection", " close"}};

  EXPECT_TRUE(headers.has_token("Connection", "upgrade"));
  EXPECT_TRUE(headers.has_token("Connection", "Close"));
  EXPECT_FALSE(headers.has_token("Connection", "keep"));
  EXPECT_FALSE(headers.has_token("Upgrade", "close"));
}

// The buffer grows while the argument points into it; without the copy this reads freed memory.
TEST(Headers, a_value_can_be_copied_from_one_field_to_another) {
  Headers headers{{"From", std::string(40, 'x')}};

  for (int i = 0; i < 100; ++i) headers.add(headers[0].name, headers[0].value);
  headers.set("To", *headers.get("From"));

  EXPECT_EQ(headers.get("To"), std::string(40, 'x'));
  EXPECT_EQ(headers.count("From"), 101u);
}

TEST(Headers, replacing_a_value_again_and_again_does_not_lose_the_others) {
  Headers headers{{"A", "1"}, {"Date", ""}, {"Z", "2"}};

  for (int i = 0; i < 10'000; ++i) headers.set("Date", std::to_string(i));

  EXPECT_EQ(headers, (Headers{{"A", "1"}, {"Date", "9999"}, {"Z", "2"}}));
}

TEST(Headers, repr_shows_no_credentials) {
  Headers headers{{"Host", "a"}, {"authorization", "Basic c2VjcmV0"}, {"Cookie", "id=secret"}};

  EXPECT_EQ(repr(headers), "<Headers\n  Host: a\n  authorization: ...\n  Cookie: ...>");
}

}  // namespace
}  // namespace asyncio::http
