#include "asyncio/http/url.hpp"

#include <algorithm>
#include <boost/url.hpp>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/http/internal/chars.hpp"
#include "asyncio/http/internal/links.hpp"

namespace asyncio::http {

namespace urls = boost::urls;

// The components, each in normal form, before they are written into one string.
struct Url::Parts {
  std::string scheme;
  std::string userinfo;
  std::string host;  // Without brackets.
  std::string path;
  std::optional<std::string> query;
  std::optional<std::string> fragment;
  std::uint16_t port = 0;  // 0: the scheme's own.
  bool is_ipv6 = false;
};

namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw ValueError("invalid URL " + detail::quote(text) + ": " + std::string(why));
}

std::string_view view(urls::string_view text) { return {text.data(), text.size()}; }

std::uint16_t default_port(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return 80;
  if (scheme == "https" || scheme == "wss") return 443;
  return 0;
}

bool is_unreserved(char c) {
  return detail::is_alpha(c) || detail::is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), detail::to_lower);
  return out;
}

// RFC 3986 section 6.2.2: decodes what needs no encoding, capital digits elsewhere.
std::string normal_encoding(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    // The grammar has been checked: two digits follow.
    const char byte =
        static_cast<char>(detail::hex_value(text[i + 1]) * 16 + detail::hex_value(text[i + 2]));
    if (is_unreserved(byte)) {
      out += byte;
    } else {
      detail::append_percent(out, byte);
    }
    i += 2;
  }
  return out;
}

// RFC 3986 section 5.2.4, for a path that begins with "/".
std::string without_dot_segments(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);  // "/name"
    path.remove_prefix(end);
    if (segment == "/." || segment == "/..") {
      if (segment == "/..") out.resize(std::min(out.rfind('/'), out.size()));
      if (path.empty()) out += '/';
    } else {
      out += segment;
    }
  }
  return out.empty() ? std::string("/") : out;
}

// What cannot stand in a host name, encoded or not: it would change the meaning of the URL, or of
// a Host header, once decoded.
bool is_host_char(char c) {
  return is_unreserved(c) || std::string_view("!$&'()*+,;=").find(c) != std::string_view::npos;
}

std::uint16_t normal_port(const urls::url_view& url, std::string_view text,
                          std::string_view scheme) {
  std::string_view digits = view(url.port());
  if (!url.has_port() || digits.empty()) return 0;
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  unsigned value = 0;
  for (const char c : digits.substr(0, 6)) value = value * 10 + static_cast<unsigned>(c - '0');
  if (digits.size() > 5 || value > 65535) refuse(text, "the port is above 65535");
  if (value == 0) refuse(text, "port 0 cannot be connected to");
  return value == default_port(scheme) ? std::uint16_t{0} : static_cast<std::uint16_t>(value);
}

// One number of an IPv4 address as inet_aton(3) and browsers read it: 0x is hexadecimal, a leading
// 0 octal. nullopt where it is none, or above 2^32 - 1.
std::optional<std::uint64_t> ipv4_number(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text.front() == '0') {
    base = 8;
  }
  std::uint64_t value = 0;
  for (const char c : text) {
    const int digit = detail::hex_value(c);
    if (digit < 0 || digit >= base) return std::nullopt;
    value = value * static_cast<std::uint64_t>(base) + static_cast<std::uint64_t>(digit);
    if (value > 0xffffffff) return std::nullopt;
  }
  return value;
}

// A host whose last label is a number is an address, in one of its many spellings, or an error:
// "127.1" and "0x7f000001" are 127.0.0.1. One spelling is kept, so that a list of forbidden
// addresses needs to know one (WHATWG URL, "ends in a number").
bool ends_in_number(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string_view last = host.substr(host.rfind('.') + 1);
  if (last.empty()) return false;
  return std::all_of(last.begin(), last.end(), detail::is_digit) ||
         (last.starts_with("0x") && last.find_first_not_of("0123456789abcdef", 2) == last.npos);
}

