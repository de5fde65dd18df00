// pipes.cpp: who makes pipe transports, for protocols and for streams.
#include "asyncio/os/pipes.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "asyncio/base/errors.hpp"
#include "asyncio/os/internal/owned_fd.hpp"
#include "asyncio/os/internal/pipe_transport.hpp"

namespace asyncio {
namespace detail {
namespace {

OwnedFd adopt_pipe(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) throw_os_error(errno, "fstat", std::to_string(fd));
  const mode_t mode = status.st_mode;
  if (!S_ISFIFO(mode) && !S_ISSOCK(mode) && !S_ISCHR(mode))
    throw ValueError("Pipe transport is for pipes/sockets only.");
  set_fd_nonblocking(fd);
  return OwnedFd(fd);
}

// connection_made() is called before this returns, as in Python.
template <class End>
Coro<std::shared_ptr<End>> make_pipe_end(Loop& loop, std::shared_ptr<Protocol> protocol, int fd) {
  auto end = std::make_shared<End>(loop.scheduler(), adopt_pipe(fd));
  end->open(std::move(protocol));
  end->show_open();
  co_await wait_until_made(loop, *end);
  co_return end;
}

// stdin and its kind: a new open file where there can be one, so that O_NONBLOCK is ours alone.
OwnedFd reopen(int fd, int access) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  struct stat status{};
  if (::fstat(fd, &status) != 0) throw_os_error(errno, "fstat", std::to_string(fd));
  // A regular file has one position for all who share it: what we read must count.
  if (!S_ISSOCK(status.st_mode) && !S_ISREG(status.st_mode)) {
    const int opened = ::open(path.c_str(), access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (opened >= 0) return OwnedFd(opened);
  }
  OwnedFd copy = duplicate_above_stdio(fd);
  if (!S_ISREG(status.st_mode)) set_fd_nonblocking(copy.get());
  return copy;
}

StreamReader reader_of(OwnedFd fd, std::size_t limit) {
  Loop& loop = get_running_loop();
  auto protocol = std::make_shared<StreamReaderProtocol>(limit);
  auto end = std::make_shared<PipeReader>(loop.scheduler(), std::move(fd));
  protocol->set_transport(end);
  StreamReader reader = protocol->reader();
  end->open(std::move(protocol), true);
  end->show_open();
  return reader;
}

StreamWriter writer_of(OwnedFd fd) {
  Loop& loop = get_running_loop();
  auto protocol = std::make_shared<StreamReaderProtocol>();
  auto end = std::make_shared<PipeWriter>(loop.scheduler(), std::move(fd));
  protocol->set_transport(end);
  StreamWriter writer = protocol->writer();
  end->open(std::move(protocol), true);
  end->show_open();
  return writer;
}

}  // namespace

Coro<std::shared_ptr<ReadTransport>> connect_read_pipe(Loop& loop,
                                                       std::shared_ptr<Protocol> protocol, int fd) {
  co_return co_await make_pipe_end<PipeReader>(loop, std::move(protocol), fd);
}

Coro<std::shared_ptr<WriteTransport>> connect_write_pipe(Loop& loop,
                                                         std::shared_ptr<Protocol> protocol,
                                                         int fd) {
  co_return co_await make_pipe_end<PipeWriter>(loop, std::move(protocol), fd);
}

}  // namespace detail

namespace {
[[noreturn]] void refuse_writing(const ReadTransport& transport) {
  throw RuntimeError(transport.repr() + " is the reading end of a pipe: it cannot be written");
}
}  // namespace

void ReadTransport::write(std::string_view) { refuse_writing(*this); }
void ReadTransport::writelines(std::span<const std::string_view>) { refuse_writing(*this); }
void ReadTransport::write_eof() { refuse_writing(*this); }

StreamReader open_read_pipe(int fd, std::size_t limit) {
  return detail::reader_of(detail::adopt_pipe(fd), limit);
}
StreamWriter open_write_pipe(int fd) { return detail::writer_of(detail::adopt_pipe(fd)); }

StreamReader open_stdin(std::size_t limit) {
  return detail::reader_of(detail::reopen(STDIN_FILENO, O_RDONLY), limit);
}
StreamWriter open_stdout() { return detail::writer_of(detail::reopen(STDOUT_FILENO, O_WRONLY)); }
StreamWriter open_stderr() { return detail::writer_of(detail::reopen(STDERR_FILENO, O_WRONLY)); }

}  // namespace asyncio
