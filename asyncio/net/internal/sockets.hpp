// sockets.hpp: an owned file descriptor, and the system calls that make and set up sockets.
#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "asyncio/net/address.hpp"

namespace asyncio::detail {

class IoBackend;
struct Scheduler;

// Owns a file descriptor, and closes it through its backend where it has one, which it must not
// outlive then.
class FileDescriptor {
 public:
  FileDescriptor() noexcept = default;
  explicit FileDescriptor(int fd, IoBackend* backend = nullptr) noexcept
      : fd_(fd), backend_(backend) {}
  FileDescriptor(FileDescriptor&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), backend_(other.backend_) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(backend_, other.backend_);
    return *this;
  }
  ~FileDescriptor();

  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
  IoBackend* backend_ = nullptr;
};

struct SocketOptions {
  bool reuse_address = false;
  bool reuse_port = false;
  bool only_ipv6 = false;
  bool keep_alive = false;
};

// Non-blocking and close-on-exec. All throw OSError.
FileDescriptor make_stream_socket(IoBackend& backend, Address::Family family,
                                  const SocketOptions& options);
FileDescriptor make_datagram_socket(IoBackend& backend, Address::Family family,
                                    const SocketOptions& options);
// Python's sentence names the address.
void bind_socket(IoBackend& backend, int fd, const Address& address);
void listen_on(IoBackend& backend, int fd, int backlog);
void set_nonblocking(IoBackend& backend, int fd);
void set_no_delay(IoBackend& backend, int fd) noexcept;  // no effect where it is not TCP
void set_keep_alive(IoBackend& backend, int fd);
void set_broadcast(IoBackend& backend, int fd);
// Empty where the kernel knows none.
Address socket_name(IoBackend& backend, int fd);
Address peer_name(IoBackend& backend, int fd);
bool is_stream_socket(IoBackend& backend, int fd);
bool is_datagram_socket(IoBackend& backend, int fd);

}  // namespace asyncio::detail
