// links.hpp: from what people write into href="" to a URL reference that RFC 3986 accepts.
// The repairs are those of browsers (WHATWG URL, url.spec.whatwg.org), for http and https only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace asyncio::detail {

// `base_scheme` is that of the page the link stands on. nullopt where the link is not for http.
std::optional<std::string> link_to_reference(std::string_view href, std::string_view base_scheme);

}  // namespace asyncio::detail
