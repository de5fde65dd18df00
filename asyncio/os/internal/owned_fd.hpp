// owned_fd.hpp: a file descriptor with an owner, and pipes made of two of them.
#pragma once
#include <utility>

namespace asyncio::detail {

class OwnedFd {
 public:
  OwnedFd() noexcept = default;
  explicit OwnedFd(int fd) noexcept : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd();

  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Close-on-exec; ours to use without blocking, or to hand to a program. Throws OSError.
struct PipeEnds {
  OwnedFd reading, writing;
};
PipeEnds make_pipe();

void set_fd_nonblocking(int fd);  // throws OSError
// A copy that is close-on-exec and none of the standard fds 0 to 2. Throws OSError.
OwnedFd duplicate_above_stdio(int fd);

}  // namespace asyncio::detail
