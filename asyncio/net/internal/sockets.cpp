#include "asyncio/net/internal/sockets.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "asyncio/base/errors.hpp"
#include "asyncio/io/backend.hpp"

namespace asyncio::detail {
namespace {

int system_family(Address::Family family) {
  switch (family) {
    case Address::Family::ipv4:
      return AF_INET;
    case Address::Family::ipv6:
      return AF_INET6;
    case Address::Family::unix_path:
      return AF_UNIX;
    case Address::Family::none:
      break;
  }
  throw ValueError("an empty Address leads nowhere");
}

void set_option(int fd, int level, int name, const char* what) {
  const int on = 1;
  if (::setsockopt(fd, level, name, &on, sizeof on) != 0) throw_os_error(errno, what);
}

FileDescriptor make_socket(Address::Family family, int type, const SocketOptions& options) {
  FileDescriptor fd(::socket(system_family(family), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) throw_os_error(errno, "socket");
  if (options.reuse_address) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR");
  if (options.reuse_port) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT");
  if (options.keep_alive) set_option(fd.get(), SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE");
  if (options.only_ipv6 && family == Address::Family::ipv6)
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY");
  return fd;
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

template <class Ask>
Address name_by(Ask ask, int fd) {
  SocketAddress address;
  socklen_t length = SocketAddress::kCapacity;
  if (ask(fd, reinterpret_cast<sockaddr*>(address.bytes), &length) != 0) return {};
  address.length = length;
  return Address::from_system(address);
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

FileDescriptor make_stream_socket(Address::Family family, const SocketOptions& options) {
  return make_socket(family, SOCK_STREAM, options);
}

FileDescriptor make_datagram_socket(Address::Family family, const SocketOptions& options) {
  return make_socket(family, SOCK_DGRAM, options);
}

void bind_socket(int fd, const Address& address) {
  const SocketAddress system = address.to_system();
  if (::bind(fd, reinterpret_cast<const sockaddr*>(system.bytes), system.length) == 0) return;
  const int error = errno;
  std::string words = "[Errno " + std::to_string(error) + "] ";
  if (address.family() == Address::Family::unix_path && error == EADDRINUSE)
    words += "Address " + address.repr() + " is already in use";
  else
    words += "error while attempting to bind on address " + address.repr() + ": " +
             lower_case(std::strerror(error));
  std::rethrow_exception(make_os_error(error, ErrorText{std::move(words)}, "bind", address.repr()));
}

void listen_on(int fd, int backlog) {
  if (::listen(fd, backlog) != 0) throw_os_error(errno, "listen");
}

void set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) throw_os_error(errno, "fcntl");
}

void set_no_delay(int fd) noexcept {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void set_keep_alive(int fd) { set_option(fd, SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"); }

Address socket_name(int fd) { return name_by(::getsockname, fd); }
Address peer_name(int fd) { return name_by(::getpeername, fd); }

bool is_stream_socket(int fd) {
  int type = 0;
  socklen_t length = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0)
    throw_os_error(errno, "getsockopt");
  return type == SOCK_STREAM;
}

}  // namespace asyncio::detail
