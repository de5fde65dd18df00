// json_text.hpp: strings as JSON has them.
#pragma once
#include <string>
#include <string_view>

namespace asyncio {

// In quotes, escaped, and valid UTF-8 whatever was given: what is not becomes U+FFFD.
std::string json_quoted(std::string_view text);

}  // namespace asyncio
