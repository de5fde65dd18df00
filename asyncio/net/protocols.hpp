// protocols.hpp: the classes that a user derives from to be called back by a transport.
// Source: docs.python.org/3/library/asyncio-protocol.html. Streams (streams.hpp) are the easier
// way; this is the layer under them. All calls come on the loop's thread, from the ready queue.
#pragma once
#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <string_view>

namespace asyncio {

class Transport;
class DatagramTransport;
class Address;

// What every protocol hears.
class BaseProtocol {
 public:
  BaseProtocol() = default;
  BaseProtocol(const BaseProtocol&) = default;
  BaseProtocol& operator=(const BaseProtocol&) = default;
  virtual ~BaseProtocol() = default;

  // Once, last. Null where the connection was closed, by us or by the peer, without an error.
  virtual void connection_lost(std::exception_ptr) {}
  // The transport's buffer went over its high-water mark: write no more until resume_writing().
  virtual void pause_writing() {}
  virtual void resume_writing() {}
};

//   connection_made  data_received*  eof_received?  connection_lost
class Protocol : public BaseProtocol {
 public:
  // The transport lives until connection_lost() returns.
  virtual void connection_made(Transport&) {}
  virtual void data_received(std::string_view) {}  // valid during the call
  // The peer will send no more. False closes the transport; true keeps it open for writing.
  virtual bool eof_received() { return false; }
};

// Receives into a buffer of its own, without a copy.
class BufferedProtocol : public Protocol {
 public:
  // Where the next bytes go. Must not be empty. size_hint is 0 where there is none.
  virtual std::span<char> get_buffer(std::size_t size_hint) = 0;
  virtual void buffer_updated(std::size_t received) = 0;
  void data_received(std::string_view) final {}
};

class DatagramProtocol : public BaseProtocol {
 public:
  virtual void connection_made(DatagramTransport&) {}
  virtual void datagram_received(std::string_view, const Address&) {}
  // A send or a receive failed; the transport stays open.
  virtual void error_received(std::exception_ptr) {}
};

}  // namespace asyncio
