// chars.hpp: which bytes HTTP allows where, and comparison without regard to ASCII case.
// Locale-free on purpose: the ctype functions depend on the locale and on the sign of char.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace asyncio::detail {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// RFC 9110 section 5.6.2: the characters of a token (method, header name).
constexpr bool is_token_char(char c) noexcept {
  return is_digit(c) || is_alpha(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
constexpr bool is_token(std::string_view text) noexcept {
  for (const char c : text) {
    if (!is_token_char(c)) return false;
  }
  return !text.empty();
}

// A byte that must not stand in a header value: a control character other than the tab.
constexpr bool is_forbidden_in_value(char c) noexcept {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

constexpr bool iequals(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

constexpr std::string_view trim(std::string_view text, std::string_view blanks = " \t") noexcept {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Cuts the part before `separator` off the front of `rest` and returns it trimmed.
constexpr std::string_view next_item(std::string_view& rest, char separator = ',') noexcept {
  const std::size_t end = rest.find(separator);
  const std::string_view item = trim(rest.substr(0, end));
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return item;
}

// The text as it can stand in an error message: quoted, shortened, control characters escaped.
std::string quote(std::string_view text);

// Replaces each %XX by its byte; nullopt where a % is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);

// Appends one byte as %XX, with capital digits.
void append_percent(std::string& out, char byte);

}  // namespace asyncio::detail
