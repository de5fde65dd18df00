// paths.hpp: from the target of a request to a file below a folder, and never outside it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace asyncio::detail {

// "/srv/www" and "/a%20b/c.html?x" give "/srv/www/a b/c.html". A target that ends in "/" gives a
// path that ends in "/". nullopt where the target is malformed or tries to leave the folder: a
// ".." in any spelling, an encoded slash, a backslash, a NUL.
//
// The text alone is looked at, no file: symbolic links inside the folder lead where they lead. Who
// does not trust the folder's content opens with openat2(2) and RESOLVE_BENEATH.
std::optional<std::string> safe_join(std::string_view root, std::string_view target);

}  // namespace asyncio::detail
