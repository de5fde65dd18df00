#include "asyncio/net/datagrams.hpp"

#include <cerrno>
#include <deque>
#include <vector>

#include "asyncio/base/errors.hpp"
#include "asyncio/core/sleep.hpp"
#include "asyncio/net/dns.hpp"
#include "asyncio/net/internal/datagram_transport.hpp"
#include "asyncio/net/internal/sockets.hpp"

namespace asyncio {
namespace detail {

// The protocol under a DatagramSocket: keeps what arrived, and wakes who waits.
class DatagramQueue final : public DatagramProtocol {
 public:
  explicit DatagramQueue(std::size_t capacity) : capacity_(capacity) {}

  void set_transport(std::shared_ptr<DatagramTransport> transport) {
    transport_ = std::move(transport);
  }
  DatagramTransport& transport() const noexcept { return *transport_; }

  void datagram_received(std::string_view data, const Address& from) override {
    if (received_.size() >= capacity_) return;
    received_.push_back({std::string(data), from});
    wake_one(readers_);
  }
  void error_received(std::exception_ptr error) override {
    error_ = std::move(error);
    wake_one(readers_);
  }
  void pause_writing() override { writing_paused_ = true; }
  void resume_writing() override {
    writing_paused_ = false;
    wake_all(writers_);
  }
  void connection_lost(std::exception_ptr) override {
    lost_ = true;
    wake_all(readers_);
    wake_all(writers_);
  }

