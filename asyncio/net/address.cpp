#include "asyncio/net/address.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "asyncio/base/errors.hpp"
#include "asyncio/io/backend.hpp"

namespace asyncio {
namespace {

constexpr std::size_t kPathCapacity = sizeof(sockaddr_un::sun_path);

void check_port(int port) {
  if (port < 0 || port > 65535) throw ValueError("port must be 0-65535.");
}

std::uint32_t scope_of(std::string_view zone) {
  std::uint32_t index = 0;
  const char* const end = zone.data() + zone.size();
  if (std::from_chars(zone.data(), end, index).ptr == end) return index;
  return if_nametoindex(std::string(zone).c_str());
}

template <class System>
System read_as(const detail::SocketAddress& address) {
  System result{};
  std::memcpy(&result, address.bytes,
              address.length < sizeof result ? address.length : sizeof result);
  return result;
}

template <class System>
detail::SocketAddress written(const System& system, std::size_t length) {
  detail::SocketAddress address;
  std::memcpy(address.bytes, &system, sizeof system);
  address.length = static_cast<unsigned>(length);
  return address;
}

}  // namespace

bool operator==(const Address& a, const Address& b) noexcept {
  return a.family_ == b.family_ && a.port_ == b.port_ && a.flow_ == b.flow_ &&
         a.scope_ == b.scope_ && a.bytes_ == b.bytes_ && a.path() == b.path();
}

const std::string& Address::path() const noexcept {
  static const std::string none;
  return path_ ? *path_ : none;
}

Address Address::with_port(int port) const {
  check_port(port);
  Address address = *this;
  address.port_ = static_cast<std::uint16_t>(port);
  return address;
}

std::optional<Address> Address::parse(std::string_view host, int port) {
  check_port(port);
  Address address;
  address.port_ = static_cast<std::uint16_t>(port);
  std::string_view zone;
  if (const auto percent = host.find('%'); percent != std::string_view::npos) {
    zone = host.substr(percent + 1);
    host = host.substr(0, percent);
  }
  const std::string text(host);
  if (zone.empty() && inet_pton(AF_INET, text.c_str(), address.bytes_.data()) == 1) {
    address.family_ = Family::ipv4;
    return address;
  }
  if (inet_pton(AF_INET6, text.c_str(), address.bytes_.data()) != 1) return std::nullopt;
  address.family_ = Family::ipv6;
  if (!zone.empty()) address.scope_ = scope_of(zone);
  return address;
}

Address Address::of_path(std::string_view path) {
  if (path.size() >= kPathCapacity) throw_os_error(ENAMETOOLONG, "bind", std::string(path));
  Address address;
  address.family_ = Family::unix_path;
  address.path_ = std::make_shared<const std::string>(path);
  return address;
}

std::string Address::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family_ == Family::ipv4) return inet_ntop(AF_INET, bytes_.data(), text, sizeof text);
  if (family_ == Family::ipv6) {
    std::string host = inet_ntop(AF_INET6, bytes_.data(), text, sizeof text);
    if (scope_ == 0) return host;
    char name[IF_NAMESIZE];
    return host + '%' + (if_indextoname(scope_, name) ? name : std::to_string(scope_));
  }
  return path();
}

std::string Address::repr() const {
  switch (family_) {
    case Family::ipv4:
      return "('" + host() + "', " + std::to_string(port_) + ")";
    case Family::ipv6:
      return "('" + host() + "', " + std::to_string(port_) + ", " + std::to_string(flow_) + ", " +
             std::to_string(scope_) + ")";
    case Family::unix_path:
      return "'" + path() + "'";
    case Family::none:
      break;
  }
  return "None";
}

Address Address::from_system(const detail::SocketAddress& system) {
  Address address;
  if (system.length < sizeof(sa_family_t)) return address;
  const sa_family_t family = read_as<sockaddr>(system).sa_family;
  if (family == AF_INET) {
    const auto ip = read_as<sockaddr_in>(system);
    address.family_ = Family::ipv4;
    address.port_ = ntohs(ip.sin_port);
    std::memcpy(address.bytes_.data(), &ip.sin_addr, sizeof ip.sin_addr);
  } else if (family == AF_INET6) {
    const auto ip = read_as<sockaddr_in6>(system);
    address.family_ = Family::ipv6;
    address.port_ = ntohs(ip.sin6_port);
    address.flow_ = ip.sin6_flowinfo;
    address.scope_ = ip.sin6_scope_id;
    std::memcpy(address.bytes_.data(), &ip.sin6_addr, sizeof ip.sin6_addr);
  } else if (family == AF_UNIX) {
    address.family_ = Family::unix_path;
    const auto local = read_as<sockaddr_un>(system);
    const std::size_t header = offsetof(sockaddr_un, sun_path);
    if (system.length > header) {
      const std::size_t room = system.length - header;
      const bool is_abstract = local.sun_path[0] == '\0';
      address.path_ = std::make_shared<const std::string>(
          local.sun_path, is_abstract ? room : strnlen(local.sun_path, room));
    }
  }
  return address;
}

detail::SocketAddress Address::to_system() const {
  if (family_ == Family::ipv4) {
    sockaddr_in ip{};
    ip.sin_family = AF_INET;
    ip.sin_port = htons(port_);
    std::memcpy(&ip.sin_addr, bytes_.data(), sizeof ip.sin_addr);
    return written(ip, sizeof ip);
  }
  if (family_ == Family::ipv6) {
    sockaddr_in6 ip{};
    ip.sin6_family = AF_INET6;
    ip.sin6_port = htons(port_);
    ip.sin6_flowinfo = flow_;
    ip.sin6_scope_id = scope_;
    std::memcpy(&ip.sin6_addr, bytes_.data(), sizeof ip.sin6_addr);
    return written(ip, sizeof ip);
  }
  if (family_ == Family::unix_path) {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    const std::string& name = path();
    std::memcpy(local.sun_path, name.data(), name.size());
    // An abstract name is its bytes alone, a path ends with a null character.
    const bool is_abstract = name.starts_with('\0');
    return written(local, offsetof(sockaddr_un, sun_path) + name.size() + (is_abstract ? 0 : 1));
  }
  throw ValueError("an empty Address leads nowhere");
}

}  // namespace asyncio
