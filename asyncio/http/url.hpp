// url.hpp: Url, an absolute URL with a host, always in normal form.
//
//   auto page = http::Url::parse("HTTP://Example.com:80/a/../b?x#top");
//   page.str();                              // "http://example.com/b?x#top"
//   page.resolve("../c").str();              // "http://example.com/c"
//   page.resolve_link(" \\d e\n")->str();    // "http://example.com/d%20e", as a browser reads it
//
// Two URLs that RFC 3986 section 6.2 calls equivalent by syntax or by scheme are equal here, so
// that `without_fragment()` can stand for "the same page". The grammar is Boost.URL's.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace asyncio::http {

// Invariant: text_ is in normal form: scheme and host in small letters, no default port, no empty
// userinfo, no dot segments, a path that begins with "/", percent-encoding in capital digits and
// only where it is needed.
//
// Lifetime: the string_views it gives are valid as long as the object is unchanged.
class Url {
 public:
  static constexpr std::size_t kMaxSize = 64 * 1024;  // Bytes; what is longer is refused.

  // Raises ValueError where the text is not an absolute URL with a host (RFC 3986).
  static Url parse(std::string_view text);
  static std::optional<Url> try_parse(std::string_view text);

  // The reference as seen from here (RFC 3986 section 5.2); ValueError where it is malformed.
  Url resolve(std::string_view reference) const;

  // What a browser would go to for href="...", found on this page: blanks around are dropped,
  // blanks inside and other characters that a URL cannot hold are encoded, backslashes are
  // slashes. nullopt for what is no page: mailto:, javascript:, another scheme than http and
  // https, a host that cannot be. Never throws for malformed input.
  // Host names beyond ASCII are not translated (they need IDNA tables): nullopt.
  std::optional<Url> resolve_link(std::string_view href) const;

  const std::string& str() const noexcept { return text_; }
  std::string_view scheme() const noexcept { return part(0, scheme_end_); }
  // "user:password", still encoded, or empty.
  std::string_view userinfo() const noexcept { return part(userinfo_at_, userinfo_end_); }
  // As one connects to it: an IPv6 address stands without its brackets.
  std::string_view host() const noexcept { return part(host_at_, host_end_); }
  // The scheme's where none is written; 0 for schemes other than http, https, ws and wss.
  std::uint16_t port() const noexcept { return port_; }
  bool has_default_port() const noexcept { return is_default_port_; }
  bool is_ipv6() const noexcept { return is_ipv6_; }
  bool is_https() const noexcept { return scheme() == "https" || scheme() == "wss"; }
  std::string_view path() const noexcept { return part(path_at_, path_end_); }  // At least "/".
  std::optional<std::string_view> query() const noexcept;                       // Without the "?".
  std::optional<std::string_view> fragment() const noexcept;                    // Without the "#".

  // "https://example.com:8443": scheme, host and port, which belong to one owner (RFC 6454).
  std::string origin() const;
  // For the Host header: "example.com", "[::1]:8080". Without userinfo.
  std::string host_header() const;
  // For the request line: path and query (RFC 9112 section 3.2.1).
  std::string_view target() const noexcept { return part(path_at_, query_end_); }
  // The page itself, whatever the place in it.
  Url without_fragment() const;

  friend bool operator==(const Url& a, const Url& b) noexcept { return a.text_ == b.text_; }
  friend auto operator<=>(const Url& a, const Url& b) noexcept { return a.text_ <=> b.text_; }

 private:
  struct Parts;
  Url() = default;
  static Url build(const Parts& parts);
  static Url parse_reference(const Url* base, std::string_view text);

  std::string_view part(std::uint32_t from, std::uint32_t to) const noexcept {
    return std::string_view(text_).substr(from, to - from);
  }

  std::string text_;
  // Where the parts lie in text_.
  std::uint32_t scheme_end_ = 0;
  std::uint32_t userinfo_at_ = 0;
  std::uint32_t userinfo_end_ = 0;
  std::uint32_t host_at_ = 0;
  std::uint32_t host_end_ = 0;
  std::uint32_t path_at_ = 0;
  std::uint32_t path_end_ = 0;   // The query, if any, follows behind one "?".
  std::uint32_t query_end_ = 0;  // The fragment, if any, follows behind one "#".
  std::uint16_t port_ = 0;
  bool is_default_port_ = true;
  bool is_ipv6_ = false;
};

// "<Url https://example.com/a>", without the password.
std::string repr(const Url& url);

}  // namespace asyncio::http

template <>
struct std::hash<asyncio::http::Url> {
  std::size_t operator()(const asyncio::http::Url& url) const noexcept {
    return std::hash<std::string>()(url.str());
  }
};
