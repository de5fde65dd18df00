// dns_errors.hpp: what a failed lookup says: Python's sentence, the host, the reason, the cure.
#pragma once
#include <exception>
#include <string>

namespace asyncio::detail {

// `code` is an EAI_* code; `reason` and `cure` are sentences, left out where they are empty.
std::exception_ptr make_gai_error(int code, const std::string& operation, const std::string& host,
                                  const std::string& reason = {}, const std::string& cure = {});
// `status` is one of ares.h; `servers` are those that were asked.
std::exception_ptr make_dns_error(int status, const std::string& operation, const std::string& host,
                                  const std::string& servers);
// Why no server needs to be asked for such a name; null where it may be one (RFC 1035, 2.3.4).
const char* why_not_a_host(const std::string& host) noexcept;

}  // namespace asyncio::detail
