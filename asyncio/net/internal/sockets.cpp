#include "asyncio/net/internal/sockets.hpp"

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

void set_option(IoBackend& backend, int fd, int level, int name, const char* what) {
  const int on = 1;
  const int result = backend.set_option(fd, level, name, &on, sizeof on);
  if (result != 0) throw_os_error(-result, what);
}

FileDescriptor make_socket(IoBackend& backend, Address::Family family, int type,
                           const SocketOptions& options) {
  const int number = backend.open_socket(system_family(family), type);
  if (number < 0) throw_os_error(-number, "socket");
  FileDescriptor fd(number, &backend);
  if (options.reuse_address) set_option(backend, number, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR");
  if (options.reuse_port) set_option(backend, number, SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT");
  if (options.keep_alive) set_keep_alive(backend, number);
  if (options.only_ipv6 && family == Address::Family::ipv6)
    set_option(backend, number, IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY");
  return fd;
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

int type_of(IoBackend& backend, int fd) {
  int type = 0;
  unsigned size = sizeof type;
  if (const int result = backend.get_option(fd, SOL_SOCKET, SO_TYPE, &type, size); result != 0)
    throw_os_error(-result, "getsockopt");
  return type;
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ < 0) return;
  if (backend_ != nullptr)
    backend_->close(fd_);
  else
    ::close(fd_);
}

FileDescriptor make_stream_socket(IoBackend& backend, Address::Family family,
                                  const SocketOptions& options) {
  return make_socket(backend, family, SOCK_STREAM, options);
}

FileDescriptor make_datagram_socket(IoBackend& backend, Address::Family family,
                                    const SocketOptions& options) {
  return make_socket(backend, family, SOCK_DGRAM, options);
}

void bind_socket(IoBackend& backend, int fd, const Address& address) {
  const int error = -backend.bind(fd, address.to_system());
  if (error == 0) return;
  std::string words = "[Errno " + std::to_string(error) + "] ";
  if (address.family() == Address::Family::unix_path && error == EADDRINUSE)
    words += "Address " + address.repr() + " is already in use";
  else
    words += "error while attempting to bind on address " + address.repr() + ": " +
             lower_case(std::strerror(error));
  std::rethrow_exception(make_os_error(error, ErrorText{std::move(words)}, "bind", address.repr()));
}

void listen_on(IoBackend& backend, int fd, int backlog) {
  if (const int result = backend.listen(fd, backlog); result != 0)
    throw_os_error(-result, "listen");
}

void set_nonblocking(IoBackend& backend, int fd) {
  if (const int result = backend.set_nonblocking(fd); result != 0) throw_os_error(-result, "fcntl");
}

void set_no_delay(IoBackend& backend, int fd) noexcept {
  const int on = 1;
  backend.set_option(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void set_keep_alive(IoBackend& backend, int fd) {
  set_option(backend, fd, SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE");
}

void set_broadcast(IoBackend& backend, int fd) {
  set_option(backend, fd, SOL_SOCKET, SO_BROADCAST, "SO_BROADCAST");
}

Address socket_name(IoBackend& backend, int fd) {
  SocketAddress name;
  return backend.socket_name(fd, name) == 0 ? Address::from_system(name) : Address();
}

Address peer_name(IoBackend& backend, int fd) {
  SocketAddress name;
  return backend.peer_name(fd, name) == 0 ? Address::from_system(name) : Address();
}

bool is_stream_socket(IoBackend& backend, int fd) { return type_of(backend, fd) == SOCK_STREAM; }

bool is_datagram_socket(IoBackend& backend, int fd) { return type_of(backend, fd) == SOCK_DGRAM; }

}  // namespace asyncio::detail
