#include "asyncio/net/dns.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "asyncio/base/errors.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/core/sleep.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/sync/threads.hpp"

namespace asyncio {
namespace {

class GaiCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "getaddrinfo"; }
  std::string message(int code) const override { return ::gai_strerror(code); }
};

[[noreturn]] void throw_gai_error(int code, const std::string& host) {
  static const GaiCategory category;
  if (code == EAI_SYSTEM) throw_os_error(errno, "getaddrinfo", host);
  throw GaiError(std::error_code(code, category), "getaddrinfo");
}

// Runs in a thread: touches nothing of the loop.
std::vector<Address> look_up(const std::string& host, int port, ResolveOptions options) {
  addrinfo hints{};
  hints.ai_socktype = options.datagram ? SOCK_DGRAM : SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (options.passive ? AI_PASSIVE : 0);
  addrinfo* found = nullptr;
  const std::string service = std::to_string(port);
  const int code =
      ::getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &found);
  if (code != 0) throw_gai_error(code, host);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    detail::SocketAddress system;
    if (each->ai_addrlen > detail::SocketAddress::kCapacity) continue;
    std::memcpy(system.bytes, each->ai_addr, each->ai_addrlen);
    system.length = each->ai_addrlen;
    Address address = Address::from_system(system);
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end())
      addresses.push_back(std::move(address));
  }
  return addresses;
}

// What a backend said that knows names of its own (a simulated network).
Coro<std::vector<Address>> finish_answer(detail::NameAnswer answer, std::string host, int port) {
  if (answer.delay_ns > 0) co_await sleep(Duration(answer.delay_ns));
  if (answer.error != 0) throw_gai_error(answer.error, host);
  std::vector<Address> addresses;
  for (const detail::SocketAddress& each : answer.addresses) {
    const Address address = Address::from_system(each);
    if (std::optional<Address> with_port = Address::parse(address.host(), port))
      addresses.push_back(*std::move(with_port));
  }
  co_return addresses;
}

}  // namespace

ASYNCIO_CORO_WRAPPER Coro<std::vector<Address>> resolve(std::string host, int port) {
  return resolve(std::move(host), port, ResolveOptions{});
}

Coro<std::vector<Address>> resolve(std::string host, int port, ResolveOptions options) {
  if (std::optional<Address> numeric = Address::parse(host, port))
    co_return std::vector<Address>{*numeric};
  // Asks no server, so it needs no thread.
  if (host.empty()) co_return look_up(host, port, options);
  Loop& loop = get_running_loop();
  if (detail::NameAnswer answer; loop.backend().look_up(host, answer))
    co_return co_await finish_answer(std::move(answer), std::move(host), port);
  co_return co_await loop.run_in_executor(
      [host = std::move(host), port, options] { return look_up(host, port, options); });
}

}  // namespace asyncio
