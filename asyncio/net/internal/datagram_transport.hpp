// datagram_transport.hpp: the transport of a datagram socket.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "asyncio/core/futures.hpp"
#include "asyncio/core/services.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/net/internal/sockets.hpp"
#include "asyncio/net/transports.hpp"

namespace asyncio::detail {

class DatagramSocketTransport final : public DatagramTransport,
                                      public FdWatcher,
                                      public Node,
                                      public std::enable_shared_from_this<DatagramSocketTransport> {
 public:
  // Takes the fd over; `peer` where it is connected.
  DatagramSocketTransport(Scheduler& scheduler, FileDescriptor fd, std::optional<Address> peer);
  ~DatagramSocketTransport() override;
  // connection_made() comes in the next pass.
  void start(std::shared_ptr<DatagramProtocol> protocol);

  void sendto(std::string_view data) override;
  void sendto(std::string_view data, const Address& to) override;
  void set_protocol(std::shared_ptr<DatagramProtocol> protocol) override {
    protocol_ = std::move(protocol);
  }
  std::shared_ptr<DatagramProtocol> get_protocol() const override { return protocol_; }
  void close() override;
  void abort() override;
  bool is_closing() const override { return closing_; }
  Address peername() const override { return peer_.value_or(Address()); }
  Address sockname() const override { return name_; }
  int fileno() const override { return fd_; }
  std::size_t get_write_buffer_size() const override { return queued_; }
  std::pair<std::size_t, std::size_t> get_write_buffer_limits() const override {
    return {water_.low, water_.high};
  }
  void set_write_buffer_limits(WriteBufferLimits limits) override;
  std::string repr() const override;

  void run() override;
  void notify() noexcept override {}
  bool cancel_wait(const std::string&) override { return false; }
  void on_ready(bool readable, bool writable) noexcept override;
  void on_backend_closed() noexcept override;

 private:
  enum Work : std::uint8_t { kMade = 1, kRead = 2, kFlush = 4, kLost = 8 };
  using Waiting = std::pair<std::string, std::optional<SocketAddress>>;

  void queue(Work work) noexcept;
  void send(std::string_view data, const Address* to);
  bool send_now(std::string_view data, const SocketAddress* to);  // false: it must wait
  void read_some();
  bool read_one();
  void flush();
  void after_flush();
  void force_close(std::exception_ptr error);
  void call_connection_lost();
  void release_fd() noexcept;
  // Runs a callback of the protocol; one that throws ends the transport, as in Python.
  template <class Call>
  void guarded(Call call);

  Scheduler& scheduler_;
  IoBackend* backend_;
  int fd_;
  std::optional<Address> peer_;
  Address name_;
  std::shared_ptr<DatagramProtocol> protocol_;
  std::shared_ptr<DatagramSocketTransport> self_;  // until the connection is lost
  std::exception_ptr error_;
  std::deque<Waiting> output_;
  std::size_t queued_ = 0;  // bytes in output_, and a little for each
  WaterMarks water_;
  std::uint8_t work_ = 0;
  bool closing_ = false;
  bool losing_ = false;
  bool watches_writable_ = false;
  bool protocol_paused_ = false;
  std::unique_ptr<OpenResource> resource_;  // in debug mode
};

}  // namespace asyncio::detail
