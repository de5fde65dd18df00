#include "asyncio/html/internal/css.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "asyncio/base/errors.hpp"
#include "asyncio/html/internal/encoding.hpp"

namespace asyncio::detail {

namespace {

constexpr std::size_t kMaxSelector = 4096;  // Bytes; a longer one is an accident or an attack.
constexpr int kMaxNumber = 1'000'000;       // In :nth-child(); no page has more siblings.
constexpr std::string_view kBlanks = " \t\r\n";

bool is_blank(char c) { return kBlanks.find(c) != std::string_view::npos; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_name_char(char c) { return is_name_start(c) || is_digit(c) || c == '-'; }
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Element and attribute names of HTML are in small letters in the tree.
std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

void append_utf8(std::string& out, unsigned code) {
  // What no XPath expression can hold, no document of ours holds either.
  const bool is_control = code < 0x20 && code != '\t' && code != '\n' && code != '\r';
  if (is_control || (code >= 0xd800 && code < 0xe000) || code == 0xfffe || code == 0xffff ||
      code > 0x10ffff) {
    code = 0xfffd;
  }
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

// XPath 1.0 has no escapes: a text with both quotes is put together from pieces.
std::string literal(std::string_view text) {
  if (text.find('\'') == std::string_view::npos) return "'" + std::string(text) + "'";
  if (text.find('"') == std::string_view::npos) return "\"" + std::string(text) + "\"";
  std::string out = "concat(";
  while (!text.empty()) {
    const bool is_quote = text.front() == '\'';
    const std::size_t end =
        std::min(is_quote ? text.find_first_not_of('\'') : text.find('\''), text.size());
    const char quote = is_quote ? '"' : '\'';
    out.append(1, quote).append(text.substr(0, end)).append(1, quote).append(",");
    text.remove_prefix(end);
  }
  return out + "'')";
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.front() != '-' && !is_digit(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_name_char(c) && static_cast<unsigned char>(c) < 0x80;
         });
}

std::string attribute_step(std::string_view name) {
  if (is_plain_name(name)) return "@" + std::string(name);
  return "@*[name()=" + literal(name) + "]";
}

std::string has_word(const std::string& attribute, std::string_view word) {
  return "contains(concat(' ',normalize-space(" + attribute + "),' ')," +
         literal(" " + std::string(word) + " ") + ")";
}

// [name op value]. An empty value matches nothing with the operators that look inside.
std::string attribute_condition(std::string_view name, std::string_view op,
                                std::string_view value) {
  const std::string attribute = attribute_step(name);
  const std::string text = literal(value);
  if (op == "=") return attribute + "=" + text;
  if (op == "|=") {
    return "(" + attribute + "=" + text + " or starts-with(" + attribute + "," +
           literal(std::string(value) + "-") + "))";
  }
  if (value.empty()) return "false()";
  if (op == "^=") return "starts-with(" + attribute + "," + text + ")";
  if (op == "*=") return "contains(" + attribute + "," + text + ")";
  if (op == "~=") {
    return value.find_first_of(kBlanks) == value.npos ? has_word(attribute, value) : "false()";
  }
  return "substring(" + attribute + ",string-length(" + attribute + ")-string-length(" + text +
         ")+1)=" + text;
}

// :nth-child(An+B), where `before` is the axis on which the siblings before it lie.
std::string nth_condition(int a, int b, std::string_view before) {
  const std::string count = "count(" + std::string(before) + "::*)";
  const std::string first = std::to_string(b - 1);
  if (a == 0) return count + "=" + first;
  const std::string step = std::to_string(a < 0 ? -a : a);
  const std::string distance = "(" + count + "-(" + first + "))";  // mod keeps its sign; 0 is 0.
  return "(" + count + (a > 0 ? ">=" : "<=") + first + " and " + distance + " mod " + step + "=0)";
}

// What stands between two combinators: "li.on[title]".
struct Compound {
  std::string tag;  // Empty for any.
  std::vector<std::string> conditions;

  std::string tag_condition() const {
    if (tag.empty()) return {};
    return is_plain_name(tag) ? "self::" + tag : "name()=" + literal(tag);
  }
  // All conditions, the tag included, as one; "true()" for *.
  std::string as_condition() const {
    std::string out = tag_condition();
    for (const std::string& condition : conditions) {
      if (!out.empty()) out += " and ";
      out += condition;
    }
    return out.empty() ? "true()" : out;
  }
  std::string as_step(std::string_view axis, std::string_view position) const {
    const bool is_named = is_plain_name(tag) && position.empty();
    std::string out(axis);
    out.append("::").append(is_named ? tag : "*").append(position);
    if (!is_named && !tag.empty()) out += "[" + tag_condition() + "]";
    for (const std::string& condition : conditions) out += "[" + condition + "]";
    return out;
  }
};

// A recursive descent over the grammar of selectors, one function per rule.
class SelectorParser {
 public:
  explicit SelectorParser(std::string_view text) : text_(text) {
    if (text.size() > kMaxSelector) {
      at_ = kMaxSelector;
      fail("longer than 4096 bytes");
    }
    const auto is_control = [](char c) {
      return static_cast<unsigned char>(c) < 0x20 && !is_blank(c);
    };
    const auto control = std::find_if(text.begin(), text.end(), is_control);
    if (control != text.end()) {
      at_ = static_cast<std::size_t>(control - text.begin());
      fail("control character");
    }
    if (!is_valid_utf8(text) || text.find("\xef\xbf\xbe") != text.npos ||
        text.find("\xef\xbf\xbf") != text.npos) {
      fail("the selector is not UTF-8 text");
    }
  }

  // group: selector ("," selector)*
  std::string group() {
    std::string out;
    do {
      if (!out.empty()) out += " | ";
      skip_blanks();
      out += selector();
    } while (take(','));
    if (!at_end()) fail("unexpected character");
    return out;
  }

 private:
  // selector: compound (combinator compound)*
  std::string selector() {
    std::string out = compound().as_step("descendant", "");
    for (;;) {
      const bool had_blanks = skip_blanks();
      if (at_end() || peek() == ',') return out;
      const char combinator = peek();
      if (combinator == '>' || combinator == '+' || combinator == '~') {
        ++at_;
        skip_blanks();
      } else if (!had_blanks) {
        fail("unexpected character");
      }
      const Compound next = compound();
      out += '/';
      if (combinator == '>') {
        out += next.as_step("child", "");
      } else if (combinator == '+') {
        out += next.as_step("following-sibling", "[1]");
      } else if (combinator == '~') {
        out += next.as_step("following-sibling", "");
      } else {
        out += next.as_step("descendant", "");
      }
    }
  }

  // compound: (tag | "*")? (".class" | "#id" | "[...]" | ":pseudo")*, not empty
  Compound compound(bool is_in_not = false) {
    Compound result;
    const std::size_t start = at_;
    if (!take('*') && !at_end() && starts_name()) result.tag = lower(name());
    for (bool more = true; more && !at_end();) {
      if (take('.')) {
        result.conditions.push_back(has_word("@class", name()));
      } else if (take('#')) {
        result.conditions.push_back("@id=" + literal(name(true)));
      } else if (take('[')) {
        result.conditions.push_back(attribute());
      } else if (take(':')) {
        result.conditions.push_back(pseudo(is_in_not));
      } else {
        more = false;
      }
    }
    if (at_ == start) fail(at_end() ? "a selector is missing" : "unexpected character");
    return result;
  }

  // attribute, behind "[": name (op (name | string))? "]"
  std::string attribute() {
    skip_blanks();
    const std::string attribute_name = lower(name());
    skip_blanks();
    if (take(']')) return attribute_step(attribute_name);
    const std::size_t start = at_;
    if (!at_end() && std::string_view("^$*~|").find(peek()) != std::string_view::npos) ++at_;
    if (!take('=')) fail("expected = or ]");
    const std::string_view op = text_.substr(start, at_ - start);
    skip_blanks();
    const bool is_quoted = !at_end() && (peek() == '"' || peek() == '\'');
    const std::string value = is_quoted ? string() : name(true);
    skip_blanks();
    if (!take(']')) fail("expected ]");
    return attribute_condition(attribute_name, op, value);
  }

  // pseudo, behind ":".
  std::string pseudo(bool is_in_not) {
    const std::size_t start = at_;
    const std::string what = lower(name());
    if (what == "first-child") return "not(preceding-sibling::*)";
    if (what == "last-child") return "not(following-sibling::*)";
    if (what == "only-child") return "not(preceding-sibling::* or following-sibling::*)";
    if (what == "empty") return "not(* or text())";
    if (what == "root") return "not(parent::*)";
    if (what == "nth-child") return nth("preceding-sibling");
    if (what == "nth-last-child") return nth("following-sibling");
    if (what == "not" && !is_in_not) return negation();
    at_ = start;
    fail(what == "not" ? ":not() inside :not()" : "this pseudo-class is not known");
  }

  // :not(compound, ...)
  std::string negation() {
    if (!take('(')) fail("expected (");
    std::string out;
    do {
      skip_blanks();
      out += (out.empty() ? "not(" : " or ") + ("(" + compound(true).as_condition() + ")");
      skip_blanks();
    } while (take(','));
    if (!take(')')) fail("expected )");
    return out + ")";
  }

  // (odd | even | An+B)
  std::string nth(std::string_view before) {
    if (!take('(')) fail("expected (");
    skip_blanks();
    const auto [a, b] = an_plus_b();
    skip_blanks();
    if (!take(')')) fail("expected )");
    return nth_condition(a, b, before);
  }

  std::pair<int, int> an_plus_b() {
    if (take_word("odd")) return {2, 1};
    if (take_word("even")) return {2, 0};
    int sign = take('-') ? -1 : 1;
    if (sign == 1) take('+');
    const bool has_digits = !at_end() && is_digit(peek());
    const int value = sign * (has_digits ? number() : 1);
    if (!take('n') && !take('N')) {
      if (!has_digits) fail("expected odd, even or a number such as 2n+1");
      return {0, value};
    }
    skip_blanks();
    if (take('+')) {
      sign = 1;
    } else if (take('-')) {
      sign = -1;
    } else {
      return {value, 0};
    }
    skip_blanks();
    return {value, sign * number()};
  }

  int number() {
    if (at_end() || !is_digit(peek())) fail("expected a number");
    int value = 0;
    for (; !at_end() && is_digit(peek()); ++at_) {
      value = std::min(value * 10 + (peek() - '0'), kMaxNumber);
    }
    return value;
  }

  bool starts_name() const {
    const char c = peek();
    return is_name_start(c) || c == '\\' ||
           (c == '-' && at_ + 1 < text_.size() &&
            (is_name_start(text_[at_ + 1]) || text_[at_ + 1] == '-' || text_[at_ + 1] == '\\'));
  }

  // An identifier. Behind # and = it may begin with a digit, as people write it.
  std::string name(bool may_begin_with_digit = false) {
    if (at_end() || !(starts_name() || (may_begin_with_digit && is_name_char(peek())))) {
      fail("expected a name");
    }
    std::string out;
    while (!at_end()) {
      if (is_name_char(peek())) {
        out += text_[at_++];
      } else if (peek() == '\\') {
        append_escape(out);
      } else {
        break;
      }
    }
    return out;
  }

  std::string string() {
    const std::size_t start = at_;
    const char quote = text_[at_++];
    std::string out;
    while (!at_end() && peek() != quote) {
      if (peek() == '\\') {
        append_escape(out);
      } else {
        out += text_[at_++];
      }
    }
    if (at_end()) {
      at_ = start;
      fail("this string does not end");
    }
    ++at_;
    return out;
  }

  // "\:" is a colon, "\41 " is an A (CSS Syntax section 4.3.7).
  void append_escape(std::string& out) {
    ++at_;
    if (at_end()) fail("nothing follows the backslash");
    if (hex_value(peek()) < 0) {
      out += text_[at_++];
      return;
    }
    unsigned code = 0;
    for (int i = 0; i < 6 && !at_end() && hex_value(peek()) >= 0; ++i) {
      code = code * 16 + static_cast<unsigned>(hex_value(text_[at_++]));
    }
    if (!at_end() && is_blank(peek())) ++at_;
    append_utf8(out, code);
  }

  bool take_word(std::string_view word) {
    if (lower(text_.substr(at_, word.size())) != word) return false;
    at_ += word.size();
    return true;
  }
  bool take(char c) {
    if (at_end() || peek() != c) return false;
    ++at_;
    return true;
  }
  bool skip_blanks() {
    const std::size_t start = at_;
    while (!at_end() && is_blank(peek())) ++at_;
    return at_ != start;
  }
  char peek() const { return text_[at_]; }
  bool at_end() const { return at_ >= text_.size(); }

  [[noreturn]] void fail(std::string_view why) const {
    std::string line(text_.substr(0, 200));
    std::replace_if(
        line.begin(), line.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    throw ValueError("invalid CSS selector: " + std::string(why) + " at position " +
                     std::to_string(at_) + "\n  " + line + "\n  " +
                     std::string(std::min(at_, line.size()), ' ') + "^");
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string css_to_xpath(std::string_view selector) { return SelectorParser(selector).group(); }

}  // namespace asyncio::detail
