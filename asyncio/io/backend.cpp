// backend.cpp: the operations as plain system calls.
#include "asyncio/io/backend.hpp"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace asyncio::detail {
namespace {

// The call's result, or -errno; begins again after a signal.
template <class Call>
std::int64_t result_of(Call call) noexcept {
  for (;;) {
    const std::int64_t result = call();
    if (result >= 0) return result;
    if (errno != EINTR) return -std::int64_t{errno};
  }
}

sockaddr* raw(SocketAddress& address) noexcept {
  return reinterpret_cast<sockaddr*>(address.bytes);
}
const sockaddr* raw(const SocketAddress& address) noexcept {
  return reinterpret_cast<const sockaddr*>(address.bytes);
}

}  // namespace

void IoBackend::close(int fd) noexcept {
  forget(fd);
  ::close(fd);
}

Received IoBackend::receive(int fd) {
  if (!receive_buffer_) receive_buffer_.reset(new char[kReceiveSize]);
  char* const data = receive_buffer_.get();
  return {data, receive_into(fd, data, kReceiveSize)};
}

std::int64_t IoBackend::receive_into(int fd, char* data, std::size_t size) noexcept {
  return result_of([&] { return ::recv(fd, data, size, MSG_DONTWAIT); });
}

std::int64_t IoBackend::receive_from(int fd, char* data, std::size_t size,
                                     SocketAddress& from) noexcept {
  return result_of([&] {
    from.length = SocketAddress::kCapacity;
    return ::recvfrom(fd, data, size, MSG_DONTWAIT, raw(from), &from.length);
  });
}

std::int64_t IoBackend::send(int fd, const char* data, std::size_t size) noexcept {
  return result_of([&] { return ::send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL); });
}

std::int64_t IoBackend::send_vectored(int fd, const iovec* parts, std::size_t count) noexcept {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);  // sendmsg(2) only reads them
  message.msg_iovlen = count;
  return result_of([&] { return ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL); });
}

std::int64_t IoBackend::send_to(int fd, const char* data, std::size_t size,
                                const SocketAddress* to) noexcept {
  const sockaddr* const address = to == nullptr ? nullptr : raw(*to);
  const socklen_t length = to == nullptr ? 0 : to->length;
  return result_of(
      [&] { return ::sendto(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL, address, length); });
}

std::int64_t IoBackend::send_file(int fd, int file, std::int64_t offset,
                                  std::size_t size) noexcept {
  off_t position = offset;
  return result_of([&] { return ::sendfile(fd, file, &position, size); });
}

int IoBackend::accept(int fd, SocketAddress& peer) noexcept {
  return static_cast<int>(result_of([&] {
    peer.length = SocketAddress::kCapacity;
    return ::accept4(fd, raw(peer), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  }));
}

int IoBackend::connect(int fd, const SocketAddress& peer) noexcept {
  // No retry after EINTR: the connection goes on in the background.
  if (::connect(fd, raw(peer), peer.length) == 0) return 0;
  return errno == EINTR ? -EINPROGRESS : -errno;
}

int IoBackend::connect_result(int fd) noexcept {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return -errno;
  return -error;
}

int IoBackend::shutdown_write(int fd) noexcept { return ::shutdown(fd, SHUT_WR) == 0 ? 0 : -errno; }

}  // namespace asyncio::detail
