// dns.hpp: names to addresses. Numeric hosts are parsed at once; names are looked up by
// getaddrinfo(3) in a thread of the default executor.
#pragma once
#include <string>
#include <vector>

#include "asyncio/core/tasks.hpp"
#include "asyncio/net/address.hpp"

namespace asyncio {

struct ResolveOptions {
  // Answer for a server: an empty host means all interfaces, IPv4 and IPv6.
  bool passive = false;
  bool datagram = false;
};

// The addresses of a host, best first, as the system sorts them (RFC 6724). An empty host is the
// loopback. Throws GaiError with the sentence of gai_strerror(3).
Coro<std::vector<Address>> resolve(std::string host, int port);
Coro<std::vector<Address>> resolve(std::string host, int port, ResolveOptions options);

}  // namespace asyncio
