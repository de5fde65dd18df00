// socket_writing.cpp: how a socket's transport sends: at once, gathered, or when there is room.
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/base/errors.hpp"
#include "asyncio/base/logging.hpp"
#include "asyncio/io/would_block.hpp"
#include "asyncio/net/internal/socket_transport.hpp"

namespace asyncio::detail {
namespace {

constexpr std::size_t kPartsInARow = 64;
constexpr int kWritesBeforeWarning = 5;
// To copy more would cost as much as to send it.
constexpr std::size_t kSmallWrite = std::size_t{4} * 1024;
constexpr std::size_t kMostGathered = std::size_t{32} * 1024;

constexpr const char* kWriteFailed = "Fatal write error on socket transport";

}  // namespace

void SocketTransport::check_writable(const char* what) const {
  if (write_ended_) throw RuntimeError(std::string("Cannot call ") + what + "() after write_eof()");
  if (sending_file_)
    throw RuntimeError(std::string("unable to ") + what + "; sendfile is in progress");
}

void SocketTransport::write(std::string_view data) {
  check_writable("write");
  if (data.empty()) return;
  if (losing_) {
    if (writes_after_loss_ == kWritesBeforeWarning)
      logging::log(LogLevel::warning, "socket.send() raised exception.");
    else
      ++writes_after_loss_;
    return;
  }
  if (closing_) return;
  if (gather(data.size())) {
    output_.append(data);
    return;
  }
  if (gathering_) {
    write_parts(std::span(&data, 1), data.size());
    return;
  }
  if (output_.empty()) {
    const std::int64_t sent = backend().send(fd_, data.data(), data.size());
    if (sent == static_cast<std::int64_t>(data.size())) [[likely]]
      return;
    if (sent >= 0) {
      data.remove_prefix(static_cast<std::size_t>(sent));
    } else if (!would_block(sent)) {
      fatal_error(make_os_error(static_cast<int>(-sent), "send"), kWriteFailed);
      return;
    }
  }
  keep(data);
}

// ---- gathering

// Called once for each write.
bool SocketTransport::expects_gathering() noexcept {
  const auto pass = static_cast<std::uint32_t>(scheduler_.passes);
  const bool is_first = std::exchange(written_in_, pass) != pass || writes_ == 0;
  if (is_first && !gathering_) gathers_first_ = writes_ > 1;
  writes_ = is_first && !gathering_ ? 1 : 2;
  return !is_first || gathers_first_;
}

// True where these bytes are to go into the buffer, to be sent later in this pass.
bool SocketTransport::gather(std::size_t size) noexcept {
  if (!expects_gathering() || size > kSmallWrite) return false;
  if (output_.size() + size > std::min(kMostGathered, water().high)) return false;
  if (gathering_) return true;
  if (!output_.empty() || !backend().call_before_wait(fd_)) return false;
  scheduler_.poll_in_next_pass();
  gathering_ = true;
  return true;
}

bool SocketTransport::before_wait() noexcept {
  if (!gathering_) return false;
  const std::shared_ptr<SocketTransport> alive = self_;
  send_gathered();
  return losing_;
}

void SocketTransport::send_gathered() {
  if (!std::exchange(gathering_, false) || output_.empty()) return;
  const std::int64_t sent = send_output();
  if (sent < 0 && !would_block(sent)) {
    fatal_error(make_os_error(static_cast<int>(-sent), "send"), kWriteFailed);
    return;
  }
  if (sent > 0) output_.consume(static_cast<std::size_t>(sent));
  if (!output_.empty()) keep({});
}

// ---- several parts at once

// Sends what is gathered, and what the kernel takes of the first parts, where nothing else waits
// before them: how many of their bytes. -1: the connection is being lost.
template <class Part>
std::int64_t SocketTransport::send_parts(std::span<const Part> parts) {
  if (!output_.empty() && !gathering_) return 0;
  std::array<iovec, kPartsInARow> vector;
  std::size_t count = 0;
  std::int64_t offered = 0;
  const auto add = [&](std::string_view part) {
    vector[count++] = {const_cast<char*>(part.data()), part.size()};
    offered += static_cast<std::int64_t>(part.size());
  };
  output_.for_each_piece(vector.size(), add);
  const auto gathered = static_cast<std::int64_t>(output_.size());
  std::size_t added = 0;
  for (; added < parts.size() && count < vector.size(); ++added) add(parts[added]);
  const std::int64_t sent = backend().send_vectored(fd_, vector.data(), count);
  if (sent < 0 && !would_block(sent)) {
    fatal_error(make_os_error(static_cast<int>(-sent), "sendmsg"), kWriteFailed);
    return -1;
  }
  gathering_ = false;
  if (sent > 0) output_.consume(static_cast<std::size_t>(std::min(sent, gathered)));
  // The kernel would take more: no edge of writability will tell us so.
  if (sent == offered && added < parts.size()) queue(kFlush);
  return std::max<std::int64_t>(sent - gathered, 0);
}

void SocketTransport::writelines(std::span<const std::string_view> parts) {
  check_writable("writelines");
  if (closing_) return;
  std::size_t total = 0;
  for (const std::string_view part : parts) total += part.size();
  if (total == 0) return;
  if (gather(total)) {
    for (const std::string_view part : parts) output_.append(part);
    return;
  }
  write_parts(parts, total);
}

void SocketTransport::write_parts(std::span<const std::string_view> parts, std::size_t total) {
  const std::int64_t result = send_parts(parts);
  if (result < 0) return;
  auto sent = static_cast<std::size_t>(result);
  if (sent == total) return;
  for (const std::string_view part : parts) {
    const std::size_t skipped = std::min(sent, part.size());
    sent -= skipped;
    output_.append(part.substr(skipped));
  }
  keep({});
}

void SocketTransport::writelines(std::vector<std::string>&& parts) {
  check_writable("writelines");
  if (closing_) return;
  std::size_t total = 0;
  for (const std::string& part : parts) total += part.size();
  if (total == 0) return;
  if (gather(total)) {
    for (const std::string& part : parts) output_.append(part);
    return;
  }
  const std::int64_t result = send_parts(std::span<const std::string>(parts));
  if (result < 0) return;
  auto sent = static_cast<std::size_t>(result);
  if (sent == total) return;
  for (std::string& part : parts) {
    const std::size_t skipped = std::min(sent, part.size());
    sent -= skipped;
    if (skipped < part.size()) output_.append(std::move(part), skipped);
  }
  keep({});
}

// Buffers the rest of a write, and wants to hear when the kernel takes more.
void SocketTransport::keep(std::string_view rest) {
  output_.append(rest);
  if (!watches_writable_) {
    watches_writable_ = true;
    try {
      backend().watch_writable(fd_, *this);
    } catch (...) {
      fatal_error(std::current_exception(), kWriteFailed);
      return;
    }
  }
  pause_protocol();
}

std::int64_t SocketTransport::send_output() {
  std::array<iovec, kPartsInARow> vector;
  std::size_t count = 0;
  output_.for_each_piece(vector.size(), [&](std::string_view piece) {
    vector[count++] = {const_cast<char*>(piece.data()), piece.size()};
  });
  if (count == 1)
    return backend().send(fd_, static_cast<const char*>(vector[0].iov_base), vector[0].iov_len);
  return backend().send_vectored(fd_, vector.data(), count);
}

void SocketTransport::flush() {
  if (losing_) return;
  gathering_ = false;
  while (!output_.empty()) {
    const std::int64_t sent = send_output();
    if (would_block(sent)) return;
    if (sent < 0) {
      fatal_error(make_os_error(static_cast<int>(-sent), "sendmsg"), kWriteFailed);
      return;
    }
    output_.consume(static_cast<std::size_t>(sent));
    resume_protocol();  // may write more
    if (losing_) return;
  }
  after_output();
}

void SocketTransport::after_output() {
  wake_output_waiter();
  if (closing_) {
    losing_ = true;
    queue(kLost);
  } else if (write_ended_) {
    shut_down_writing();
  }
}

void SocketTransport::write_eof() {
  if (closing_ || write_ended_) return;
  write_ended_ = true;
  send_gathered();
  if (losing_) return;
  if (output_.empty()) shut_down_writing();
}

// Where the peer cannot be told the end, it would wait for ever, and so would we.
void SocketTransport::shut_down_writing() {
  const int result = backend().shutdown_write(fd_);
  if (result < 0) fatal_error(make_os_error(-result, "shutdown"), kWriteFailed);
}

std::pair<std::size_t, std::size_t> SocketTransport::get_write_buffer_limits() const {
  const WaterMarks marks = water();
  return {marks.low, marks.high};
}

void SocketTransport::set_write_buffer_limits(WriteBufferLimits limits) {
  send_gathered();
  extras().water = water_marks(limits);
  pause_protocol();
}

void SocketTransport::wake_output_waiter() noexcept {
  if (!has_output_waiter()) return;
  const std::unique_ptr<Future<>> waiter = std::move(extras_->output_waiter);
  if (!waiter->done()) waiter->set_result();
}

}  // namespace asyncio::detail
