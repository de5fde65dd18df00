// messages.hpp: Request and Response, as handlers and callers see them.
//
//   co_return http::Response::text("hello\n");
//   co_return http::Response{.status = 404};
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "asyncio/http/headers.hpp"
#include "asyncio/net/address.hpp"

namespace asyncio::http {

// What a server's handler gets.
struct Request {
  std::string method = {};
  std::string target = {};  // As sent: "/a%20b?x=1"; of "http://host/a" the part behind the host.
  std::string path = {};    // Decoded, without the query: "/a b".
  Headers headers = {};
  std::string body = {};
  int version = 11;  // 10 or 11.
  Address peer = {};

  // What stands behind "?", still encoded; nullopt where there is no "?".
  std::optional<std::string_view> query() const noexcept;
};

// An open file that is sent as a body. Closes it when the last owner goes.
class FileBody {
 public:
  FileBody(int fd, std::uint64_t size) noexcept : fd_(fd), size_(size) {}
  FileBody(const FileBody&) = delete;
  FileBody& operator=(const FileBody&) = delete;
  ~FileBody();
  int fd() const noexcept { return fd_; }
  std::uint64_t size() const noexcept { return size_; }

 private:
  int fd_;
  std::uint64_t size_;
};

struct Response {
  int status = 200;
  std::string reason = {};  // Empty: the usual one.
  Headers headers = {};
  std::string body = {};
  // A server sends this instead of `body`, where there is one.
  std::shared_ptr<const FileBody> file = {};
  // From a client: the page that answered, and the pages that led to it, in order.
  std::string url = {};
  std::vector<std::string> history = {};

  bool ok() const noexcept { return status >= 200 && status < 300; }
  static Response text(std::string body, int status = 200);  // text/plain; charset=utf-8
  static Response html(std::string body, int status = 200);
  static Response redirect(std::string_view location, int status = 302);
};

std::string repr(const Request& request);    // "<Request GET /a>"
std::string repr(const Response& response);  // "<Response 200 OK, 12 bytes>"

}  // namespace asyncio::http
