// backend.cpp: the operations as plain system calls.
#include "asyncio/io/backend.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

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

int zero_or_error(int result) noexcept { return result == 0 ? 0 : -errno; }

sockaddr* raw(SocketAddress& address) noexcept {
  return reinterpret_cast<sockaddr*>(address.bytes);
}
const sockaddr* raw(const SocketAddress& address) noexcept {
  return reinterpret_cast<const sockaddr*>(address.bytes);
}

}  // namespace

const char* name_of(IoOperation operation) noexcept {
  constexpr std::array<const char*, kIoOperations> kNames{
      "wait",    "recv",    "recvfrom", "send",   "sendmsg", "sendto", "sendfile", "accept",
      "connect", "read",    "write",    "spawn",  "waitid",  "open",   "fsync",    "ftruncate",
      "stat",    "readdir", "rename",   "unlink", "mkdir",   "close"};
  return kNames[static_cast<std::size_t>(operation)];
}

void IoBackend::report(IoOperation operation, int fd, std::int64_t result, std::int64_t start,
                       bool aside) noexcept {
  ++counts_[static_cast<std::size_t>(operation)];
  if (observer_ != nullptr && start != 0) observer_->operated(operation, fd, result, start, aside);
}

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
  return observed(IoOperation::receive, fd,
                  [&] { return result_of([&] { return ::recv(fd, data, size, MSG_DONTWAIT); }); });
}

std::int64_t IoBackend::receive_from(int fd, char* data, std::size_t size,
                                     SocketAddress& from) noexcept {
  return observed(IoOperation::receive_from, fd, [&] {
    return result_of([&] {
      from.length = SocketAddress::kCapacity;
      return ::recvfrom(fd, data, size, MSG_DONTWAIT, raw(from), &from.length);
    });
  });
}

std::int64_t IoBackend::send(int fd, const char* data, std::size_t size) noexcept {
  return observed(IoOperation::send, fd, [&] {
    return result_of([&] { return ::send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL); });
  });
}

std::int64_t IoBackend::send_vectored(int fd, const iovec* parts, std::size_t count) noexcept {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);  // sendmsg(2) only reads them
  message.msg_iovlen = count;
  return observed(IoOperation::send_vectored, fd, [&] {
    return result_of([&] { return ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL); });
  });
}

std::int64_t IoBackend::send_to(int fd, const char* data, std::size_t size,
                                const SocketAddress* to) noexcept {
  const sockaddr* const address = to == nullptr ? nullptr : raw(*to);
  const socklen_t length = to == nullptr ? 0 : to->length;
  constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
  return observed(IoOperation::send_to, fd, [&] {
    return result_of([&] { return ::sendto(fd, data, size, kFlags, address, length); });
  });
}

// sendfile(2) has no MSG_NOSIGNAL: the signal of a broken connection is held off and taken back.
std::int64_t IoBackend::send_file(int fd, int file, std::int64_t offset,
                                  std::size_t size) noexcept {
  sigset_t broken_pipe;
  sigset_t before;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  off_t position = offset;
  const std::int64_t result = observed(IoOperation::send_file, fd, [&] {
    return result_of([&] { return ::sendfile(fd, file, &position, size); });
  });
  if (result == -EPIPE && sigismember(&before, SIGPIPE) == 0) {
    const timespec now{};
    sigtimedwait(&broken_pipe, nullptr, &now);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return result;
}

int IoBackend::accept(int fd, SocketAddress& peer) noexcept {
  return static_cast<int>(observed(IoOperation::accept, fd, [&] {
    return result_of([&] {
      peer.length = SocketAddress::kCapacity;
      return ::accept4(fd, raw(peer), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    });
  }));
}

int IoBackend::connect(int fd, const SocketAddress& peer) noexcept {
  // No retry after EINTR: the connection goes on in the background.
  return observed(IoOperation::connect, fd, [&] {
    if (::connect(fd, raw(peer), peer.length) == 0) return 0;
    return errno == EINTR ? -EINPROGRESS : -errno;
  });
}

int IoBackend::connect_result(int fd) noexcept {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return -errno;
  return -error;
}

int IoBackend::shutdown_write(int fd) noexcept { return zero_or_error(::shutdown(fd, SHUT_WR)); }

int IoBackend::open_socket(int family, int type) noexcept {
  const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd >= 0 ? fd : -errno;
}

int IoBackend::open_socket_pair(int& first, int& second) noexcept {
  std::array<int, 2> fds{-1, -1};
  const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  if (::socketpair(AF_UNIX, type, 0, fds.data()) != 0) return -errno;
  first = fds[0];
  second = fds[1];
  return 0;
}

int IoBackend::bind(int fd, const SocketAddress& name) noexcept {
  return zero_or_error(::bind(fd, raw(name), name.length));
}

int IoBackend::listen(int fd, int backlog) noexcept { return zero_or_error(::listen(fd, backlog)); }

int IoBackend::set_nonblocking(int fd) noexcept {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags < 0 ? -errno : zero_or_error(::fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

int IoBackend::set_option(int fd, int level, int option, const void* value,
                          unsigned size) noexcept {
  return zero_or_error(::setsockopt(fd, level, option, value, size));
}

int IoBackend::get_option(int fd, int level, int option, void* value, unsigned& size) noexcept {
  return zero_or_error(::getsockopt(fd, level, option, value, &size));
}

int IoBackend::socket_name(int fd, SocketAddress& name) noexcept {
  name.length = SocketAddress::kCapacity;
  return zero_or_error(::getsockname(fd, raw(name), &name.length));
}

int IoBackend::peer_name(int fd, SocketAddress& name) noexcept {
  name.length = SocketAddress::kCapacity;
  return zero_or_error(::getpeername(fd, raw(name), &name.length));
}

bool IoBackend::look_up(const std::string&, NameAnswer&) { return false; }

}  // namespace asyncio::detail
