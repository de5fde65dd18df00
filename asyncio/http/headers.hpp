// headers.hpp: Headers, the fields of an HTTP message in the order in which they came.
//
//   http::Headers headers{{"Host", "example.com"}};
//   headers.add("Accept", "text/html");
//   headers.get("HOST");   // "example.com": names are compared without regard to case
//
// Nothing that could end a line or start another can get in (RFC 9110 section 5.5), so that text
// from outside, put into a value, never becomes a header of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace asyncio::detail {
struct HeadersAccess;  // The parser's way in: it has checked the bytes already.
}

namespace asyncio::http {

// An ordered multi-map from names to values.
//
// Lifetime: the string_views it gives are valid until the next change of the object.
class Headers {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
    friend bool operator==(const Field&, const Field&) = default;
  };
  class Iterator;

  Headers() = default;
  Headers(std::initializer_list<Field> fields);  // As add() of each.

  // The value of the first field of that name.
  std::optional<std::string_view> get(std::string_view name) const noexcept;
  std::string_view get(std::string_view name, std::string_view fallback) const noexcept;
  // The values of all fields of that name, in order.
  std::vector<std::string_view> get_all(std::string_view name) const;
  bool contains(std::string_view name) const noexcept;
  std::size_t count(std::string_view name) const noexcept;
  // Whether the fields of that name, read as comma-separated lists, hold the word in any case.
  bool has_token(std::string_view name, std::string_view token) const noexcept;

  // All raise ValueError, and change nothing, where the name is not a token or the value holds a
  // control character. Blanks around the value are dropped, as a receiver would.
  void add(std::string_view name, std::string_view value);
  // Replaces all fields of that name by one, which stands where the first stood.
  void set(std::string_view name, std::string_view value);
  // Adds the field unless there is one of that name; says whether it did.
  bool setdefault(std::string_view name, std::string_view value);
  // Removes all fields of that name and says how many there were.
  std::size_t remove(std::string_view name) noexcept;
  void clear() noexcept;  // Keeps the memory, for the next message.

  std::size_t size() const noexcept { return entries_.size(); }
  bool empty() const noexcept { return entries_.empty(); }
  Field operator[](std::size_t index) const noexcept;  // index < size()
  Iterator begin() const noexcept;
  Iterator end() const noexcept;

  friend bool operator==(const Headers& a, const Headers& b) noexcept;

 private:
  friend struct detail::HeadersAccess;

  // Where a field's bytes are. All fields share one buffer: a message costs two allocations, and
  // none when the object is used again.
  struct Entry {
    std::uint32_t name_at;
    std::uint32_t name_size;
    std::uint32_t value_at;
    std::uint32_t value_size;
  };

  Entry store(std::string_view name, std::string_view value);
  void drop_dead_bytes();

  std::string bytes_;
  std::vector<Entry> entries_;
  std::size_t dead_ = 0;  // Bytes of bytes_ that no entry refers to any more.
};

class Headers::Iterator {
 public:
  using value_type = Field;
  using difference_type = std::ptrdiff_t;

  Iterator() = default;
  Iterator(const Headers* headers, std::size_t index) : headers_(headers), index_(index) {}
  Field operator*() const noexcept { return (*headers_)[index_]; }
  Iterator& operator++() noexcept {
    ++index_;
    return *this;
  }
  Iterator operator++(int) noexcept {
    Iterator before = *this;
    ++index_;
    return before;
  }
  friend bool operator==(const Iterator&, const Iterator&) = default;

 private:
  const Headers* headers_ = nullptr;
  std::size_t index_ = 0;
};

inline Headers::Iterator Headers::begin() const noexcept { return {this, 0}; }
inline Headers::Iterator Headers::end() const noexcept { return {this, size()}; }

// The fields as "Name: value" lines, for logs and error messages; values of Authorization,
// Proxy-Authorization, Cookie and Set-Cookie are replaced by "...".
std::string repr(const Headers& headers);

}  // namespace asyncio::http
