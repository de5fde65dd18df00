#include "asyncio/http/internal/links.hpp"

#include <algorithm>

#include "asyncio/http/internal/chars.hpp"

namespace asyncio::detail {

namespace {

// Beside letters, digits and "%XX" (RFC 3986): unreserved, sub-delims and what each part adds.
constexpr std::string_view kUserinfoChars = "-._~!$&'()*+,;=:";
constexpr std::string_view kPathChars = "-._~!$&'()*+,;=:@/";
constexpr std::string_view kQueryChars = "-._~!$&'()*+,;=:@/?";

void append_encoded(std::string& out, std::string_view text, std::string_view allowed) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_escape = c == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                           hex_value(text[i + 2]) >= 0;
    if (is_escape || is_alpha(c) || is_digit(c) || allowed.find(c) != std::string_view::npos) {
      out += c;
    } else {
      append_percent(out, c);
    }
  }
}

// Blanks and control characters around, and line ends and tabs inside, mean nothing.
std::string cleaned(std::string_view href) {
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!href.empty() && is_blank(href.front())) href.remove_prefix(1);
  while (!href.empty() && is_blank(href.back())) href.remove_suffix(1);
  std::string out(href);
  std::erase_if(out, [](char c) { return c == '\t' || c == '\n' || c == '\r'; });
  const std::size_t end = std::min(out.find_first_of("?#"), out.size());
  std::replace(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(end), '\\', '/');
  return out;
}

// The length of "scheme" in "scheme:...", or 0.
std::size_t scheme_size(std::string_view text) {
  if (text.empty() || !is_alpha(text.front())) return 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ':') return i;
    if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '-' && c != '.') return 0;
  }
  return 0;
}

bool append_host_and_port(std::string& out, std::string_view text) {
  std::size_t host_end = 0;
  if (text.starts_with('[')) {
    host_end = text.find(']');
    if (host_end == std::string_view::npos) return false;
    ++host_end;
  } else {
    host_end = std::min(text.find(':'), text.size());
  }
  if (host_end == 0) return false;
  out += text.substr(0, host_end);
  const std::string_view port = text.substr(host_end);
  if (port.empty() || port == ":") return true;
  if (port.front() != ':' || !std::all_of(port.begin() + 1, port.end(), is_digit)) return false;
  out += port;
  return true;
}

bool append_authority(std::string& out, std::string_view text) {
  out += "//";
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    append_encoded(out, text.substr(0, at), kUserinfoChars);
    out += '@';
    text.remove_prefix(at + 1);
  }
  return append_host_and_port(out, text);
}

void append_path_query_fragment(std::string& out, std::string_view rest) {
  const std::size_t fragment = std::min(rest.find('#'), rest.size());
  const std::size_t query = std::min(rest.find('?'), fragment);
  append_encoded(out, rest.substr(0, query), kPathChars);
  if (query < fragment) {
    out += '?';
    append_encoded(out, rest.substr(query + 1, fragment - query - 1), kQueryChars);
  }
  if (fragment < rest.size()) {
    out += '#';
    append_encoded(out, rest.substr(fragment + 1), kQueryChars);
  }
}

}  // namespace

std::optional<std::string> link_to_reference(std::string_view href, std::string_view base_scheme) {
  const std::string text = cleaned(href);
  std::string_view rest = text;
  std::string out;
  bool has_authority = rest.starts_with("//");
  if (const std::size_t size = scheme_size(rest); size != 0) {
    const std::string_view scheme = rest.substr(0, size);
    if (!iequals(scheme, "http") && !iequals(scheme, "https")) return std::nullopt;
    rest.remove_prefix(size + 1);
    // "http:page" on an http page is relative, an old habit that browsers keep.
    if (!iequals(scheme, base_scheme) || rest.starts_with("//")) {
      out.append(scheme).append(":");
      has_authority = true;
    }
  }
  if (has_authority) {
    rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
    const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
    if (!append_authority(out, rest.substr(0, end))) return std::nullopt;
    rest.remove_prefix(end);
  } else if (!rest.starts_with('/') && !rest.starts_with('?') && !rest.starts_with('#') &&
             !rest.empty()) {
    out += "./";  // A colon in the first segment would otherwise read as a scheme.
  }
  append_path_query_fragment(out, rest);
  return out;
}

}  // namespace asyncio::detail
