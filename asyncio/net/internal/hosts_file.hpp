// hosts_file.hpp: the names of hosts(5), without a server.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "asyncio/net/address.hpp"

namespace asyncio::detail {

// Case does not matter in names, and a dot at their end is ignored.
class HostsFile {
 public:
  explicit HostsFile(std::string path) : path_(std::move(path)) {}

  // Reads the file where it has changed since. One that cannot be read is empty.
  void refresh();
  void parse(std::string_view text);

  // All addresses that the file gives the name, in its order; empty: ask a server.
  std::vector<Address> addresses_of(std::string_view host, Address::Family family) const;
  std::string canonical_name_of(std::string_view host) const;
  std::optional<std::string> name_of(const Address& address) const;

 private:
  struct Entry {
    std::string canonical_name;
    std::vector<Address> addresses;
  };
  void parse_line(std::string_view line);

  std::string path_;
  std::int64_t changed_ns_ = -1;  // the file's time of modification when it was read
  std::int64_t inode_ = -1;
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::string, std::string> names_;  // by the address as text
};

std::string lower_case_name(std::string_view host);
// The loopback's addresses for "localhost" and what ends with ".localhost" (RFC 6761, 6.3).
std::vector<Address> localhost_addresses(std::string_view host, Address::Family family);

}  // namespace asyncio::detail
