#include "asyncio/net/dns.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <charconv>

#include "asyncio/base/errors.hpp"
#include "asyncio/core/services.hpp"
#include "asyncio/core/sleep.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/net/internal/dns_errors.hpp"
#include "asyncio/net/internal/dns_resolver.hpp"

namespace asyncio {
namespace {

using Family = Address::Family;
using detail::make_gai_error;

[[noreturn]] void fail(int code, const std::string& host, const std::string& reason,
                       const std::string& cure = {}) {
  std::rethrow_exception(make_gai_error(code, "getaddrinfo", host, reason, cure));
}

// All interfaces, or the loopback; of both families, in the system's order.
std::vector<Address> addresses_without_host(bool passive, Family family) {
  std::vector<Address> found;
  const auto add = [&](const char* host) {
    Address address = *Address::parse(host, 0);
    if (family == Family::none || family == address.family()) found.push_back(std::move(address));
  };
  if (passive) add("0.0.0.0");
  add(passive ? "::" : "::1");
  if (!passive) add("127.0.0.1");
  return found;
}

// What a backend said that knows names of its own (a simulated network).
Coro<Resolver::Answer> finish_answer(detail::NameAnswer answer, std::string host, Family family) {
  if (answer.delay_ns > 0) co_await sleep(Duration(answer.delay_ns));
  if (answer.error != 0) fail(answer.error, host, "says the simulated network");
  Resolver::Answer result;
  for (const detail::SocketAddress& each : answer.addresses) {
    Address address = Address::from_system(each);
    if (family == Family::none || family == address.family())
      result.addresses.push_back(std::move(address));
  }
  result.canonical_name = std::move(host);
  co_return result;
}

Coro<Resolver::Answer> answer_for(Loop& loop, std::string host, Family family, int flags) {
  if (family == Family::unix_path) fail(EAI_FAMILY, host, "names are of IPv4 and IPv6");
  if (host.empty())
    co_return Resolver::Answer{addresses_without_host((flags & AI_PASSIVE) != 0, family), {}};
  if (std::optional<Address> numeric = Address::parse(host, 0)) {
    if (family != Family::none && family != numeric->family())
      fail(EAI_ADDRFAMILY, host, "is an address of the other family");
    co_return Resolver::Answer{{*std::move(numeric)}, std::move(host)};
  }
  if ((flags & AI_NUMERICHOST) != 0) fail(EAI_NONAME, host, "is not numeric");
  if (const char* reason = detail::why_not_a_host(host)) fail(EAI_NONAME, host, reason);
  if (detail::NameAnswer answer; loop.backend().look_up(host, answer))
    co_return co_await finish_answer(std::move(answer), std::move(host), family);
  const std::shared_ptr<Resolver> resolver = loop.default_resolver();
  co_return co_await resolver->look_up(std::move(host), family);
}

// A service by its number or its name in /etc/services.
int port_of(const std::string& service, const AddressInfoOptions& options) {
  int port = 0;
  const char* const end = service.data() + service.size();
  const auto [stop, error] = std::from_chars(service.data(), end, port);
  if (error == std::errc() && stop == end && !service.empty()) return port;
  const char* const protocol = options.type == SOCK_DGRAM    ? "udp"
                               : options.type == SOCK_STREAM ? "tcp"
                                                             : nullptr;
  servent entry{};
  servent* found = nullptr;
  std::array<char, 1024> room;
  if ((options.flags & AI_NUMERICSERV) != 0) fail(EAI_NONAME, service, "is not a number of a port");
  if (::getservbyname_r(service.c_str(), protocol, &entry, room.data(), room.size(), &found) != 0 ||
      found == nullptr)
    fail(EAI_SERVICE, service, "is no service of /etc/services", "give the number of the port");
  return ntohs(static_cast<std::uint16_t>(found->s_port));
}

struct Kind {
  int type;
  int protocol;
};
constexpr std::array<Kind, 3> kKinds{
    {{SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, IPPROTO_UDP}, {SOCK_RAW, 0}}};

// Each address once for each kind of socket that was asked for, as getaddrinfo(3) does.
std::vector<AddressInfo> list(Resolver::Answer answer, int port, AddressInfoOptions options) {
  std::vector<AddressInfo> all;
  for (const Address& address : answer.addresses) {
    for (const Kind& kind : kKinds) {
      if (options.type != 0 && options.type != kind.type) continue;
      if (options.protocol != 0 && kind.protocol != 0 && options.protocol != kind.protocol)
        continue;
      AddressInfo info;
      info.family = address.family();
      info.type = kind.type;
      info.protocol = kind.protocol != 0 ? kind.protocol : options.protocol;
      info.address = address.with_port(port);
      if (all.empty() && (options.flags & AI_CANONNAME) != 0)
        info.canonical_name = answer.canonical_name;
      all.push_back(std::move(info));
    }
  }
  return all;
}

Coro<std::vector<AddressInfo>> get_address_info(Loop& loop, std::string host, int port,
                                                AddressInfoOptions options) {
  if (options.type != 0 && options.type != SOCK_STREAM && options.type != SOCK_DGRAM &&
      options.type != SOCK_RAW)
    fail(EAI_SOCKTYPE, host, "sockets of this type have no addresses");
  Resolver::Answer answer =
      co_await answer_for(loop, std::move(host), options.family, options.flags);
  co_return list(std::move(answer), port, options);
}

Coro<std::vector<AddressInfo>> get_address_info_of(Loop& loop, std::string host,
                                                   std::string service,
                                                   AddressInfoOptions options) {
  const int port = port_of(service, options);
  co_return co_await get_address_info(loop, std::move(host), port, options);
}

// The number of an address and the name of its port: neither asks a server.
std::pair<std::string, std::string> numeric_name(const Address& address, int flags) {
  const detail::SocketAddress system = address.to_system();
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> service{};
  const int code = ::getnameinfo(reinterpret_cast<const sockaddr*>(system.bytes), system.length,
                                 host.data(), host.size(), service.data(), service.size(),
                                 NI_NUMERICHOST | (flags & (NI_NUMERICSERV | NI_DGRAM)));
  if (code != 0) std::rethrow_exception(make_gai_error(code, "getnameinfo", address.host()));
  return {host.data(), service.data()};
}

Coro<std::pair<std::string, std::string>> get_name_info(Loop& loop, Address address, int flags) {
  std::pair<std::string, std::string> name = numeric_name(address, flags);
  if ((flags & NI_NUMERICHOST) != 0 || address.family() == Family::unix_path) {
    if ((flags & NI_NAMEREQD) != 0)
      std::rethrow_exception(make_gai_error(EAI_NONAME, "getnameinfo", address.host(),
                                            "NI_NAMEREQD and NI_NUMERICHOST exclude each other"));
    co_return name;
  }
  try {
    name.first = co_await loop.default_resolver()->look_up_name(std::move(address));
  } catch (const GaiError& error) {
    if (error.error_number() != EAI_NONAME || (flags & NI_NAMEREQD) != 0) throw;
  }
  co_return name;
}

}  // namespace

ASYNCIO_CORO_WRAPPER Coro<std::vector<Address>> resolve(std::string host, int port) {
  return resolve(std::move(host), port, ResolveOptions{});
}

Coro<std::vector<Address>> resolve(std::string host, int port, ResolveOptions options) {
  Resolver::Answer answer = co_await answer_for(get_running_loop(), std::move(host), options.family,
                                                options.passive ? AI_PASSIVE : 0);
  for (Address& address : answer.addresses) address = address.with_port(port);
  co_return std::move(answer.addresses);
}

ASYNCIO_CORO_WRAPPER Coro<std::vector<AddressInfo>> Loop::getaddrinfo(std::string host, int port) {
  return get_address_info(*this, std::move(host), port, {});
}
ASYNCIO_CORO_WRAPPER Coro<std::vector<AddressInfo>> Loop::getaddrinfo(std::string host, int port,
                                                                      AddressInfoOptions options) {
  return get_address_info(*this, std::move(host), port, options);
}
ASYNCIO_CORO_WRAPPER Coro<std::vector<AddressInfo>> Loop::getaddrinfo(std::string host,
                                                                      std::string service,
                                                                      AddressInfoOptions options) {
  return get_address_info_of(*this, std::move(host), std::move(service), options);
}
ASYNCIO_CORO_WRAPPER Coro<std::pair<std::string, std::string>> Loop::getnameinfo(Address address,
                                                                                 int flags) {
  return get_name_info(*this, std::move(address), flags);
}

void Loop::set_default_resolver(std::shared_ptr<Resolver> resolver) {
  services_->resolver = std::move(resolver);
}

std::shared_ptr<Resolver> Loop::default_resolver() {
  if (!services_->resolver)
    services_->resolver = std::make_shared<detail::DnsResolver>(*this, ResolverOptions{});
  return services_->resolver;
}

std::shared_ptr<Resolver> make_resolver(ResolverOptions options) {
  return std::make_shared<detail::DnsResolver>(get_running_loop(), std::move(options));
}

std::shared_ptr<Resolver> make_thread_resolver() {
  return std::make_shared<detail::ThreadResolver>();
}

}  // namespace asyncio
