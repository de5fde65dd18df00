#include "asyncio/debug/peers.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>

#include "asyncio/net/address.hpp"

namespace asyncio::debug {
namespace {

template <class Number>
bool parse(std::string_view text, Number& number, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size();
}

// "0100007F:1F90": words as they lie in memory, each printed as a number; the port as it is.
std::string address_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  std::uint16_t port = 0;
  if (colon == text.npos || !parse(text.substr(colon + 1), port, 16)) return "";
  const std::string_view words = text.substr(0, colon);
  unsigned char bytes[16] = {};
  if (words.size() != 8 && words.size() != 32) return "";
  for (std::size_t i = 0; i < words.size() / 8; ++i) {
    std::uint32_t word = 0;
    if (!parse(words.substr(i * 8, 8), word, 16)) return "";
    std::memcpy(bytes + i * sizeof(word), &word, sizeof(word));
  }
  char host[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(words.size() == 8 ? AF_INET : AF_INET6, bytes, host, sizeof(host));
  const auto address = Address::parse(host, port);
  return address ? address->repr() : "";
}

}  // namespace

// "0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1234 ..."
std::optional<SocketLine> read_socket_line(const std::string& line) {
  std::istringstream words(line);
  std::string number, here, there, skipped, inode;
  words >> number >> here >> there;
  for (int i = 0; i < 6; ++i) words >> skipped;  // state ... timeout
  SocketLine found;
  if (!(words >> inode) || !parse(std::string_view(inode), found.inode, 10)) return std::nullopt;
  found.peer = address_of(there);
  if (found.peer.empty()) return std::nullopt;
  return found;
}

void Peers::read(const char* table) {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/net/" + table);
  for (std::string line; std::getline(file, line);)
    if (auto found = read_socket_line(line)) by_inode_[found->inode] = std::move(found->peer);
}

std::string Peers::of(int fd) {
  if (!is_read_) {
    is_read_ = true;
    read("tcp");
    read("tcp6");
  }
  std::error_code error;
  const std::string target =
      std::filesystem::read_symlink("/proc/" + std::to_string(pid_) + "/fd/" + std::to_string(fd),
                                    error)
          .string();
  constexpr std::string_view kSocket = "socket:[";
  std::uint64_t inode = 0;
  if (error || !target.starts_with(kSocket) || !target.ends_with(']') ||
      !parse(std::string_view(target).substr(kSocket.size(), target.size() - kSocket.size() - 1),
             inode, 10))
    return "";
  const auto found = by_inode_.find(inode);
  return found == by_inode_.end() ? "" : found->second;
}

}  // namespace asyncio::debug
