#include "asyncio/http/internal/serialize.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/http/internal/chars.hpp"

namespace asyncio::detail {

namespace {

constexpr std::array<std::pair<int, std::string_view>, 42> kReasons{{
    {100, "Continue"},
    {101, "Switching Protocols"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
}};
constexpr std::array<std::string_view, 6> kServerReasons = {
    "Internal Server Error", "Not Implemented", "Bad Gateway",
    "Service Unavailable",   "Gateway Timeout", "HTTP Version Not Supported"};

void append_fields(std::string& out, const http::Headers& headers) {
  for (const http::Headers::Field field : headers) append_field(out, field.name, field.value);
  out += "\r\n";
}

}  // namespace

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

std::string_view reason_phrase(int status) noexcept {
  if (status >= 500 && status < 506) return kServerReasons[static_cast<std::size_t>(status - 500)];
  const auto at = std::lower_bound(kReasons.begin(), kReasons.end(), status,
                                   [](const auto& row, int value) { return row.first < value; });
  return at != kReasons.end() && at->first == status ? at->second : std::string_view();
}

void append_request_head(std::string& out, std::string_view method, std::string_view target,
                         const http::Headers& headers) {
  if (!is_token(method)) throw ValueError("invalid HTTP method " + quote(method));
  const auto is_bad = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte >= 0x7f;
  };
  if (target.empty() || std::any_of(target.begin(), target.end(), is_bad)) {
    throw ValueError("invalid request target " + quote(target) +
                     "\n  blanks and bytes above ASCII must be percent-encoded");
  }
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  append_fields(out, headers);
}

void append_status_line(std::string& out, int status, std::string_view reason) {
  if (status == 200 && reason.empty()) {  // nearly always
    out += "HTTP/1.1 200 OK\r\n";
    return;
  }
  if (status < 100 || status > 999) {
    throw ValueError("invalid HTTP status " + std::to_string(status));
  }
  if (reason.empty()) reason = reason_phrase(status);
  if (std::any_of(reason.begin(), reason.end(), is_forbidden_in_value)) {
    throw ValueError("invalid reason " + quote(reason) + " of HTTP status " +
                     std::to_string(status));
  }
  out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason);
  out += "\r\n";
}

void append_response_head(std::string& out, int status, std::string_view reason,
                          const http::Headers& headers) {
  append_status_line(out, status, reason);
  append_fields(out, headers);
}

void append_chunk_head(std::string& out, std::uint64_t size) {
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data())).append("\r\n");
}

void append_chunk(std::string& out, std::string_view data) {
  if (data.empty()) return;
  append_chunk_head(out, data.size());
  out.append(data).append(kChunkEnd);
}

void append_last_chunk(std::string& out, const http::Headers& trailers) {
  out += "0\r\n";
  append_fields(out, trailers);
}

}  // namespace asyncio::detail
