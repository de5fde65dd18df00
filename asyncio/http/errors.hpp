// errors.hpp: what goes wrong between an HTTP client and a server that can be reached.
// Failures of the network itself stay what they are: OSError and its kinds, TimeoutError.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>

namespace asyncio::http {

enum class ErrorKind : std::uint8_t {
  protocol,            // The answer is no HTTP, or contradicts itself.
  incomplete,          // The server went away before the answer was whole.
  body_too_large,      // More than the caller allowed.
  too_many_redirects,  // More than allowed, or in a circle.
  unsupported_scheme,  // Neither http nor https.
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

struct ProtocolError : Error {
  explicit ProtocolError(const std::string& message, ErrorKind kind = ErrorKind::protocol)
      : Error(kind, message) {}
};
struct BodyTooLarge : Error {
  explicit BodyTooLarge(const std::string& message) : Error(ErrorKind::body_too_large, message) {}
};
struct TooManyRedirects : Error {
  explicit TooManyRedirects(const std::string& message)
      : Error(ErrorKind::too_many_redirects, message) {}
};
struct UnsupportedScheme : Error {
  explicit UnsupportedScheme(const std::string& message)
      : Error(ErrorKind::unsupported_scheme, message) {}
};

}  // namespace asyncio::http
