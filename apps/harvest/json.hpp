// json.hpp: text as JSON writes it. Pure.
#pragma once
#include <string>
#include <string_view>

namespace harvest {

// With the quotes. Bytes that are no UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

}  // namespace harvest
