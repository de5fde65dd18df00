// sendfile.cpp: StreamWriter::sendfile, on sendfile(2) where the file and the transport allow it,
// else by reading and writing.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <memory>

#include "asyncio/base/errors.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/core/sleep.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/net/internal/socket_transport.hpp"
#include "asyncio/net/internal/sockets.hpp"
#include "asyncio/net/streams.hpp"

namespace asyncio {
namespace detail {

// ---- what a transport does for it

void SocketTransport::begin_sendfile() {
  check_writable("sendfile");
  if (closing_) throw RuntimeError("Transport is closing");
  send_gathered();
  sending_file_ = true;
}

void SocketTransport::end_sendfile() noexcept {
  sending_file_ = false;
  if (extras_) extras_->output_waiter.reset();
}

Future<> SocketTransport::wait_writable() {
  if (losing_)
    std::rethrow_exception(
        error_ ? error_
               : make_os_error(ECONNRESET, ErrorText{"Connection is closed by peer"}, "sendfile"));
  if (!watches_writable_) {
    watches_writable_ = true;
    backend().watch_writable(fd_, *this);
  }
  std::unique_ptr<Future<>>& waiter = extras().output_waiter;
  if (!waiter) waiter = std::make_unique<Future<>>(*scheduler_.loop);
  return *waiter;
}

std::int64_t SocketTransport::send_file_part(int file, std::int64_t offset, std::size_t size) {
  if (losing_) return -ECONNRESET;
  return backend().send_file(fd_, file, offset, size);
}

std::int64_t SocketTransport::send_part(const char* data, std::size_t size) {
  if (losing_) return -ECONNRESET;
  return backend().send(fd_, data, size);
}

namespace {

constexpr std::size_t kPartSize = std::size_t{1} << 20;  // then the other tasks may run
constexpr std::size_t kCopySize = std::size_t{16} * 1024;

// The part of a file that is still to be sent.
struct FilePart {
  int fd;
  std::size_t offset;
  std::size_t left;
  std::size_t sent = 0;

  void advance(std::size_t count) noexcept {
    offset += count;
    left -= count;
    sent += count;
  }
};

class SendfileScope {
 public:
  explicit SendfileScope(SocketTransport& transport) : transport_(transport) {
    transport_.begin_sendfile();
  }
  SendfileScope(const SendfileScope&) = delete;
  SendfileScope& operator=(const SendfileScope&) = delete;
  ~SendfileScope() { transport_.end_sendfile(); }

 private:
  SocketTransport& transport_;
};

bool cannot_sendfile(std::int64_t result) noexcept {
  return result == -EINVAL || result == -ENOSYS || result == -EOPNOTSUPP || result == -ENODEV;
}

Coro<> give_way() {
  if (!current_scheduler().take_budget()) co_await sleep(Duration::zero());
}

std::int64_t read_part(const FilePart& part, char* data, std::size_t size) {
  const ssize_t got =
      ::pread(part.fd, data, std::min(size, part.left), static_cast<off_t>(part.offset));
  if (got < 0) throw_os_error(errno, "pread");
  return got;
}

// What sendfile(2) does not take: a part of the file is copied through us.
Coro<std::int64_t> copy_part(SocketTransport& transport, FilePart& part) {
  std::array<char, kCopySize> data;
  const std::int64_t got = read_part(part, data.data(), data.size());
  if (got == 0) co_return 0;
  for (;;) {
    const std::int64_t sent = transport.send_part(data.data(), static_cast<std::size_t>(got));
    if (sent != -EAGAIN) co_return sent;
    co_await transport.wait_writable();
  }
}

Coro<> send_by_socket(SocketTransport& transport, FilePart& part) {
  const SendfileScope scope(transport);
  while (transport.has_output()) co_await transport.wait_writable();
  bool by_copy = false;
  while (part.left > 0) {
    std::int64_t sent = 0;
    if (by_copy)
      sent = co_await copy_part(transport, part);
    else
      sent = transport.send_file_part(part.fd, static_cast<std::int64_t>(part.offset),
                                      std::min(part.left, kPartSize));
    if (sent == 0) co_return;  // the end of the file
    if (sent > 0) {
      part.advance(static_cast<std::size_t>(sent));
      co_await give_way();
    } else if (sent == -EAGAIN) {
      co_await transport.wait_writable();
    } else if (!by_copy && cannot_sendfile(sent)) {
      by_copy = true;
    } else {
      throw_os_error(static_cast<int>(-sent), "sendfile");
    }
  }
}

// Over a transport that is no socket (TLS).
Coro<> send_by_writing(StreamState& stream, FilePart& part) {
  std::array<char, kCopySize> data;
  while (part.left > 0) {
    const std::int64_t got = read_part(part, data.data(), data.size());
    if (got == 0) co_return;
    stream.transport()->write(std::string_view(data.data(), static_cast<std::size_t>(got)));
    part.advance(static_cast<std::size_t>(got));
    co_await FlowWait(&stream, FlowWait::Kind::drain);
  }
}

Coro<std::size_t> send_file(StreamHandle handle, FileDescriptor owned, FilePart part) {
  static_cast<void>(owned);  // closed at the end
  StreamState& stream = handle.get("StreamWriter");
  // Both stay while we send, whatever becomes of the other handles.
  const std::shared_ptr<Transport> transport = stream.shared_transport();
  if (auto* socket = dynamic_cast<SocketTransport*>(transport.get()))
    co_await send_by_socket(*socket, part);
  else
    co_await send_by_writing(stream, part);
  co_return part.sent;
}

}  // namespace
}  // namespace detail

ASYNCIO_CORO_WRAPPER Coro<std::size_t> StreamWriter::sendfile(int fd, std::size_t offset,
                                                              std::optional<std::size_t> count) {
  const std::size_t all = std::numeric_limits<std::size_t>::max();
  return detail::send_file(detail::StreamHandle(state()), detail::FileDescriptor(),
                           {.fd = fd, .offset = offset, .left = count.value_or(all)});
}

ASYNCIO_CORO_WRAPPER Coro<std::size_t> StreamWriter::sendfile(std::string path, std::size_t offset,
                                                              std::optional<std::size_t> count) {
  detail::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw_os_error(errno, "open", path);
  const std::size_t all = std::numeric_limits<std::size_t>::max();
  const int fd = file.get();
  return detail::send_file(detail::StreamHandle(state()), std::move(file),
                           {.fd = fd, .offset = offset, .left = count.value_or(all)});
}

}  // namespace asyncio
