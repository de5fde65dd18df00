// transports.hpp: a connection as its protocol sees it. Source:
// docs.python.org/3/library/asyncio-protocol.html#transports. Made by create_connection(),
// create_server() and their kind; users write protocols, not transports.
#pragma once
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/core/coroutines.hpp"
#include "asyncio/net/address.hpp"
#include "asyncio/net/protocols.hpp"
#include "asyncio/net/tls/ssl.hpp"

namespace asyncio {

class BaseTransport;
class Loop;

// Left out: high is 64 KiB (or 4 * low), low is high / 4.
struct WriteBufferLimits {
  std::optional<std::size_t> high = {};
  std::optional<std::size_t> low = {};
};

namespace detail {

// Buffered bytes: above high the protocol is paused, at low and below it goes on.
struct WaterMarks {
  std::size_t high = std::size_t{64} * 1024;
  std::size_t low = std::size_t{16} * 1024;
};
// What the limits mean. Throws ValueError where high < low.
WaterMarks water_marks(WriteBufferLimits limits);

// Returns once connection_made() was called; closes the transport where the caller is cancelled.
Coro<> wait_until_made(Loop& loop, BaseTransport& transport);

}  // namespace detail

// Lifetime: the loop keeps a transport until its connection is lost; a handle keeps it longer.
class BaseTransport {
 public:
  BaseTransport() = default;
  BaseTransport(const BaseTransport&) = delete;
  BaseTransport& operator=(const BaseTransport&) = delete;
  virtual ~BaseTransport() = default;

  // Stops reading, sends what is buffered in the background, then calls connection_lost().
  virtual void close() = 0;
  // Drops what is buffered; connection_lost() comes in the next pass.
  virtual void abort() = 0;
  virtual bool is_closing() const = 0;
  // Python's get_extra_info(): known also after the transport is closed.
  virtual Address peername() const = 0;
  virtual Address sockname() const = 0;
  virtual int fileno() const = 0;  // -1 once closed
  virtual std::size_t get_write_buffer_size() const = 0;
  // (low, high). Source of the order: Python.
  virtual std::pair<std::size_t, std::size_t> get_write_buffer_limits() const = 0;
  // Throws ValueError where high < low.
  virtual void set_write_buffer_limits(WriteBufferLimits limits) = 0;
  virtual std::string repr() const = 0;
};

class Transport : public BaseTransport {
 public:
  // Sends what the kernel takes and keeps the rest; C++: small writes of one pass of the loop go
  // out together, before it looks at the kernel again. Never blocks. Ignored once the
  // transport is closing. Throws RuntimeError after write_eof() or during a sendfile.
  virtual void write(std::string_view data) = 0;
  virtual void writelines(std::span<const std::string_view> parts) = 0;
  void writelines(std::initializer_list<std::string_view> parts) {
    writelines(std::span(parts.begin(), parts.size()));
  }
  // C++: takes the strings over: what the kernel does not take at once is not copied.
  virtual void writelines(std::vector<std::string>&& parts) {
    const std::vector<std::string_view> views(parts.begin(), parts.end());
    writelines(std::span<const std::string_view>(views));
  }
  virtual void write_eof() = 0;  // half-close, behind what is buffered
  virtual bool can_write_eof() const = 0;
  // No data_received() until resume_reading(). Both may be called twice.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  virtual bool is_reading() const = 0;
  virtual void set_protocol(std::shared_ptr<Protocol> protocol) = 0;
  virtual std::shared_ptr<Protocol> get_protocol() const = 0;  // null for a stream's
  // A handle that keeps it alive; null where the transport has none to give.
  virtual std::shared_ptr<Transport> share() { return nullptr; }
  // Python's get_extra_info("ssl_object") and its like; empty where the connection is plain.
  virtual SslObject ssl_object() const { return {}; }
};

class DatagramTransport : public BaseTransport {
 public:
  // To the address the transport is connected to. Throws ValueError where there is none.
  virtual void sendto(std::string_view data) = 0;
  // Throws ValueError where the transport is connected to another address.
  virtual void sendto(std::string_view data, const Address& to) = 0;
  // Who hears of the next datagram.
  virtual void set_protocol(std::shared_ptr<DatagramProtocol> protocol) = 0;
  virtual std::shared_ptr<DatagramProtocol> get_protocol() const = 0;
};

}  // namespace asyncio
