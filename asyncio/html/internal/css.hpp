// css.hpp: from a CSS selector to an XPath 1.0 expression.
#pragma once

#include <string>
#include <string_view>

namespace asyncio::detail {

// "ul > li.on, #top" becomes "descendant::ul/child::li[...] | descendant::*[...]", to be evaluated
// at the node below which one searches. Raises ValueError that shows the place of an error.
std::string css_to_xpath(std::string_view selector);

}  // namespace asyncio::detail
