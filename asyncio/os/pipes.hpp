// pipes.hpp: reading and writing pipes, FIFOs, terminals and sockets by their file descriptor;
// stdin and stdout as streams.
// Source: docs.python.org/3/library/asyncio-eventloop.html#working-with-pipes
//
//   asyncio::StreamReader in = asyncio::open_stdin();
//   while (auto line = co_await in.next()) fmt::print("{} bytes\n", line->size());
#pragma once
#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/core/events.hpp"
#include "asyncio/net/stream_protocol.hpp"
#include "asyncio/net/streams.hpp"
#include "asyncio/net/transports.hpp"

namespace asyncio {

// The reading end of a pipe. C++: a Transport, so that streams take it; writing throws.
class ReadTransport : public Transport {
 public:
  [[noreturn]] void write(std::string_view data) final;
  [[noreturn]] void writelines(std::span<const std::string_view> parts) final;
  using Transport::writelines;
  [[noreturn]] void write_eof() final;
  bool can_write_eof() const final { return false; }
  std::size_t get_write_buffer_size() const final { return 0; }
  std::pair<std::size_t, std::size_t> get_write_buffer_limits() const final { return {0, 0}; }
  void set_write_buffer_limits(WriteBufferLimits) final {}
  Address peername() const final { return {}; }
  Address sockname() const final { return {}; }
};

// The writing end. It is closed with BrokenPipeError once nobody reads the other end any more;
// write_eof() closes it. No SIGPIPE comes of it.
class WriteTransport : public Transport {
 public:
  void pause_reading() final {}
  void resume_reading() final {}
  bool is_reading() const final { return false; }
  Address peername() const final { return {}; }
  Address sockname() const final { return {}; }
};

// Take the fd over: it becomes non-blocking, and is closed in the end. Pipes, sockets and
// character devices. C++: throw ValueError for anything else, /dev/null and its like aside.
// Cancellation: closes the fd.
namespace detail {
Coro<std::shared_ptr<ReadTransport>> connect_read_pipe(Loop& loop,
                                                       std::shared_ptr<Protocol> protocol, int fd);
Coro<std::shared_ptr<WriteTransport>> connect_write_pipe(Loop& loop,
                                                         std::shared_ptr<Protocol> protocol,
                                                         int fd);
}  // namespace detail

// The reading end of a pipe as a stream; takes the fd over. Throws ValueError as above.
StreamReader open_read_pipe(int fd, std::size_t limit = kDefaultStreamLimit);
// The writing end. Dropping the writer sends what is buffered and closes the pipe.
StreamWriter open_write_pipe(int fd);

// This program's standard streams, whatever they are: a terminal, a pipe, a file. They are opened
// anew where the system allows it, so that who shares them does not find them non-blocking; fds 0
// to 2 themselves stay open. Throw OSError.
StreamReader open_stdin(std::size_t limit = kDefaultStreamLimit);
StreamWriter open_stdout();
StreamWriter open_stderr();

// ---- the members of Loop

namespace detail {

template <class T, class P>
Coro<std::pair<std::shared_ptr<T>, P>> with_pipe_protocol(Coro<std::shared_ptr<T>> connecting,
                                                          P protocol) {
  auto transport = co_await std::move(connecting);
  co_return std::pair(std::move(transport), std::move(protocol));
}

}  // namespace detail

template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<std::pair<std::shared_ptr<ReadTransport>, std::invoke_result_t<Factory&>>>
Loop::connect_read_pipe(Factory factory, int fd) {
  auto protocol = factory();
  return detail::with_pipe_protocol(detail::connect_read_pipe(*this, protocol, fd), protocol);
}
template <class Factory>
ASYNCIO_CORO_WRAPPER
    Coro<std::pair<std::shared_ptr<WriteTransport>, std::invoke_result_t<Factory&>>>
    Loop::connect_write_pipe(Factory factory, int fd) {
  auto protocol = factory();
  return detail::with_pipe_protocol(detail::connect_write_pipe(*this, protocol, fd), protocol);
}

}  // namespace asyncio
