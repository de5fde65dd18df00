// CSS selectors: each one is refused, or is a search that libxml2 understands.
#include <string>

#include "asyncio/base/errors.hpp"
#include "asyncio/html/document.hpp"
#include "asyncio/html/internal/css.hpp"
#include "tests/fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto page = asyncio::html::Document::parse(
      "<div id=a class='x y'><p title=\"it's\">1<p lang=en>2</p><b></b></div><ul><li>1<li>2</ul>");
  const std::string_view selector = asyncio::fuzz::text(data, size);
  std::string xpath;
  try {
    xpath = asyncio::detail::css_to_xpath(selector);
  } catch (const asyncio::ValueError&) {
    return 0;
  }
  page.xpath(xpath);
  return 0;
}
