// datagrams.hpp: UDP and Unix datagram sockets. open_datagram() for coroutines,
// Loop::create_datagram_endpoint() for protocols.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/core/events.hpp"
#include "asyncio/net/address.hpp"
#include "asyncio/net/protocols.hpp"
#include "asyncio/net/transports.hpp"

namespace asyncio {

struct DatagramOptions {
  std::string local_host = {};  // neither host nor path: any free port of all interfaces
  int local_port = 0;
  std::string remote_host = {};  // send to and hear from this address only
  int remote_port = 0;
  std::string local_path = {};  // a Unix socket instead; the file is the caller's to remove
  std::string remote_path = {};
  int sock = -1;  // a datagram socket to take over, instead of all the above
  bool reuse_port = false;
  bool allow_broadcast = false;
  // Datagrams that arrive while this many wait for recvfrom() are dropped, as the kernel does.
  std::size_t max_queued = 1024;
};

struct Datagram {
  std::string data;
  Address from;
};

namespace detail {
class DatagramQueue;
Coro<std::shared_ptr<DatagramTransport>> create_datagram_transport(
    Loop& loop, std::shared_ptr<DatagramProtocol> protocol, DatagramOptions options);
}  // namespace detail

// A datagram socket; a movable handle that closes it.
//
// Order:        datagrams come out as they arrived; the task that waits longest is served first.
// Cancellation: a cancelled recvfrom() loses no datagram.
// Threads:      the loop's thread only.
// Lifetime:     dropping the handle closes the socket; who waits gets ConnectionAbortedError.
class DatagramSocket {
 public:
  explicit DatagramSocket(std::shared_ptr<detail::DatagramQueue> queue) noexcept;
  DatagramSocket(DatagramSocket&&) noexcept = default;
  DatagramSocket& operator=(DatagramSocket&&) noexcept;
  ~DatagramSocket();

  // Waits where much is buffered already. Throws OSError, ValueError for a wrong address.
  Coro<> sendto(std::string data, Address to);
  Coro<> send(std::string data);  // to the remote address of the options
  // Throws the error that a datagram sent before came back with (ConnectionRefusedError).
  Coro<Datagram> recvfrom();
  Address address() const;  // ours
  Address peername() const;
  DatagramTransport& transport() const;
  void close();

 private:
  std::shared_ptr<detail::DatagramQueue> queue_;
};

Coro<DatagramSocket> open_datagram();
Coro<DatagramSocket> open_datagram(DatagramOptions options);

namespace detail {

template <class P>
Coro<std::pair<std::shared_ptr<DatagramTransport>, P>> with_datagram_protocol(
    Coro<std::shared_ptr<DatagramTransport>> opening, P protocol) {
  auto transport = co_await std::move(opening);
  co_return std::pair(std::move(transport), std::move(protocol));
}

}  // namespace detail

template <class Factory>
ASYNCIO_CORO_WRAPPER
    Coro<std::pair<std::shared_ptr<DatagramTransport>, std::invoke_result_t<Factory&>>>
    Loop::create_datagram_endpoint(Factory factory, DatagramOptions options) {
  auto protocol = factory();
  return detail::with_datagram_protocol(
      detail::create_datagram_transport(*this, protocol, std::move(options)), protocol);
}

}  // namespace asyncio
