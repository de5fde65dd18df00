#include "asyncio/net/internal/datagram_transport.hpp"

#include <unistd.h>

#include <cerrno>

#include "asyncio/base/errors.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/io/would_block.hpp"

namespace asyncio::detail {
namespace {

constexpr int kReadsInARow = 32;
constexpr std::size_t kLargestDatagram = std::size_t{64} * 1024;
constexpr std::size_t kHeaderSize = 8;  // so that empty datagrams count, too; Python's number

}  // namespace

DatagramSocketTransport::DatagramSocketTransport(Scheduler& scheduler, FileDescriptor fd,
                                                 std::optional<Address> peer)
    : scheduler_(scheduler),
      backend_(scheduler.backend),
      fd_(fd.release()),
      peer_(std::move(peer)),
      name_(socket_name(*backend_, fd_)) {
  scheduler_.add_reference();
}

DatagramSocketTransport::~DatagramSocketTransport() {
  release_fd();
  if (Node::is_linked()) Node::unlink();
  scheduler_.drop_reference();
}

void DatagramSocketTransport::start(std::shared_ptr<DatagramProtocol> protocol) {
  if (scheduler_.debug)
    resource_ = std::make_unique<OpenResource>(
        scheduler_, [this] { return closing_ ? std::string() : "transport " + repr(); });
  protocol_ = std::move(protocol);
  self_ = shared_from_this();
  queue(kMade);
}

void DatagramSocketTransport::queue(Work work) noexcept {
  work_ |= work;
  if (!Node::is_linked()) scheduler_.push_ready(*this);
}

void DatagramSocketTransport::run() {
  const std::shared_ptr<DatagramSocketTransport> alive = shared_from_this();
  const std::uint8_t work = std::exchange(work_, std::uint8_t{0});
  if ((work & kMade) != 0) {
    guarded([&] {
      const std::shared_ptr<DatagramProtocol> protocol = protocol_;
      protocol->connection_made(*this);
      if (!closing_) backend_->watch(fd_, *this);
    });
  }
  if ((work & kRead) != 0) read_some();
  if ((work & kFlush) != 0) flush();
  if ((work & kLost) != 0) call_connection_lost();
}

template <class Call>
void DatagramSocketTransport::guarded(Call call) {
  try {
    call();
  } catch (const KeyboardInterrupt&) {
    throw;
  } catch (const SystemExit&) {
    throw;
  } catch (...) {
    scheduler_.report(
        {.message = "Fatal error on datagram transport", .exception = std::current_exception()});
    force_close(std::current_exception());
  }
}

void DatagramSocketTransport::on_ready(bool readable, bool writable) noexcept {
  if (losing_) return;
  if (readable && !closing_) queue(kRead);
  if (writable && !output_.empty()) queue(kFlush);
}

void DatagramSocketTransport::on_backend_closed() noexcept {
  const std::shared_ptr<DatagramSocketTransport> alive = std::move(self_);
  backend_ = nullptr;
  release_fd();
  closing_ = losing_ = true;
  protocol_.reset();
}

// ---- receiving

void DatagramSocketTransport::read_some() {
  for (int i = 0; i < kReadsInARow; ++i)
    if (closing_ || !read_one()) return;
  queue(kRead);  // there may be more; the others first
}

bool DatagramSocketTransport::read_one() {
  // One for the thread: its content is handed on before the next datagram comes.
  static thread_local std::unique_ptr<char[]> room;
  if (!room) room.reset(new char[kLargestDatagram]);
  SocketAddress from;
  const std::int64_t got = backend_->receive_from(fd_, room.get(), kLargestDatagram, from);
  if (would_block(got)) return false;
  const std::shared_ptr<DatagramProtocol> protocol = protocol_;
  guarded([&] {
    if (got >= 0)
      protocol->datagram_received(std::string_view(room.get(), static_cast<std::size_t>(got)),
                                  from.length != 0 ? Address::from_system(from) : peername());
    else
      protocol->error_received(make_os_error(static_cast<int>(-got), "recvfrom"));
  });
  return true;
}

// ---- sending

void DatagramSocketTransport::sendto(std::string_view data) {
  if (!peer_) throw ValueError("sendto() without an address on a transport that has no remote");
  send(data, nullptr);
}

void DatagramSocketTransport::sendto(std::string_view data, const Address& to) {
  if (peer_ && !(to == *peer_))
    throw ValueError("Invalid address: must be None or " + peer_->repr());
  send(data, peer_ ? nullptr : &to);
}

void DatagramSocketTransport::send(std::string_view data, const Address* to) {
  if (closing_) return;
  std::optional<SocketAddress> system;
  if (to != nullptr) system = to->to_system();
  if (output_.empty() && send_now(data, system ? &*system : nullptr)) return;
  if (losing_) return;
  output_.emplace_back(std::string(data), system);
  queued_ += data.size() + kHeaderSize;
  if (!watches_writable_) {
    watches_writable_ = true;
    backend_->watch_writable(fd_, *this);
  }
  if (queued_ > water_.high && !protocol_paused_) {
    protocol_paused_ = true;
    guarded([protocol = protocol_] { protocol->pause_writing(); });
  }
}

// An error of the network is the protocol's to judge; the transport stays.
bool DatagramSocketTransport::send_now(std::string_view data, const SocketAddress* to) {
  const std::int64_t sent = backend_->send_to(fd_, data.data(), data.size(), to);
  if (would_block(sent)) return false;
  if (sent < 0) {
    const std::shared_ptr<DatagramProtocol> protocol = protocol_;
    guarded([&] { protocol->error_received(make_os_error(static_cast<int>(-sent), "sendto")); });
  }
  return true;
}

void DatagramSocketTransport::flush() {
  while (!output_.empty() && !losing_) {
    const Waiting& next = output_.front();
    if (!send_now(next.first, next.second ? &*next.second : nullptr)) break;
    if (output_.empty()) return;  // error_received() aborted
    queued_ -= output_.front().first.size() + kHeaderSize;
    output_.pop_front();
  }
  if (losing_) return;
  if (protocol_paused_ && queued_ <= water_.low) {
    protocol_paused_ = false;
    guarded([protocol = protocol_] { protocol->resume_writing(); });
  }
  if (output_.empty() && closing_ && !losing_) {
    losing_ = true;
    queue(kLost);
  }
}

void DatagramSocketTransport::set_write_buffer_limits(WriteBufferLimits limits) {
  water_ = water_marks(limits);
}

// ---- the end

void DatagramSocketTransport::close() {
  if (closing_) return;
  closing_ = true;
  if (!output_.empty()) return;
  losing_ = true;
  queue(kLost);
}

void DatagramSocketTransport::abort() { force_close(nullptr); }

void DatagramSocketTransport::force_close(std::exception_ptr error) {
  if (losing_) return;
  output_.clear();
  queued_ = 0;
  closing_ = losing_ = true;
  error_ = std::move(error);
  queue(kLost);
}

void DatagramSocketTransport::call_connection_lost() {
  const std::shared_ptr<DatagramSocketTransport> alive = std::move(self_);
  const std::shared_ptr<DatagramProtocol> protocol = std::move(protocol_);
  release_fd();
  guarded([&] { protocol->connection_lost(error_); });
}

void DatagramSocketTransport::release_fd() noexcept {
  if (fd_ < 0) return;
  const int fd = std::exchange(fd_, -1);
  if (backend_ != nullptr)
    backend_->close(fd);
  else
    ::close(fd);
}

std::string DatagramSocketTransport::repr() const {
  return "<DatagramTransport" +
         std::string(fd_ < 0    ? " closed"
                     : closing_ ? " closing"
                                : "") +
         " fd=" + std::to_string(fd_) + ">";
}

}  // namespace asyncio::detail
