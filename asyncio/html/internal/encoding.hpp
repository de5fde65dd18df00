// encoding.hpp: the bytes of a page as UTF-8, whatever they were.
#pragma once

#include <string>
#include <string_view>

namespace asyncio::detail {

// Valid UTF-8 without a byte order mark; what no text can be becomes U+FFFD. `label` is what the
// transport said. The order of belief: byte order mark, label, <meta charset>, UTF-8 where the
// bytes are that, windows-1252 (WHATWG Encoding and HTML section 13.2.3). A label nobody knows is
// passed over. The result is a view of `bytes` where they needed no change, otherwise of `storage`.
std::string_view to_utf8(std::string_view bytes, std::string_view label, std::string& storage);

bool is_valid_utf8(std::string_view text) noexcept;

}  // namespace asyncio::detail