  bool has_something() const noexcept { return !received_.empty() || error_ || lost_; }
  Datagram take() {
    if (!received_.empty()) {
      Datagram first = std::move(received_.front());
      received_.pop_front();
      if (has_something()) wake_one(readers_);
      return first;
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    std::rethrow_exception(
        make_os_error(ECONNABORTED, ErrorText{"the datagram socket is closed"}, "recvfrom"));
  }
  // The place of a reader that was woken and cancelled goes to the next.
  void pass_on() {
    if (has_something()) wake_one(readers_);
  }
  Future<> wait_for_something() { return wait_in(readers_); }
  bool writing_is_paused() const noexcept { return writing_paused_ && !lost_; }
  Future<> wait_until_writable() { return wait_in(writers_); }

 private:
  using Waiters = std::deque<Future<>>;

  static Future<> wait_in(Waiters& waiters) {
    waiters.emplace_back(get_running_loop());
    waiters.back().state()->set_purpose(detail::FuturePurpose::socket);
    return waiters.back();
  }
  static void wake_one(Waiters& waiters) {
    while (!waiters.empty()) {
      const Future<> first = std::move(waiters.front());
      waiters.pop_front();
      if (first.done()) continue;  // cancelled
      first.set_result();
      return;
    }
  }
  static void wake_all(Waiters& waiters) {
    while (!waiters.empty()) wake_one(waiters);
  }

  std::shared_ptr<DatagramTransport> transport_;
  std::deque<Datagram> received_;
  std::size_t capacity_;
  Waiters readers_;
  Waiters writers_;
  std::exception_ptr error_;
  bool writing_paused_ = false;
  bool lost_ = false;
};

namespace {

Coro<std::optional<Address>> find_address(std::string host, int port, std::string path,
                                          bool passive) {
  if (!path.empty()) co_return Address::of_path(path);
  if (host.empty() && port == 0) co_return std::nullopt;
  const std::vector<Address> found =
      co_await resolve(std::move(host), port, {.passive = passive, .datagram = true});
  if (found.empty()) throw OSError(EADDRNOTAVAIL, "getaddrinfo");
  co_return found.front();
}

// Where it throws, the socket is the caller's still.
std::shared_ptr<DatagramSocketTransport> adopt_datagram_socket(Loop& loop,
                                                               const DatagramOptions& options) {
  const bool names_addresses = !options.local_host.empty() || options.local_port != 0 ||
                               !options.remote_host.empty() || options.remote_port != 0 ||
                               !options.local_path.empty() || !options.remote_path.empty();
  if (names_addresses || options.reuse_port || options.allow_broadcast)
    throw ValueError(
        "socket modifier keyword arguments can not be used when sock is specified.\n"
        "  instead: leave out addresses, reuse_port and allow_broadcast");
  IoBackend& backend = loop.backend();
  if (!is_datagram_socket(backend, options.sock))
    throw ValueError("A datagram socket was expected, got fd " + std::to_string(options.sock));
  set_nonblocking(backend, options.sock);
  const Address peer = peer_name(backend, options.sock);
  const bool is_connected = peer.family() != Address::Family::none;
  return std::make_shared<DatagramSocketTransport>(
      loop.scheduler(), FileDescriptor(options.sock, &backend),
      is_connected ? std::optional(peer) : std::nullopt);
}

Coro<std::shared_ptr<DatagramSocketTransport>> make_datagram_transport(Loop& loop,
                                                                       DatagramOptions options) {
  if (options.sock >= 0) co_return adopt_datagram_socket(loop, options);
  const std::optional<Address> local =
      co_await find_address(options.local_host, options.local_port, options.local_path, true);
  const std::optional<Address> remote =
      co_await find_address(options.remote_host, options.remote_port, options.remote_path, false);
  const Address::Family family = local    ? local->family()
                                 : remote ? remote->family()
                                          : Address::Family::ipv4;
  IoBackend& backend = loop.backend();
  FileDescriptor fd = make_datagram_socket(backend, family, {.reuse_port = options.reuse_port});
  if (options.allow_broadcast) set_broadcast(backend, fd.get());
  if (local)
    bind_socket(backend, fd.get(), *local);
  else if (!remote)
    bind_socket(backend, fd.get(), *Address::parse("0.0.0.0", 0));
  if (remote) {
    const int result = backend.connect(fd.get(), remote->to_system());
    if (result != 0) throw_os_error(-result, "connect", remote->repr());
  }
  co_return std::make_shared<DatagramSocketTransport>(loop.scheduler(), std::move(fd), remote);
}

Coro<Datagram> receive_datagram(std::shared_ptr<DatagramQueue> queue) {
  if (!current_scheduler().take_budget()) co_await sleep(Duration::zero());
  while (!queue->has_something()) {
    Future<> something = queue->wait_for_something();
    bool cancelled = true;
    struct PassOn {
      DatagramQueue& queue;
      const bool& cancelled;
      ~PassOn() {
        if (cancelled) queue.pass_on();
      }
    } guard{*queue, cancelled};
    co_await something;
    cancelled = false;
  }
  co_return queue->take();
}

Coro<> send_datagram(std::shared_ptr<DatagramQueue> queue, std::string data,
                     std::optional<Address> to) {
  if (!current_scheduler().take_budget()) co_await sleep(Duration::zero());
  while (queue->writing_is_paused()) co_await queue->wait_until_writable();
  if (to)
    queue->transport().sendto(data, *to);
  else
    queue->transport().sendto(data);
}

}  // namespace

Coro<std::shared_ptr<DatagramTransport>> create_datagram_transport(
    Loop& loop, std::shared_ptr<DatagramProtocol> protocol, DatagramOptions options) {
  auto transport = co_await make_datagram_transport(loop, std::move(options));
  transport->start(std::move(protocol));
  try {
    co_await sleep(Duration::zero());  // connection_made() is called before this returns
  } catch (...) {
    transport->close();  // cancelled: nobody has a handle to close it by
    throw;
  }
  co_return transport;
}

}  // namespace detail

DatagramSocket::DatagramSocket(std::shared_ptr<detail::DatagramQueue> queue) noexcept
    : queue_(std::move(queue)) {}

DatagramSocket& DatagramSocket::operator=(DatagramSocket&& other) noexcept {
  std::swap(queue_, other.queue_);
  return *this;
}

DatagramSocket::~DatagramSocket() {
  if (queue_) queue_->transport().close();
}

ASYNCIO_CORO_WRAPPER Coro<> DatagramSocket::sendto(std::string data, Address to) {
  return detail::send_datagram(queue_, std::move(data), std::move(to));
}
ASYNCIO_CORO_WRAPPER Coro<> DatagramSocket::send(std::string data) {
  return detail::send_datagram(queue_, std::move(data), std::nullopt);
}
ASYNCIO_CORO_WRAPPER Coro<Datagram> DatagramSocket::recvfrom() {
  return detail::receive_datagram(queue_);
}
Address DatagramSocket::address() const { return queue_->transport().sockname(); }
Address DatagramSocket::peername() const { return queue_->transport().peername(); }
DatagramTransport& DatagramSocket::transport() const { return queue_->transport(); }
void DatagramSocket::close() { queue_->transport().close(); }

ASYNCIO_CORO_WRAPPER Coro<DatagramSocket> open_datagram() {
  return open_datagram(DatagramOptions{});
}

Coro<DatagramSocket> open_datagram(DatagramOptions options) {
  auto queue = std::make_shared<detail::DatagramQueue>(options.max_queued);
  queue->set_transport(
      co_await detail::create_datagram_transport(get_running_loop(), queue, std::move(options)));
  co_return DatagramSocket(std::move(queue));
}

}  // namespace asyncio
