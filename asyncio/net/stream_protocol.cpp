#include "asyncio/net/stream_protocol.hpp"

#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/net/internal/stream_state.hpp"

namespace asyncio {

StreamReaderProtocol::StreamReaderProtocol(std::size_t limit)
    : state_(new detail::StreamState(limit)) {}

StreamReaderProtocol::StreamReaderProtocol(const StreamReader& reader) : state_(&reader.state()) {
  state_->add_reference();
}

StreamReaderProtocol::~StreamReaderProtocol() { state_->drop_reference(); }

StreamReader StreamReaderProtocol::reader() const { return StreamReader(*state_); }
StreamWriter StreamReaderProtocol::writer() const { return StreamWriter(*state_); }

void StreamReaderProtocol::set_transport(std::shared_ptr<Transport> transport) {
  state_->set_transport(std::move(transport));
}

void StreamReaderProtocol::connection_made(Transport& transport) {
  if (state_->transport() == &transport) return;
  std::shared_ptr<Transport> shared = transport.share();
  if (!shared) throw RuntimeError(transport.repr() + " cannot be shared with a stream");
  set_transport(std::move(shared));
}

void StreamReaderProtocol::data_received(std::string_view data) { state_->feed_data(data); }

bool StreamReaderProtocol::eof_received() {
  state_->feed_eof();
  return true;  // it stays open for writing
}

void StreamReaderProtocol::connection_lost(std::exception_ptr error) {
  state_->connection_lost(std::move(error));
}

void StreamReaderProtocol::pause_writing() { state_->pause_writing(); }
void StreamReaderProtocol::resume_writing() { state_->resume_writing(); }

}  // namespace asyncio
