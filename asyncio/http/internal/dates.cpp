#include "asyncio/http/internal/dates.hpp"

#include <algorithm>
#include <array>

#include "asyncio/http/internal/chars.hpp"

namespace asyncio::detail {

namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void append_number(std::string& out, int value, int digits) {
  std::array<char, 4> buffer{'0', '0', '0', '0'};
  for (int i = digits - 1; i >= 0; --i, value /= 10) {
    buffer[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
  }
  out.append(buffer.data(), static_cast<std::size_t>(digits));
}

// Takes numbers and words off the front of a date; remembers whether anything was amiss.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : rest_(text) {}

  int number(std::size_t digits) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (i >= rest_.size() || !is_digit(rest_[i])) return fail();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  void literal(std::string_view text) {
    if (!rest_.starts_with(text)) {
      fail();
      return;
    }
    rest_.remove_prefix(text.size());
  }
  unsigned month() {
    const auto at = std::find(kMonths.begin(), kMonths.end(), rest_.substr(0, 3));
    if (at == kMonths.end()) return static_cast<unsigned>(fail());
    rest_.remove_prefix(3);
    return static_cast<unsigned>(at - kMonths.begin()) + 1;
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool done() const { return is_fine_ && rest_.empty(); }

 private:
  int fail() {
    is_fine_ = false;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
  bool is_fine_ = true;
};

struct Fields {
  int year = 0;
  unsigned month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

void read_clock(DateReader& reader, Fields& fields) {
  fields.hour = reader.number(2);
  reader.literal(":");
  fields.minute = reader.number(2);
  reader.literal(":");
  fields.second = reader.number(2);
}

// "06 Nov 1994 08:49:37 GMT", or with hyphens and two digits of the year.
void read_day_first(DateReader& reader, Fields& fields, bool is_rfc850) {
  const std::string_view separator = is_rfc850 ? "-" : " ";
  fields.day = reader.number(2);
  reader.literal(separator);
  fields.month = reader.month();
  reader.literal(separator);
  fields.year = reader.number(is_rfc850 ? 2 : 4);
  // The century is that of the time in which such dates were still written.
  if (is_rfc850) fields.year += fields.year < 70 ? 2000 : 1900;
  reader.literal(" ");
  read_clock(reader, fields);
  reader.literal(" GMT");
}

// "Nov  6 08:49:37 1994"
void read_asctime(DateReader& reader, Fields& fields) {
  fields.month = reader.month();
  reader.literal(" ");
  fields.day = reader.take(' ') ? reader.number(1) : reader.number(2);
  reader.literal(" ");
  read_clock(reader, fields);
  reader.literal(" ");
  fields.year = reader.number(4);
}

}  // namespace

std::string format_http_date(HttpTime time) {
  constexpr HttpTime kFirst = sys_days(year(0) / January / 1);
  constexpr HttpTime kLast = sys_days(year(9999) / December / 31) + 86399s;
  time = std::clamp(time, kFirst, kLast);
  const sys_days day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss<seconds> clock(time - day);

  std::string out(kDays[weekday(day).c_encoding()]);
  out += ", ";
  append_number(out, static_cast<int>(static_cast<unsigned>(date.day())), 2);
  out.append(" ").append(kMonths[static_cast<unsigned>(date.month()) - 1]).append(" ");
  append_number(out, static_cast<int>(date.year()), 4);
  out += ' ';
  append_number(out, static_cast<int>(clock.hours().count()), 2);
  out += ':';
  append_number(out, static_cast<int>(clock.minutes().count()), 2);
  out += ':';
  append_number(out, static_cast<int>(clock.seconds().count()), 2);
  return out += " GMT";
}

std::optional<HttpTime> parse_http_date(std::string_view text) {
  const std::size_t name_end = text.find_first_of(", ");
  if (name_end == std::string_view::npos || name_end < 3 || name_end > 9) return std::nullopt;
  const bool has_comma = text[name_end] == ',';
  DateReader reader(text.substr(name_end));
  reader.literal(has_comma ? ", " : " ");
  Fields fields;
  if (has_comma) {
    read_day_first(reader, fields, text.find('-') != std::string_view::npos);
  } else {
    read_asctime(reader, fields);
  }
  if (!reader.done()) return std::nullopt;
  const year_month_day date(year(fields.year), month(fields.month),
                            day(static_cast<unsigned>(fields.day)));
  // A second of 60 is a leap second, which our clocks count as the next one.
  if (!date.ok() || fields.hour > 23 || fields.minute > 59 || fields.second > 60) {
    return std::nullopt;
  }
  return sys_days(date) + hours(fields.hour) + minutes(fields.minute) + seconds(fields.second);
}

}  // namespace asyncio::detail