std::string normal_ipv4(std::string_view host, std::string_view text) {
  if (host.ends_with('.')) host.remove_suffix(1);
  std::uint64_t address = 0;
  int parts = 0;
  for (bool is_last = false; !is_last;) {
    is_last = host.find('.') == std::string_view::npos;
    const std::string_view label = host.substr(0, host.find('.'));
    const auto number = label.empty() ? std::nullopt : ipv4_number(label);
    if (++parts > 4 || !number) refuse(text, "the host is no valid IPv4 address");
    // The last number fills all bytes that are left.
    const int bytes_left = is_last ? 5 - parts : 1;
    if (*number >> (8 * bytes_left) != 0) refuse(text, "the host is no valid IPv4 address");
    address = (address << (8 * bytes_left)) | *number;
    if (!is_last) host.remove_prefix(label.size() + 1);
  }
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += std::to_string((address >> shift) & 0xff);
    if (shift > 0) out += '.';
  }
  return out;
}

// Reads the authority, without the port.
void take_authority(const urls::url_view& url, std::string_view text, std::string& userinfo,
                    std::string& host, bool& is_ipv6, bool is_marked) {
  if (url.has_userinfo()) userinfo = normal_encoding(view(url.encoded_userinfo()));
  const std::size_t colon = userinfo.find(':');
  if (colon != userinfo.npos && colon + 1 == userinfo.size()) userinfo.pop_back();  // No password.
  switch (url.host_type()) {
    case urls::host_type::ipv6:
      host = url.host_ipv6_address().to_string();
      is_ipv6 = true;
      return;
    case urls::host_type::ipvfuture:
      refuse(text, "this kind of address in brackets is not known");
    case urls::host_type::none:
      refuse(text, "it has no host");
    case urls::host_type::ipv4:
    case urls::host_type::name:
      break;
  }
  const auto decoded = detail::percent_decode(view(url.encoded_host()));
  host = lower(decoded.value_or(""));
  if (is_marked) host.erase(0, 1);
  if (host.empty()) refuse(text, "the host is empty");
  const auto bad = std::find_if_not(host.begin(), host.end(), is_host_char);
  if (bad != host.end()) {
    refuse(text,
           "the host holds a character that no host name can hold "
           "(write international names as xn--...)");
  }
  if (ends_in_number(host)) host = normal_ipv4(host, text);
}

// Boost.URL 1.81 reads the host of "http://1.2.3.4.example/" as an address and the rest of the name
// as a path without a slash. There, a letter before the host makes it a name; the caller drops it.
constexpr char kNameMark = 'x';

bool splits_host(const urls::url_view& url) {
  const std::string_view path = view(url.encoded_path());
  return url.has_authority() && !path.empty() && path.front() != '/';
}

}  // namespace

// RFC 3986 section 5.2.2. `base` may be null for an absolute URL.
Url Url::parse_reference(const Url* base, std::string_view text) {
  if (text.size() > kMaxSize) refuse(text, "longer than 64 KiB");
  auto parsed = urls::parse_uri_reference({text.data(), text.size()});
  std::string marked;
  if (parsed.has_value() && splits_host(*parsed)) {
    marked = text;
    marked.insert(marked.begin() + (view(parsed->encoded_host()).data() - text.data()), kNameMark);
    parsed = urls::parse_uri_reference(marked);
  }
  if (parsed.has_error()) refuse(text, parsed.error().message());
  if (splits_host(*parsed)) refuse(text, "what follows the host is neither a port nor a path");
  const urls::url_view& url = *parsed;
  if (!url.has_scheme() && base == nullptr) refuse(text, "it has no scheme, such as https://");

  Parts parts;
  parts.scheme = url.has_scheme() ? lower(view(url.scheme())) : std::string(base->scheme());
  if (url.has_query()) parts.query = normal_encoding(view(url.encoded_query()));
  if (url.has_fragment()) parts.fragment = normal_encoding(view(url.encoded_fragment()));
  std::string path = normal_encoding(view(url.encoded_path()));

  if (url.has_scheme() && !url.has_authority()) refuse(text, "it has no //host");
  if (url.has_authority()) {
    take_authority(url, text, parts.userinfo, parts.host, parts.is_ipv6, !marked.empty());
    parts.port = normal_port(url, text, parts.scheme);
  } else {
    parts.userinfo = base->userinfo();
    parts.host = base->host();
    parts.is_ipv6 = base->is_ipv6();
    parts.port = base->has_default_port() ? std::uint16_t{0} : base->port();
    if (path.empty()) {
      path = base->path();
      if (!parts.query) parts.query = base->query();
    } else if (path.front() != '/') {
      path.insert(0, base->path().substr(0, base->path().rfind('/') + 1));
    }
  }
  parts.path = without_dot_segments(path);
  return build(parts);
}

