// serving.hpp: what the echo servers of the network benchmarks share: the address they listen on,
// which is printed, so that the load generator can be told.
//
//   SERVER tcp|unix|udp ADDRESS      ADDRESS is 127.0.0.1 or a path
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace bench {

[[noreturn]] inline void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

inline void print_port(int fd) {
  sockaddr_in name{};
  socklen_t length = sizeof name;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length);
  std::printf("%d\n", ntohs(name.sin_port));
}

// A socket that listens, non-blocking or not; the port or the path is printed.
inline int listen_at(const std::string& kind, const std::string& address, int flags) {
  const int on = 1;
  int fd = -1;
  if (kind == "unix") {
    fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, address.c_str(), sizeof name.sun_path - 1);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) give_up("bind");
    if (::listen(fd, 4096) != 0) give_up("listen");
    std::printf("%s\n", address.c_str());
  } else {
    const bool is_udp = kind == "udp";
    fd = ::socket(AF_INET, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | flags, 0);
    if (!is_udp) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // children inherit it
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = ::inet_addr(address.c_str());
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) give_up("bind");
    if (!is_udp && ::listen(fd, 4096) != 0) give_up("listen");
    print_port(fd);
  }
  std::fflush(stdout);
  return fd;
}

}  // namespace bench
