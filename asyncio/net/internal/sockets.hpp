// sockets.hpp: an owned file descriptor, and the system calls that make and set up sockets.
#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "asyncio/net/address.hpp"

namespace asyncio::detail {

class IoBackend;
struct Scheduler;

// Owns a file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() noexcept = default;
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();

  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct SocketOptions {
  bool reuse_address = false;
  bool reuse_port = false;
  bool only_ipv6 = false;
  bool keep_alive = false;
};

// Non-blocking and close-on-exec. All throw OSError.
FileDescriptor make_stream_socket(Address::Family family, const SocketOptions& options);
FileDescriptor make_datagram_socket(Address::Family family, const SocketOptions& options);
// Python's sentence names the address.
void bind_socket(int fd, const Address& address);
void listen_on(int fd, int backlog);
void set_nonblocking(int fd);
void set_no_delay(int fd) noexcept;  // no effect where it is not TCP
void set_keep_alive(int fd);
// Empty where the kernel knows none.
Address socket_name(int fd);
Address peer_name(int fd);
bool is_stream_socket(int fd);

}  // namespace asyncio::detail