Url Url::build(const Parts& parts) {
  Url url;
  std::string& text = url.text_;
  const auto here = [&text] { return static_cast<std::uint32_t>(text.size()); };

  text += parts.scheme;
  url.scheme_end_ = here();
  text += "://";
  url.userinfo_at_ = here();
  text += parts.userinfo;
  url.userinfo_end_ = here();
  if (!parts.userinfo.empty()) text += '@';
  if (parts.is_ipv6) text += '[';
  url.host_at_ = here();
  text += parts.host;
  url.host_end_ = here();
  if (parts.is_ipv6) text += ']';
  if (parts.port != 0) text += ':' + std::to_string(parts.port);
  url.path_at_ = here();
  text += parts.path;
  url.path_end_ = here();
  if (parts.query) text.append("?").append(*parts.query);
  url.query_end_ = here();
  if (parts.fragment) text.append("#").append(*parts.fragment);

  url.is_default_port_ = parts.port == 0;
  url.port_ = parts.port != 0 ? parts.port : default_port(parts.scheme);
  url.is_ipv6_ = parts.is_ipv6;
  return url;
}

Url Url::parse(std::string_view text) { return parse_reference(nullptr, text); }

std::optional<Url> Url::try_parse(std::string_view text) {
  try {
    return parse(text);
  } catch (const ValueError&) {
    return std::nullopt;
  }
}

Url Url::resolve(std::string_view reference) const { return parse_reference(this, reference); }

std::optional<Url> Url::resolve_link(std::string_view href) const {
  if (href.size() > kMaxSize) return std::nullopt;
  const auto reference = detail::link_to_reference(href, scheme());
  if (!reference) return std::nullopt;
  try {
    return resolve(*reference);
  } catch (const ValueError&) {
    return std::nullopt;
  }
}

std::optional<std::string_view> Url::query() const noexcept {
  if (query_end_ == path_end_) return std::nullopt;
  return part(path_end_ + 1, query_end_);
}

std::optional<std::string_view> Url::fragment() const noexcept {
  if (query_end_ == text_.size()) return std::nullopt;
  return std::string_view(text_).substr(query_end_ + 1);
}

std::string Url::host_header() const {
  return std::string(part(is_ipv6_ ? host_at_ - 1 : host_at_, path_at_));
}

std::string Url::origin() const { return std::string(scheme()) + "://" + host_header(); }

Url Url::without_fragment() const {
  Url page = *this;
  page.text_.resize(query_end_);
  return page;
}

std::string repr(const Url& url) {
  const std::string& text = url.str();
  if (url.userinfo().empty()) return "<Url " + text + ">";
  const std::string_view user = url.userinfo().substr(0, url.userinfo().find(':'));
  const bool has_password = user.size() != url.userinfo().size();
  return "<Url " + std::string(url.scheme()) + "://" + std::string(user) +
         (has_password ? ":...@" : "@") + text.substr(text.find('@') + 1) + ">";
}

}  // namespace asyncio::http
