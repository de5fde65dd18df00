#include "asyncio/net/internal/dns_errors.hpp"

#include <ares.h>
#include <netdb.h>

#include <cstdlib>

#include "asyncio/base/errors.hpp"

namespace asyncio::detail {
namespace {

class GaiCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "getaddrinfo"; }
  std::string message(int code) const override { return ::gai_strerror(code); }
};

struct Explanation {
  int code;
  std::string reason;
  const char* cure;
};

Explanation explain(int status, const std::string& servers) {
  constexpr const char* kOtherServer =
      "try again later, or name other servers in ResolverOptions or /etc/resolv.conf";
  switch (status) {
    case ARES_ENOTFOUND:
      return {EAI_NONAME, "does not exist, says the server (NXDOMAIN)",
              "check the spelling; a short name needs a search domain"};
    case ARES_ENODATA:
      return {EAI_NODATA, "exists, but has no address of the wanted family (NODATA)",
              "ask for another family, or for another name"};
    case ARES_ESERVFAIL:
      return {EAI_AGAIN, "the server failed (SERVFAIL): " + servers, kOtherServer};
    case ARES_EREFUSED:
      return {EAI_AGAIN, "the server refused to answer (REFUSED): " + servers, kOtherServer};
    case ARES_ETIMEOUT:
      return {EAI_AGAIN, "no answer in time from " + servers,
              "check the network and the nameserver lines of /etc/resolv.conf"};
    case ARES_ECONNREFUSED:
      return {EAI_AGAIN, "no name server runs at " + servers,
              "check the nameserver lines of /etc/resolv.conf"};
    case ARES_EBADNAME:
      return {EAI_NONAME, "is no host name", "letters, digits, hyphens and dots; IDNs in punycode"};
    case ARES_ENOMEM:
      return {EAI_MEMORY, "", ""};
    default:
      return {EAI_FAIL,
              std::string("the answer made no sense (") + ares_strerror(status) + "): " + servers,
              kOtherServer};
  }
}

}  // namespace

std::exception_ptr make_gai_error(int code, const std::string& operation, const std::string& host,
                                  const std::string& reason, const std::string& cure) {
  static const GaiCategory category;
  std::string words = "[Errno " + std::to_string(code) + "] " + ::gai_strerror(code);
  words += "\n  host: '" + host + "'";
  if (!reason.empty()) words += ": " + reason;
  if (!cure.empty()) words += "\n  cure: " + cure;
  return std::make_exception_ptr(
      GaiError(std::error_code(code, category), ErrorText{std::move(words)}, operation, host));
}

std::exception_ptr make_dns_error(int status, const std::string& operation, const std::string& host,
                                  const std::string& servers) {
  const Explanation why = explain(status, servers);
  return make_gai_error(why.code, operation, host, why.reason, why.cure);
}

const char* why_not_a_host(const std::string& host) noexcept {
  constexpr std::size_t kLongestName = 253;
  constexpr std::size_t kLongestLabel = 63;
  const std::size_t size = host.ends_with('.') ? host.size() - 1 : host.size();
  if (size == 0) return "is empty";
  if (size > kLongestName) return "is longer than 253 characters";
  std::size_t label = 0;
  for (std::size_t i = 0; i <= size; ++i) {
    if (i == size || host[i] == '.') {
      if (label == 0) return "has an empty part between two dots";
      if (label > kLongestLabel) return "has a part of more than 63 characters";
      label = 0;
      continue;
    }
    ++label;
    const auto byte = static_cast<unsigned char>(host[i]);
    if (byte <= ' ' || byte == 0x7F) return "has a blank or a control character";
    if (byte > 0x7F) return "has characters beyond ASCII; write it in punycode (xn--...)";
  }
  return nullptr;
}

}  // namespace asyncio::detail
