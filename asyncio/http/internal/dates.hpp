// dates.hpp: points in time as HTTP writes them (RFC 9110 section 5.6.7).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace asyncio::detail {

using HttpTime = std::chrono::sys_seconds;

// "Sun, 06 Nov 1994 08:49:37 GMT", for the years 0 to 9999; what lies outside is clamped.
std::string format_http_date(HttpTime time);

// Reads the form above and the two old ones that a recipient must know: RFC 850 and asctime().
std::optional<HttpTime> parse_http_date(std::string_view text);

}  // namespace asyncio::detail
