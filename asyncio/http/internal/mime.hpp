// mime.hpp: the Content-Type that belongs to a file name.
#pragma once

#include <string_view>

namespace asyncio::detail {

// By the extension, in any case: "text/html; charset=utf-8" for "a/B.HTML". Names without a known
// one are "application/octet-stream", which browsers save and do not run.
std::string_view mime_type(std::string_view path) noexcept;

}  // namespace asyncio::detail
