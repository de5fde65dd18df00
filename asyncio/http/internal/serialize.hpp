// serialize.hpp: message heads and chunks as bytes (RFC 9112 sections 3, 4, 5 and 7.1).
// All append to `out`, so that a head and a small body, or several answers, leave in one write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "asyncio/http/headers.hpp"

namespace asyncio::detail {

// "GET /a HTTP/1.1", the headers and the empty line. Raises ValueError, and appends nothing, where
// the method is no token or the target holds a blank, a control character or a byte above ASCII:
// what the user gave must not become a second request.
void append_request_head(std::string& out, std::string_view method, std::string_view target,
                         const http::Headers& headers);

// "HTTP/1.1 200 OK", the headers and the empty line. An empty `reason` means the usual one.
// ValueError for a status outside 100..999 and for control characters in the reason.
void append_response_head(std::string& out, int status, std::string_view reason,
                          const http::Headers& headers);

// Its parts, for who puts the fields together: the first line, and one field. The field's bytes are
// taken as they are.
void append_status_line(std::string& out, int status, std::string_view reason);
void append_field(std::string& out, std::string_view name, std::string_view value);

// One chunk; nothing for empty data, since an empty chunk would end the body.
void append_chunk(std::string& out, std::string_view data);
// The size line alone, for data that is sent from elsewhere; it must be followed by kChunkEnd.
void append_chunk_head(std::string& out, std::uint64_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";
// The last chunk, with trailers if there are any.
void append_last_chunk(std::string& out, const http::Headers& trailers = {});

// "Not Found" for 404; empty for a status without a registered phrase (RFC 9110 section 15).
std::string_view reason_phrase(int status) noexcept;

}  // namespace asyncio::detail
