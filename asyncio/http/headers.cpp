#include "asyncio/http/headers.hpp"

#include <algorithm>
#include <functional>
#include <limits>

#include "asyncio/base/errors.hpp"
#include "asyncio/http/internal/chars.hpp"

namespace asyncio::http {

namespace {

constexpr std::size_t kDeadBytesKept = 1024;  // Below this, copying costs more than it frees.
constexpr std::size_t kUsualFields = 8;       // What is made room for at once, and
constexpr std::size_t kUsualBytes = 192;      // the bytes of their names and values.

void check_name(std::string_view name) {
  if (detail::is_token(name)) return;
  throw ValueError("invalid header name " + detail::quote(name) +
                   "\n  allowed: letters, digits and !#$%&'*+-.^_`|~");
}

std::string_view checked_value(std::string_view name, std::string_view value) {
  const auto bad = std::find_if(value.begin(), value.end(), detail::is_forbidden_in_value);
  if (bad == value.end()) return detail::trim(value);
  throw ValueError("invalid value of header " + std::string(name) + ": " + detail::quote(value) +
                   "\n  a value holds no CR, LF, NUL or other control " + "character (byte " +
                   std::to_string(bad - value.begin()) + ")");
}

bool points_into(std::string_view text, const std::string& buffer) {
  const std::less_equal<const char*> not_after;
  return not_after(buffer.data(), text.data()) &&
         not_after(text.data(), buffer.data() + buffer.size());
}

bool is_secret(std::string_view name) {
  return detail::iequals(name, "Authorization") || detail::iequals(name, "Cookie") ||
         detail::iequals(name, "Set-Cookie") || detail::iequals(name, "Proxy-Authorization");
}

}  // namespace

Headers::Headers(std::initializer_list<Field> fields) {
  for (const Field& field : fields) add(field.name, field.value);
}

Headers::Field Headers::operator[](std::size_t index) const noexcept {
  const Entry& entry = entries_[index];
  const std::string_view all = bytes_;
  return {all.substr(entry.name_at, entry.name_size), all.substr(entry.value_at, entry.value_size)};
}

std::optional<std::string_view> Headers::get(std::string_view name) const noexcept {
  for (const Field field : *this) {
    if (detail::iequals(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::string_view Headers::get(std::string_view name, std::string_view fallback) const noexcept {
  return get(name).value_or(fallback);
}

std::vector<std::string_view> Headers::get_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Field field : *this) {
    if (detail::iequals(field.name, name)) values.push_back(field.value);
  }
  return values;
}

bool Headers::contains(std::string_view name) const noexcept { return get(name).has_value(); }

std::size_t Headers::count(std::string_view name) const noexcept {
  std::size_t found = 0;
  for (const Field field : *this) found += detail::iequals(field.name, name) ? 1 : 0;
  return found;
}

bool Headers::has_token(std::string_view name, std::string_view token) const noexcept {
  for (const Field field : *this) {
    if (!detail::iequals(field.name, name)) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      if (detail::iequals(detail::next_item(rest), token)) return true;
    }
  }
  return false;
}

void Headers::add(std::string_view name, std::string_view value) {
  check_name(name);
  const std::string_view kept = checked_value(name, value);
  entries_.push_back(store(name, kept));
}

void Headers::set(std::string_view name, std::string_view value) {
  check_name(name);
  const Entry entry = store(name, checked_value(name, value));
  const std::string_view own_name = std::string_view(bytes_).substr(entry.name_at, name.size());
  const auto has_name = [&](const Entry& other) {
    return detail::iequals(std::string_view(bytes_).substr(other.name_at, other.name_size),
                           own_name);
  };
  const auto first = std::find_if(entries_.begin(), entries_.end(), has_name);
  if (first == entries_.end()) {
    entries_.push_back(entry);
    return;
  }
  dead_ += first->name_size + first->value_size;
  *first = entry;
  const auto gone = std::remove_if(first + 1, entries_.end(), [&](const Entry& other) {
    if (!has_name(other)) return false;
    dead_ += other.name_size + other.value_size;
    return true;
  });
  entries_.erase(gone, entries_.end());
  drop_dead_bytes();
}

bool Headers::setdefault(std::string_view name, std::string_view value) {
  if (contains(name)) return false;
  add(name, value);
  return true;
}

std::size_t Headers::remove(std::string_view name) noexcept {
  return std::erase_if(entries_, [&](const Entry& entry) {
    const std::string_view all = bytes_;
    if (!detail::iequals(all.substr(entry.name_at, entry.name_size), name)) return false;
    dead_ += entry.name_size + entry.value_size;
    return true;
  });
}

void Headers::clear() noexcept {
  bytes_.clear();
  entries_.clear();
  dead_ = 0;
}

// Name and value may be views into this very object, as in set("X", *get("Y")); growing the
// buffer would leave them dangling, so that case copies them first.
Headers::Entry Headers::store(std::string_view name, std::string_view value) {
  if (points_into(name, bytes_) || points_into(value, bytes_)) {
    const std::string name_copy(name);
    const std::string value_copy(value);
    return store(name_copy, value_copy);
  }
  if (entries_.capacity() == 0) {
    entries_.reserve(kUsualFields);
    bytes_.reserve(kUsualBytes);
  }
  const std::size_t at = bytes_.size();
  if (name.size() + value.size() > std::numeric_limits<std::uint32_t>::max() - at) {
    throw ValueError("headers of more than 4 GiB");
  }
  bytes_.append(name).append(value);
  return {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(name.size()),
          static_cast<std::uint32_t>(at + name.size()), static_cast<std::uint32_t>(value.size())};
}

void Headers::drop_dead_bytes() {
  if (dead_ < kDeadBytesKept || dead_ < bytes_.size() / 2) return;
  Headers compact;
  for (const Field field : *this) {
    compact.entries_.push_back(compact.store(field.name, field.value));
  }
  *this = std::move(compact);
}

bool operator==(const Headers& a, const Headers& b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

std::string repr(const Headers& headers) {
  std::string out = "<Headers";
  for (const Headers::Field field : headers) {
    out.append("\n  ").append(field.name).append(": ");
    out.append(is_secret(field.name) ? std::string_view("...") : field.value);
  }
  return out += '>';
}

}  // namespace asyncio::http
