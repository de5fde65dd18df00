// dns.hpp: names to addresses and back: resolve(), Loop::getaddrinfo(), Loop::getnameinfo(), and
// the Resolver behind them. Source: docs.python.org/3/library/asyncio-eventloop.html#dns
//
//   std::vector<Address> where = co_await resolve("example.org", 443);
//
// Numeric hosts are parsed at once. Names are looked up in the hosts file, then by c-ares on the
// loop, which reads /etc/resolv.conf and can be cancelled. Where names come from elsewhere (LDAP,
// mDNS, another module of nsswitch.conf), let the system look them up in a thread:
//
//   loop.set_default_resolver(make_thread_resolver());
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/core/events.hpp"
#include "asyncio/net/address.hpp"

namespace asyncio {

struct ResolveOptions {
  // Answer for a server: an empty host means all interfaces, IPv4 and IPv6.
  bool passive = false;
  bool datagram = false;
  Address::Family family = Address::Family::none;  // none: IPv4 and IPv6
};

// The addresses of a host, best first (RFC 6724), by the loop's resolver. An empty host is the
// loopback. Throws GaiError: error_number() is an EAI_* code of getaddrinfo(3), what() begins with
// Python's sentence and goes on with the host, the reason and the cure.
//
//   EAI_NONAME  there is no such name (NXDOMAIN), or it can be none
//   EAI_NODATA  the name has no address, or none of the family (NODATA)
//   EAI_AGAIN   the server failed, refused, or did not answer in time
//   EAI_FAIL    the server's answer made no sense
Coro<std::vector<Address>> resolve(std::string host, int port);
Coro<std::vector<Address>> resolve(std::string host, int port, ResolveOptions options);

// One entry of Loop::getaddrinfo(): Python's (family, type, proto, canonname, sockaddr).
struct AddressInfo {
  Address::Family family = Address::Family::none;
  int type = 0;                // SOCK_STREAM, SOCK_DGRAM, ...
  int protocol = 0;            // IPPROTO_TCP, IPPROTO_UDP, ...
  std::string canonical_name;  // of the first entry, where AI_CANONNAME asks for it
  Address address;
};

// Numbers of <sys/socket.h> and <netdb.h>; 0 is any.
struct AddressInfoOptions {
  Address::Family family = Address::Family::none;
  int type = 0;
  int protocol = 0;
  int flags = 0;  // AI_PASSIVE, AI_CANONNAME, AI_NUMERICHOST, AI_NUMERICSERV
};

// Who looks names up. A loop makes one when it needs one; Loop::set_default_resolver() replaces it,
// also by a class of your own (a table for tests, another protocol).
class Resolver {
 public:
  struct Answer {
    std::vector<Address> addresses;  // best first; their ports do not matter
    std::string canonical_name;
  };

  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver() = default;

  // Never called for numeric or empty hosts; Family::none is any. Throws GaiError.
  virtual Coro<Answer> look_up(std::string host, Address::Family family) = 0;
  // The name of an address. Throws GaiError(EAI_NONAME) where it has none.
  virtual Coro<std::string> look_up_name(Address address) = 0;
};

struct ResolverOptions {
  // "10.0.0.1", "10.0.0.1:5353", "[2001:db8::1]:53"; empty: the nameserver lines of resolv_conf.
  std::vector<std::string> servers = {};
  // Its search, domain, timeout and attempts are used where the fields below say nothing; read
  // again once it has changed.
  std::string resolv_conf = "/etc/resolv.conf";
  std::string hosts_file = "/etc/hosts";                // comes first; empty: none
  std::optional<std::vector<std::string>> search = {};  // domains to try for short names
  std::optional<int> ndots = {};                        // names with fewer dots are short
  Duration timeout = {};  // of one try at one server, doubled from round to round; 5 s
  int attempts = 0;       // rounds through the servers; 2
  bool tcp = false;       // ask by TCP at once; else only for answers too long for UDP
  int max_lookups = 256;  // at a time; others wait their turn
};

// c-ares on the running loop, for this loop alone. A cancelled lookup closes its sockets at once.
// Throws ValueError for a server that is no address.
std::shared_ptr<Resolver> make_resolver(ResolverOptions options = {});
// getaddrinfo(3) in the loop's default executor. A cancelled lookup still occupies its thread.
std::shared_ptr<Resolver> make_thread_resolver();

}  // namespace asyncio
