// stream_protocol.hpp: StreamReaderProtocol, which makes streams of any transport: what the
// transport reports goes into a StreamReader, and a StreamWriter writes to it.
// Source: Lib/asyncio/streams.py. open_connection() and start_server() need none.
//
//   auto protocol = std::make_shared<asyncio::StreamReaderProtocol>();
//   StreamReader reader = protocol->reader();
//   co_await loop.connect_read_pipe([&] { return protocol; }, fd);
#pragma once
#include <cstddef>
#include <exception>
#include <memory>
#include <string_view>

#include "asyncio/net/protocols.hpp"
#include "asyncio/net/streams.hpp"

namespace asyncio {

// Lifetime: a handle from reader() or writer() keeps the streams, and dropping the last one closes
// the transport.
class StreamReaderProtocol : public Protocol {
 public:
  explicit StreamReaderProtocol(std::size_t limit = kDefaultStreamLimit);
  explicit StreamReaderProtocol(const StreamReader& reader);  // feeds this one
  StreamReaderProtocol(const StreamReaderProtocol&) = delete;
  StreamReaderProtocol& operator=(const StreamReaderProtocol&) = delete;
  ~StreamReaderProtocol() override;

  StreamReader reader() const;
  StreamWriter writer() const;  // works from connection_made() or set_transport() on
  void set_transport(std::shared_ptr<Transport> transport);

  // Throws RuntimeError where the transport has no handle to share.
  void connection_made(Transport& transport) override;
  void data_received(std::string_view data) override;
  bool eof_received() override;
  void connection_lost(std::exception_ptr error) override;
  void pause_writing() override;
  void resume_writing() override;

 private:
  detail::StreamState* state_;  // counted
};

}  // namespace asyncio
