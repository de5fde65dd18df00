// peers.hpp: who is at the other end of a socket of another process, by what /proc says of it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace asyncio::debug {

// What one line of /proc/net/tcp or tcp6 says.
struct SocketLine {
  std::uint64_t inode = 0;
  std::string peer;  // "('192.0.2.1', 443)"
};
// Empty for the heading, and for what is no such line.
std::optional<SocketLine> read_socket_line(const std::string& line);

// The TCP connections of a process, read when the first is asked for.
class Peers {
 public:
  explicit Peers(int pid) : pid_(pid) {}
  // Empty where it is no TCP connection, or may not be seen.
  std::string of(int fd);

 private:
  void read(const char* table);

  int pid_;
  bool is_read_ = false;
  std::unordered_map<std::uint64_t, std::string> by_inode_;
};

}  // namespace asyncio::debug
