#include "asyncio/os/internal/pipe_transport.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "asyncio/base/errors.hpp"
#include "asyncio/base/logging.hpp"
#include "asyncio/io/would_block.hpp"
#include "asyncio/os/internal/read_write.hpp"

namespace asyncio::detail {
namespace {

constexpr std::size_t kReadSize = std::size_t{64} * 1024;
constexpr int kWritesBeforeWarning = 5;
constexpr const char* kReadFailed = "Fatal read error on pipe transport";
constexpr const char* kWriteFailed = "Fatal write error on pipe transport";

}  // namespace

// ---- both ends

PipeCore::PipeCore(Scheduler& scheduler, OwnedFd fd)
    : scheduler_(scheduler), backend_(scheduler.backend), fd_(std::move(fd)) {
  scheduler_.add_reference();
}

PipeCore::~PipeCore() {
  if (watched_ && backend_ != nullptr) backend_->forget(fd_.get());
  scheduler_.drop_reference();
}

void PipeCore::start(std::shared_ptr<Protocol> protocol, bool silently) {
  protocol_ = std::move(protocol);
  self_ = shared();
  scheduler_.loop->services().members.push_back(*this);
  context_ = current_context();
  if (silently)
    begin();
  else
    queue(kMade);
}

void PipeCore::show_open() {
  if (!scheduler_.debug) return;
  resource_ = std::make_unique<OpenResource>(
      scheduler_, [this] { return closing_ ? std::string() : "transport " + shared()->repr(); });
}

void PipeCore::queue(Work work) noexcept {
  work_ |= work;
  if (!Node::is_linked()) scheduler_.push_ready(*this);
}

void PipeCore::run() {
  const std::shared_ptr<Transport> alive = self_;
  ContextScope scope(&context_);
  const std::uint8_t work = std::exchange(work_, std::uint8_t{0});
  if ((work & kMade) != 0) {
    const std::shared_ptr<Protocol> protocol = protocol_;
    guarded("Fatal error: protocol.connection_made() call failed.",
            [&] { protocol->connection_made(*alive); });
    if (!closing_) begin();
  }
  if ((work & kWritable) != 0 && !losing_) writable();
  if ((work & kReadable) != 0 && !losing_) readable();
  if ((work & kEof) != 0) {
    const std::shared_ptr<Protocol> protocol = protocol_;
    guarded("Fatal error: protocol.eof_received() call failed.", [&] { protocol->eof_received(); });
  }
  if ((work & kLost) != 0) call_connection_lost();
}

void PipeCore::on_ready(bool is_readable, bool is_writable) noexcept {
  if (is_readable) queue(kReadable);
  if (is_writable) queue(kWritable);
}

void PipeCore::on_loop_destroyed() noexcept {
  const std::shared_ptr<Transport> alive = std::move(self_);
  if (std::exchange(watched_, false)) backend_->forget(fd_.get());
  if (Node::is_linked()) Node::unlink();
  backend_ = nullptr;
  fd_ = OwnedFd();
  closing_ = losing_ = true;
  drop_output();
  protocol_.reset();
}

void PipeCore::watch(bool is_readable, bool is_writable) {
  if (always_ready_) {
    if (is_readable) queue(kReadable);
    if (is_writable) queue(kWritable);
    return;
  }
  if (losing_ || backend_ == nullptr || (!watched_ && !is_readable && !is_writable)) return;
  try {
    backend_->watch_level(fd_.get(), *this, is_readable, is_writable);
    watched_ = is_readable || is_writable;
    scheduler_.poll_in_next_pass();
  } catch (const PermissionError&) {  // epoll_ctl(2): the fd cannot be polled
    always_ready_ = true;
    watch(is_readable, is_writable);
  } catch (...) {
    fatal_error(std::current_exception(), kReadFailed);
  }
}

template <class Call>
void PipeCore::guarded(const char* message, Call call) {
  try {
    call();
  } catch (const KeyboardInterrupt&) {
    throw;
  } catch (const SystemExit&) {
    throw;
  } catch (...) {
    fatal_error(std::current_exception(), message);
  }
}

void PipeCore::close_now(std::exception_ptr error) {
  if (losing_) return;
  drop_output();
  watch(false, false);
  closing_ = losing_ = true;
  error_ = std::move(error);
  queue(kLost);
}

void PipeCore::fatal_error(std::exception_ptr error, const char* message) {
  try {
    std::rethrow_exception(error);
  } catch (const OSError&) {  // the world; whoever reads or writes hears of it
  } catch (...) {
    scheduler_.report({.message = message, .exception = error});
  }
  close_now(std::move(error));
}

void PipeCore::call_connection_lost() {
  const std::shared_ptr<Transport> alive = std::move(self_);
  const std::shared_ptr<Protocol> protocol = std::move(protocol_);
  LoopMember::unlink();
  if (std::exchange(watched_, false) && backend_ != nullptr) backend_->forget(fd_.get());
  fd_ = OwnedFd();
  try {
    if (protocol) protocol->connection_lost(error_);
  } catch (const KeyboardInterrupt&) {
    throw;
  } catch (const SystemExit&) {
    throw;
  } catch (...) {
    scheduler_.report({.message = "Exception in callback connection_lost()",
                       .exception = std::current_exception()});
  }
}

std::string PipeCore::describe_fd(const char* type) const {
  std::string text = std::string("<") + type;
  if (!fd_)
    text += " closed";
  else if (closing_)
    text += " closing";
  return text + " fd=" + std::to_string(fd_.get());
}

// ---- reading

void PipeReader::open(std::shared_ptr<Protocol> protocol, bool silently) {
  start(std::move(protocol), silently);
}

void PipeReader::set_protocol(std::shared_ptr<Protocol> protocol) {
  protocol_ = std::move(protocol);
}

void PipeReader::pause_reading() {
  if (!is_reading()) return;
  paused_ = true;
  watch(false, false);
}

void PipeReader::resume_reading() {
  if (closing_ || !paused_) return;
  paused_ = false;
  watch(true, false);
}

void PipeReader::readable() {
  if (paused_ || closing_) return;
  std::array<char, kReadSize> part;
  const ssize_t got = backend_->reported(
      IoOperation::read, fd_.get(), [&] { return read_fd(fd_.get(), part.data(), part.size()); });
  if (got > 0) {
    deliver(std::string_view(part.data(), static_cast<std::size_t>(got)));
    if (always_ready_ && is_reading()) queue(kReadable);
  } else if (got == 0) {
    watch(false, false);
    closing_ = losing_ = true;
    queue(kEof);
    queue(kLost);
  } else if (!would_block(got)) {
    fatal_error(make_os_error(static_cast<int>(-got), "read"), kReadFailed);
  }
}

void PipeReader::deliver(std::string_view data) {
  const std::shared_ptr<Protocol> protocol = protocol_;
  guarded("Fatal error: protocol.data_received() call failed.",
          [&] { protocol->data_received(data); });
}

void PipeReader::close() { close_now(nullptr); }

std::string PipeReader::repr() const {
  return describe_fd("ReadPipeTransport") + (is_reading() ? " polling>" : " idle>");
}

// ---- writing

void PipeWriter::open(std::shared_ptr<Protocol> protocol, bool silently) {
  struct stat status{};
  // A terminal that can be read has input, not a reader that went away.
  listens_for_reader_ =
      ::fstat(fd_.get(), &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
  start(std::move(protocol), silently);
}

void PipeWriter::set_protocol(std::shared_ptr<Protocol> protocol) {
  protocol_ = std::move(protocol);
}

void PipeWriter::begin() {
  if (listens_for_reader_ || !output_.empty()) watch(listens_for_reader_, !output_.empty());
}

bool PipeWriter::reader_is_gone() const noexcept {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0 || !S_ISSOCK(status.st_mode)) return true;
  char byte = 0;
  const ssize_t got = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

void PipeWriter::readable() {
  if (!reader_is_gone()) {  // a socket whose peer talks back: not our concern
    listens_for_reader_ = false;
    watch(false, !output_.empty());
  } else if (output_.empty()) {
    close_now(nullptr);
  } else {
    close_now(make_os_error(EPIPE, ErrorText{""}, "write"));
  }
}

ssize_t PipeWriter::write_now(std::string_view data) noexcept {
  const auto call = [&] { return write_fd(fd_.get(), data.data(), data.size()); };
  return backend_ == nullptr ? call() : backend_->reported(IoOperation::write, fd_.get(), call);
}

void PipeWriter::write(std::string_view data) {
  if (data.empty()) return;
  if (closing_) {
    if (writes_after_loss_ == kWritesBeforeWarning)
      logging::log(LogLevel::warning,
                   "pipe closed by peer or os.write(pipe, data) raised exception.");
    else
      ++writes_after_loss_;
    return;
  }
  if (output_.empty()) {
    const ssize_t written = write_now(data);
    if (written < 0 && !would_block(written)) {
      fatal_error(make_os_error(static_cast<int>(-written), "write"), kWriteFailed);
      return;
    }
    if (written > 0) data.remove_prefix(static_cast<std::size_t>(written));
    if (data.empty()) return;
    output_.append(data);
    watch(listens_for_reader_, true);
  } else {
    output_.append(data);
  }
  pause_protocol();
}

void PipeWriter::writelines(std::span<const std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all += part;
  write(all);
}

void PipeWriter::writable() {
  if (output_.empty()) return;
  const ssize_t written = write_now(std::string_view(output_).substr(sent_));
  if (would_block(written)) return;
  if (written < 0) {
    fatal_error(make_os_error(static_cast<int>(-written), "write"), kWriteFailed);
    return;
  }
  sent_ += static_cast<std::size_t>(written);
  if (sent_ == output_.size()) {
    drop_output();
    watch(listens_for_reader_, false);
  } else if (sent_ > output_.size() / 2) {  // each byte moves once, at most
    output_.erase(0, sent_);
    sent_ = 0;
  }
  resume_protocol();
  if (output_.empty() && closing_)
    close_now(nullptr);
  else if (always_ready_ && !output_.empty())
    queue(kWritable);
}

void PipeWriter::drop_output() noexcept {
  std::string().swap(output_);
  sent_ = 0;
}

void PipeWriter::close() {
  if (closing_) return;
  closing_ = true;
  if (output_.empty()) close_now(nullptr);  // else once it is written
}

std::pair<std::size_t, std::size_t> PipeWriter::get_write_buffer_limits() const {
  return {water_.low, water_.high};
}

void PipeWriter::set_write_buffer_limits(WriteBufferLimits limits) {
  water_ = water_marks(limits);
  pause_protocol();
}

void PipeWriter::pause_protocol() {
  if (get_write_buffer_size() <= water_.high || protocol_paused_ || !protocol_) return;
  protocol_paused_ = true;
  const std::shared_ptr<Protocol> protocol = protocol_;
  guarded("protocol.pause_writing() failed", [&] { protocol->pause_writing(); });
}

void PipeWriter::resume_protocol() {
  if (!protocol_paused_ || get_write_buffer_size() > water_.low || !protocol_) return;
  protocol_paused_ = false;
  const std::shared_ptr<Protocol> protocol = protocol_;
  guarded("protocol.resume_writing() failed", [&] { protocol->resume_writing(); });
}

std::string PipeWriter::repr() const {
  return describe_fd("WritePipeTransport") + (output_.empty() ? " idle" : " polling") +
         ", bufsize=" + std::to_string(get_write_buffer_size()) + ">";
}

}  // namespace asyncio::detail
