#include "asyncio/html/internal/encoding.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace asyncio::detail {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
constexpr std::size_t kMaxLabel = 40;
constexpr std::size_t kMetaWithin = 4096;  // Bytes in which <meta charset> is looked for.
constexpr std::string_view kBlanks = " \t\r\n\f";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

// The length of the valid UTF-8 sequence at the front (Unicode table 3-7), or 0.
std::size_t sequence_size(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool is_overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool is_surrogate = first == 0xed && byte(1) > 0x9f;
    return follows(1) && follows(2) && !is_overlong && !is_surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool is_overlong = first == 0xf0 && byte(1) < 0x90;
    const bool is_too_large = first == 0xf4 && byte(1) > 0x8f;
    return follows(1) && follows(2) && follows(3) && !is_overlong && !is_too_large ? 4 : 0;
  }
  return 0;
}

// The index of the first byte that belongs to no valid sequence, or the size.
std::size_t valid_prefix(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t size = sequence_size(text.substr(at, 4));
    if (size == 0) return at;
    at += size;
  }
  return at;
}

std::string_view repaired(std::string_view text, std::string& storage) {
  std::size_t good = valid_prefix(text);
  if (good == text.size()) return text;
  storage.clear();
  while (!text.empty()) {
    storage += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    storage += kReplacement;
    text.remove_prefix(1);
    good = valid_prefix(text);
  }
  return storage;
}

class Converter {
 public:
  explicit Converter(const std::string& from) : handle_(iconv_open("UTF-8", from.c_str())) {}
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  ~Converter() {
    if (is_open()) iconv_close(handle_);
  }
  bool is_open() const { return handle_ != reinterpret_cast<iconv_t>(-1); }

  void convert(std::string_view bytes, std::string& out) {
    char* in = const_cast<char*>(bytes.data());  // iconv(3) reads it only.
    std::size_t left = bytes.size();
    std::array<char, 4096> buffer;
    while (left > 0) {
      char* to = buffer.data();
      std::size_t space = buffer.size();
      const std::size_t result = iconv(handle_, &in, &left, &to, &space);
      const int error = errno;
      out.append(buffer.data(), buffer.size() - space);
      if (result != static_cast<std::size_t>(-1) || error == E2BIG) continue;
      out += kReplacement;
      if (error != EILSEQ) break;  // The last character is cut.
      ++in;
      --left;
    }
  }

 private:
  iconv_t handle_;
};

// The name for iconv(3) of what a label means on the web; empty for a label we do not follow.
std::string encoding_named(std::string_view label) {
  const std::size_t first = label.find_first_not_of(" \t\r\n\f\"'");
  if (first == label.npos) return {};
  label = label.substr(first, label.find_last_not_of(" \t\r\n\f\"'") - first + 1);
  if (label.size() > kMaxLabel) return {};
  std::string name = lower(label);
  const bool is_name = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("-_:.").find(c) != std::string_view::npos;
  });
  // UTF-7 hides tags from whoever looks at the bytes; no browser reads it.
  if (!is_name || name.find("utf-7") != name.npos || name.find("utf7") != name.npos) return {};
  if (name == "utf8" || name == "unicode-1-1-utf-8") return "utf-8";
  if (name == "utf-16" || name == "unicode") return "utf-16le";
  // What calls itself Latin-1 or ASCII is windows-1252 in truth.
  for (std::string_view alias : {"iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1",
                                 "ascii", "us-ascii", "cp1252"}) {
    if (name == alias) return "windows-1252";
  }
  if (name == "shift_jis" || name == "sjis" || name == "x-sjis") return "cp932";
  if (name == "gb2312") return "gbk";
  if (name == "ks_c_5601-1987" || name == "euc-kr") return "cp949";
  return name;
}

// The value of the first charset=... in a <meta> tag near the front.
std::string encoding_in_meta(std::string_view bytes) {
  const std::string head = lower(bytes.substr(0, kMetaWithin));
  for (std::size_t tag = head.find("<meta"); tag != head.npos; tag = head.find("<meta", tag + 5)) {
    const std::string_view inside = std::string_view(head).substr(tag, head.find('>', tag) - tag);
    std::size_t at = inside.find("charset");
    if (at == inside.npos) continue;
    at = inside.find_first_not_of(kBlanks, at + 7);
    if (at == inside.npos || inside[at] != '=') continue;
    at = inside.find_first_not_of(" \t\r\n\f\"'", at + 1);
    if (at == inside.npos) continue;
    const std::string name =
        encoding_named(inside.substr(at, inside.find_first_of(" \t\r\n\f\"';/", at) - at));
    // The tag could be read byte by byte, so it cannot be UTF-16.
    return name.starts_with("utf-16") || name.starts_with("utf-32") ? "utf-8" : name;
  }
  return {};
}

}  // namespace

bool is_valid_utf8(std::string_view text) noexcept { return valid_prefix(text) == text.size(); }

std::string_view to_utf8(std::string_view bytes, std::string_view label, std::string& storage) {
  if (bytes.starts_with("\xef\xbb\xbf")) return repaired(bytes.substr(3), storage);
  std::string name;
  if (bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff")) {
    name = bytes.front() == '\xff' ? "utf-16le" : "utf-16be";
    bytes.remove_prefix(2);
  }
  for (int source = 0; source < 2; ++source) {
    if (name.empty()) name = source == 0 ? encoding_named(label) : encoding_in_meta(bytes);
    if (name == "utf-8") return repaired(bytes, storage);
    if (name.empty()) continue;
    if (Converter converter(name); converter.is_open()) {
      storage.clear();
      converter.convert(bytes, storage);
      return storage;
    }
    name.clear();
  }
  if (is_valid_utf8(bytes)) return bytes;
  storage.clear();
  if (Converter converter("windows-1252"); converter.is_open()) {
    converter.convert(bytes, storage);
    return storage;
  }
  return repaired(bytes, storage);  // A system without its conversion tables.
}

}  // namespace asyncio::detail
