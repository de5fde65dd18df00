// Url: whatever is accepted is in normal form, and nothing in it can leave its place.
#include <algorithm>

#include "asyncio/base/errors.hpp"
#include "asyncio/http/url.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using asyncio::fuzz::require;
using asyncio::http::Url;

void check(const Url& url) {
  const auto again = Url::try_parse(url.str());
  require(again.has_value() && *again == url, "a normal form is its own normal form");
  require(again->host() == url.host() && again->port() == url.port(), "host and port stay");
  const bool is_known = url.scheme() == "http" || url.scheme() == "https";
  require(!url.host().empty(), "there is a host to connect to");
  require(url.port() != 0 || !is_known, "there is a port to connect to");
  require(url.path().starts_with('/') && url.target().starts_with('/'), "a path begins with /");
  const auto is_bad = [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f;
  };
  require(std::none_of(url.str().begin(), url.str().end(), is_bad), "no blank, no control");
  require(url.host().find_first_of("/?#@\\%") == url.host().npos, "a host is a host");
  require(url.path().find("/../") == url.path().npos, "no dot segments");
  const std::string rebuilt = url.origin() + std::string(url.target());
  require(Url::parse(rebuilt).target() == url.target(), "origin and target make the page");
  require(url.resolve("").without_fragment() == url.without_fragment(), "the empty reference");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = asyncio::fuzz::text(data, size);
  const Url base = Url::parse("https://me@base.example:8443/a/b/c;d?q#f");
  if (const auto url = Url::try_parse(input)) check(*url);
  if (const auto url = base.resolve_link(input)) check(*url);
  try {
    check(base.resolve(input));
  } catch (const asyncio::ValueError&) {}
  return 0;
}
