// headers_access.hpp: the way into Headers for bytes that have been checked already.
#pragma once

#include <string_view>

#include "asyncio/http/headers.hpp"

namespace asyncio::detail {

struct HeadersAccess {
  // The name must be a token, and the value free of control characters and of blanks around it.
  static void add_unchecked(http::Headers& headers, std::string_view name, std::string_view value) {
    headers.entries_.push_back(headers.store(name, value));
  }
};

}  // namespace asyncio::detail
