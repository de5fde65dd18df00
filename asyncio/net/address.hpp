// address.hpp: Address, where a socket is or goes to: IPv4, IPv6, or a path of a Unix socket.
// A value; knows no system header. Names are resolved in dns.hpp.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace asyncio {

namespace detail {
struct SocketAddress;
}

class Address {
 public:
  enum class Family : std::uint8_t { none, ipv4, ipv6, unix_path };

  Address() = default;
  // A numeric host ("127.0.0.1", "::1", "fe80::1%2"); nullopt where it is a name.
  static std::optional<Address> parse(std::string_view host, int port);
  // A path, or a name in the abstract namespace where it begins with a null character.
  // Throws OSError(ENAMETOOLONG) past 107 characters.
  static Address of_path(std::string_view path);

  Family family() const noexcept { return family_; }
  std::string host() const;  // "127.0.0.1", "::1", or the path
  int port() const noexcept { return port_; }
  Address with_port(int port) const;  // throws ValueError unless it is 0-65535
  const std::string& path() const noexcept;
  // As Python shows it: ('127.0.0.1', 80), ('::1', 80, 0, 0), '/run/x.sock'.
  std::string repr() const;

  friend bool operator==(const Address& a, const Address& b) noexcept;

  // For the layer below. An address of another family gives Family::none.
  static Address from_system(const detail::SocketAddress& address);
  detail::SocketAddress to_system() const;

 private:
  Family family_ = Family::none;
  std::uint16_t port_ = 0;
  std::uint32_t flow_ = 0;  // IPv6 only, as is scope_
  std::uint32_t scope_ = 0;
  std::array<unsigned char, 16> bytes_{};    // the first four for IPv4
  std::shared_ptr<const std::string> path_;  // null: empty; few addresses have one
};

}  // namespace asyncio
