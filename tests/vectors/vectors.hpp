// vectors.hpp: the data files beside this header, each with the licence of where it comes from.
// What reads them: data-driven tests. README.md says what is in each folder.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

namespace asyncio::detail {

// The JSON document of that name below tests/vectors; throws where it is missing or malformed.
boost::json::value load_vectors(std::string_view name);
std::string base64_decode(std::string_view text);

}  // namespace asyncio::detail
