// html::Document: byte 0 chooses the encoding the transport names, the rest is a page.
#include <array>
#include <string>

#include "asyncio/base/errors.hpp"
#include "asyncio/html/document.hpp"
#include "asyncio/html/internal/encoding.hpp"
#include "tests/fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using asyncio::detail::is_valid_utf8;
  using asyncio::fuzz::require;
  constexpr std::array<std::string_view, 8> kEncodings = {
      "", "utf-8", "iso-8859-1", "utf-16", "shift_jis", "gb18030", "koi8-r", "no-such"};
  std::string_view input = asyncio::fuzz::text(data, size);
  const std::string_view encoding = kEncodings[asyncio::fuzz::choose(input, kEncodings.size())];

  const auto page = asyncio::html::Document::parse(input, encoding);
  require(is_valid_utf8(page.title()), "a title is text");
  require(is_valid_utf8(page.text()), "text is text");
  page.base_href();
  page.meta("robots");
  for (const auto& link : page.links()) {
    require(is_valid_utf8(link.href) && is_valid_utf8(link.text), "a link is text");
  }
  try {
    for (const auto& node : page.css("a[href], p:first-child, div > *:not(.x):nth-child(2n+1)")) {
      node.attributes();
      repr(node);
    }
  } catch (const asyncio::ValueError&) {  // The search took too long.
  }
  return 0;
}
