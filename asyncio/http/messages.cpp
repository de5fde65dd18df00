#include "asyncio/http/messages.hpp"

#include <unistd.h>

#include <utility>

#include "asyncio/http/internal/headers_access.hpp"
#include "asyncio/http/internal/serialize.hpp"

namespace asyncio::http {

std::optional<std::string_view> Request::query() const noexcept {
  const std::size_t mark = target.find('?');
  if (mark == std::string::npos) return std::nullopt;
  return std::string_view(target).substr(mark + 1);
}

FileBody::~FileBody() {
  if (fd_ >= 0) ::close(fd_);
}

Response Response::text(std::string body, int status) {
  Response response{.status = status, .body = std::move(body)};
  detail::HeadersAccess::add_unchecked(response.headers, "Content-Type",
                                       "text/plain; charset=utf-8");
  return response;
}

Response Response::html(std::string body, int status) {
  Response response{.status = status, .body = std::move(body)};
  detail::HeadersAccess::add_unchecked(response.headers, "Content-Type",
                                       "text/html; charset=utf-8");
  return response;
}

Response Response::redirect(std::string_view location, int status) {
  Response response{.status = status};
  response.headers.add("Location", location);
  return response;
}

std::string repr(const Request& request) {
  return "<Request " + request.method + " " + request.target + ">";
}

std::string repr(const Response& response) {
  const std::string_view reason =
      response.reason.empty() ? detail::reason_phrase(response.status) : response.reason;
  const std::uint64_t size = response.file ? response.file->size() : response.body.size();
  return "<Response " + std::to_string(response.status) + (reason.empty() ? "" : " ") +
         std::string(reason) + ", " + std::to_string(size) + " bytes>";
}

}  // namespace asyncio::http
