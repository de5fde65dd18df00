#include "asyncio/os/internal/owned_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "asyncio/base/errors.hpp"

namespace asyncio::detail {

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) ::close(fd_);
}

OwnedFd duplicate_above_stdio(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) throw_os_error(errno, "fcntl", std::to_string(fd));
  return OwnedFd(copy);
}

PipeEnds make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) throw_os_error(errno, "pipe2");
  PipeEnds ends{OwnedFd(fds[0]), OwnedFd(fds[1])};
  // Where the program began without stdin, a pipe would take its number and confuse a child's.
  for (OwnedFd* end : {&ends.reading, &ends.writing})
    if (end->get() < 3) *end = duplicate_above_stdio(end->get());
  return ends;
}

void set_fd_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
    throw_os_error(errno, "fcntl", std::to_string(fd));
}

}  // namespace asyncio::detail
