#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/base/logging.hpp"
#include "asyncio/net/internal/tls_transport.hpp"
#include "asyncio/net/tls/internal/engine.hpp"

namespace asyncio::detail {
namespace {

using Status = TlsEngine::Status;

constexpr std::size_t kRecordSize = std::size_t{16} * 1024;  // RFC 8446 section 5.1
// Encrypted in a row before the first byte is sent.
constexpr std::size_t kWritePart = 4 * kRecordSize;

void check_timeout(const char* name, Duration timeout) {
  if (timeout > Duration::zero()) return;
  throw ValueError(std::string(name) + " should be a positive number, got " +
                   std::to_string(std::chrono::duration<double>(timeout).count()));
}

std::string seconds_text(Duration timeout) {
  std::string text = std::to_string(std::chrono::duration<double>(timeout).count());
  return text.substr(0, text.find('.') + 2);
}

bool is_of_the_world(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const OSError&) {
    return true;
  } catch (const TimeoutError&) {
    return true;
  } catch (...) {
    return false;
  }
}

bool is_disconnect(const std::exception_ptr& error) {
  return holds<ConnectionResetError>(error) || holds<BrokenPipeError>(error);
}

}  // namespace

TlsTransport::TlsTransport(Loop& loop, TlsSetup setup)
    : loop_(loop),
      engine_(std::make_shared<TlsEngine>(setup.context, setup.server_side,
                                          std::move(setup.server_hostname))),
      handshake_timeout_(setup.handshake_timeout),
      shutdown_timeout_(setup.shutdown_timeout) {
  check_timeout("ssl_handshake_timeout", handshake_timeout_);
  check_timeout("ssl_shutdown_timeout", shutdown_timeout_);
}

TlsTransport::~TlsTransport() {
  timer_.cancel();
  if (stream_ != nullptr) stream_->drop_reference();
}

void TlsTransport::attach(std::shared_ptr<Transport> below, Established established) {
  below_ = std::move(below);
  established_ = std::move(established);
}

void TlsTransport::start_stream(StreamState& stream) {
  stream_ = &stream;
  stream_->add_reference();
  stream_->set_transport(shared_from_this());
}

void TlsTransport::set_protocol(std::shared_ptr<Protocol> protocol) {
  app_ = std::move(protocol);
  buffered_ = dynamic_cast<BufferedProtocol*>(app_.get());
  if (state_ == State::open) announced_ = true;  // the one before it has heard
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->drop_reference();
}

// ---- time

void TlsTransport::arm(Duration timeout, void (TlsTransport::*expired)()) {
  timer_.cancel();
  if (timeout >= std::chrono::hours(24 * 365)) return;
  timer_ = loop_.call_later(timeout, [weak = weak_from_this(), expired] {
    if (const auto self = weak.lock()) (self.get()->*expired)();
  });
}

void TlsTransport::handshake_expired() {
  if (state_ != State::handshaking) return;
  fail(make_os_error(
      ECONNABORTED,
      ErrorText{"SSL handshake is taking longer than " + seconds_text(handshake_timeout_) +
                " seconds: aborting the connection\n  peer: " + engine_->peer()},
      "ssl", engine_->peer()));
}

void TlsTransport::shutdown_expired() {
  if (state_ == State::closing)
    fail(std::make_exception_ptr(TimeoutError("SSL shutdown timed out")));
}

// ---- the handshake

void TlsTransport::begin(std::string received) {
  if (state_ != State::made) return;
  state_ = State::handshaking;
  const Address peer = below_->peername();
  engine_->set_peer(peer.family() == Address::Family::none ? "unknown" : peer.repr(), peer.port());
  arm(handshake_timeout_, &TlsTransport::handshake_expired);
  process(received);
}

void TlsTransport::advance_handshake() {
  const Status status = engine_->handshake();
  std::exception_ptr error;
  if (status == Status::failed) error = engine_->error("SSL handshake");
  if (status == Status::closed_by_peer) error = engine_->eof_error();
  send_output();
  if (error)
    fail(std::move(error));
  else if (status == Status::done && state_ == State::handshaking)
    established();
}

void TlsTransport::established() {
  timer_.cancel();
  state_ = State::open;
  write(std::exchange(backlog_, std::string()));
  if (announce_ && app_) {
    try {
      announce();
    } catch (...) {
      const std::exception_ptr error = std::current_exception();
      if (is_interrupt(error)) throw;
      loop_.call_exception_handler(
          {.message = "Fatal error: protocol.connection_made() call failed.", .exception = error});
      fail(error);
      return;
    }
  }
  tell_established(nullptr);
}

void TlsTransport::announce() {
  announced_ = true;
  const std::shared_ptr<Protocol> app = app_;
  app->connection_made(*this);
}

void TlsTransport::tell_established(std::exception_ptr error) {
  if (!established_) return;
  const Established established = std::exchange(established_, nullptr);
  established(std::move(error));
}

// ---- reading

void TlsTransport::data_received(std::string_view data) {
  if (state_ == State::failed || state_ == State::lost) return;
  if (pending_.empty() && !reading_paused_) {
    process(data);
    return;
  }
  pending_.append(data);
  if (!reading_paused_) read_on();
}

// Takes what it can of the data; the rest waits until reading goes on.
void TlsTransport::process(std::string_view data) {
  const std::shared_ptr<TlsTransport> alive = shared_from_this();
  engine_->lend_input(data);
  try {
    pump();
  } catch (...) {
    engine_->lend_input({});
    throw;
  }
  const std::string_view rest = engine_->input();
  if (!rest.empty()) pending_.assign(rest);
  engine_->lend_input({});
}

void TlsTransport::pump() {
  if (state_ == State::handshaking) advance_handshake();
  while (state_ == State::open && !reading_paused_ && engine_->can_read()) {
    if (!(buffered_ != nullptr ? read_buffered() : read_some())) break;
  }
  while (state_ == State::closing && engine_->can_read())
    if (!discard_some()) break;
}

// False: nothing more for now.
bool TlsTransport::read_some() {
  std::array<char, kRecordSize> data;
  std::size_t filled = 0;
  Status status = Status::done;
  while (filled < data.size()) {
    std::size_t got = 0;
    status = engine_->read(data.data() + filled, data.size() - filled, got);
    filled += got;
    if (status != Status::done || !engine_->can_read()) break;
  }
  std::exception_ptr error;
  if (status == Status::failed) error = engine_->error("read");
  send_output();
  if (filled != 0) deliver(std::string_view(data.data(), filled));
  return after_read(status == Status::closed_by_peer, std::move(error)) && status == Status::done;
}

bool TlsTransport::after_read(bool closed_by_peer, std::exception_ptr error) {
  if (error)
    fail(std::move(error));
  else if (closed_by_peer)
    peer_closed();
  else
    return true;
  return false;
}

bool TlsTransport::read_buffered() {
  const std::shared_ptr<Protocol> app = app_;
  BufferedProtocol& target = *buffered_;
  const std::span<char> room = target.get_buffer(0);
  if (room.empty()) throw RuntimeError("get_buffer() returned an empty buffer");
  std::size_t got = 0;
  const Status status = engine_->read(room.data(), room.size(), got);
  std::exception_ptr error;
  if (status == Status::failed) error = engine_->error("read");
  send_output();
  if (got != 0) target.buffer_updated(got);
  return after_read(status == Status::closed_by_peer, std::move(error)) && status == Status::done;
}

// We have closed: what the peer still sends interests nobody, but its close_notify does.
bool TlsTransport::discard_some() {
  std::array<char, kRecordSize> data;
  std::size_t got = 0;
  const Status status = engine_->read(data.data(), data.size(), got);
  if (status == Status::closed_by_peer) {
    peer_closed_ = true;
    timer_.cancel();
    below_->close();
    state_ = State::failed;
  } else if (status == Status::failed) {
    fail(engine_->error("SSL shutdown"));
  }
  return status == Status::done;
}

void TlsTransport::deliver(std::string_view data) {
  if (stream_ != nullptr) {
    stream_->feed_data(data);
  } else if (app_) {
    const std::shared_ptr<Protocol> app = app_;
    app->data_received(data);
  }
}

void TlsTransport::peer_closed() {
  peer_closed_ = true;
  if (state_ != State::open) return;
  if (stream_ != nullptr) {
    stream_->feed_eof();
  } else if (app_) {
    const std::shared_ptr<Protocol> app = app_;
    if (app->eof_received())
      logging::log(LogLevel::warning,
                   "returning true from eof_received() has no effect when using ssl");
  }
  start_shutdown();
}

bool TlsTransport::eof_received() {
  switch (state_) {
    case State::made:
    case State::handshaking:
      fail(make_os_error(
          ECONNRESET,
          ErrorText{"the peer closed the connection during the SSL handshake\n  peer: " +
                    engine_->peer()},
          "ssl", engine_->peer()));
      return true;
    case State::open:
      end_pending_ = true;
      if (!reading_paused_ && pending_.empty()) end_of_input();
      return true;
    default:
      return false;
  }
}

// The socket ended, and there was no close_notify before.
void TlsTransport::end_of_input() {
  end_pending_ = false;
  if (state_ != State::open) return;
  if (engine_->ignores_eof())
    peer_closed();
  else
    fail(engine_->eof_error());
}

void TlsTransport::pause_reading() {
  if (!is_reading()) return;
  reading_paused_ = true;
  below_->pause_reading();
}

void TlsTransport::resume_reading() {
  if (!reading_paused_) return;
  reading_paused_ = false;
  if (state_ != State::open) return;
  if (!pending_.empty() || engine_->can_read() || end_pending_)
    read_on();
  else
    below_->resume_reading();
}

// In the next pass: what has come already, then the socket again.
void TlsTransport::read_on() {
  if (std::exchange(read_queued_, true)) return;
  loop_.call_soon([self = shared_from_this()] {
    self->read_queued_ = false;
    if (self->state_ == State::failed || self->state_ == State::lost) return;
    if (self->reading_paused_ && self->state_ == State::open) return;
    const std::string data = std::exchange(self->pending_, std::string());
    try {
      self->process(data);
    } catch (...) {
      const std::exception_ptr error = std::current_exception();
      if (is_interrupt(error)) throw;
      self->loop_.call_exception_handler(
          {.message = "Fatal error: protocol.data_received() call failed.", .exception = error});
      self->fail(error);
      return;
    }
    if (self->reading_paused_ && self->state_ == State::open) return;
    if (self->end_pending_) self->end_of_input();
    if (!self->reading_paused_) self->below_->resume_reading();
  });
}

// ---- writing

void TlsTransport::send_output() {
  if (!engine_->has_output()) return;
  std::string output = engine_->take_output();
  below_->write(output);
  TlsEngine::recycle(std::move(output));
}

void TlsTransport::encrypt(std::string_view data) {
  if (state_ != State::open || data.empty()) return;
  if (engine_->write(data) == Status::done) return;
  fail(engine_->error("write"));
}

void TlsTransport::write(std::string_view data) {
  if (state_ == State::made || state_ == State::handshaking) {
    backlog_.append(data);
    return;
  }
  const std::shared_ptr<TlsTransport> alive = shared_from_this();
  while (!data.empty() && state_ == State::open) {
    const std::size_t part = std::min(data.size(), kWritePart);
    encrypt(data.substr(0, part));
    data.remove_prefix(part);
    send_output();
  }
}

// Small parts share a record.
void TlsTransport::writelines(std::span<const std::string_view> parts) {
  if (state_ == State::made || state_ == State::handshaking) {
    for (const std::string_view part : parts) backlog_.append(part);
    return;
  }
  const std::shared_ptr<TlsTransport> alive = shared_from_this();
  std::array<char, kRecordSize> record;
  std::size_t filled = 0;
  const auto flush = [&] { encrypt(std::string_view(record.data(), std::exchange(filled, 0))); };
  for (const std::string_view part : parts) {
    if (part.size() > record.size() - filled) flush();
    if (part.size() <= record.size()) {
      std::copy(part.begin(), part.end(), record.data() + filled);
      filled += part.size();
    } else {
      send_output();
      write(part);
    }
  }
  flush();
  send_output();
}

void TlsTransport::write_eof() {
  throw NotImplementedError(
      "SSL connections cannot be closed in one direction\n  instead: close()");
}

void TlsTransport::pause_writing() {
  if (stream_ != nullptr)
    stream_->pause_writing();
  else if (app_)
    std::shared_ptr<Protocol>(app_)->pause_writing();
}

void TlsTransport::resume_writing() {
  if (stream_ != nullptr)
    stream_->resume_writing();
  else if (app_)
    std::shared_ptr<Protocol>(app_)->resume_writing();
}

std::size_t TlsTransport::get_write_buffer_size() const { return below_->get_write_buffer_size(); }
std::pair<std::size_t, std::size_t> TlsTransport::get_write_buffer_limits() const {
  return below_->get_write_buffer_limits();
}
void TlsTransport::set_write_buffer_limits(WriteBufferLimits limits) {
  below_->set_write_buffer_limits(limits);
}

// ---- the end

bool TlsTransport::is_closing() const {
  return state_ == State::closing || state_ == State::failed || state_ == State::lost ||
         (below_ && below_->is_closing());
}

void TlsTransport::close() {
  if (state_ == State::open)
    start_shutdown();
  else if (state_ == State::made || state_ == State::handshaking)
    abort();
}

// Ours goes behind what was written; the connection ends when the peer's has come.
void TlsTransport::start_shutdown() {
  if (state_ != State::open) return;
  const std::shared_ptr<TlsTransport> alive = shared_from_this();
  state_ = State::closing;
  const Status status = engine_->shutdown();
  std::exception_ptr error;
  if (status == Status::failed && !peer_closed_) error = engine_->error("SSL shutdown");
  send_output();
  if (error) {
    fail(std::move(error));
  } else if (peer_closed_) {
    state_ = State::failed;
    below_->close();
  } else {
    arm(shutdown_timeout_, &TlsTransport::shutdown_expired);
    if (!pending_.empty() || reading_paused_) {
      reading_paused_ = false;
      read_on();
    }
  }
}

void TlsTransport::abort() {
  if (state_ == State::lost) return;
  const std::shared_ptr<TlsTransport> alive = shared_from_this();
  state_ = State::failed;
  timer_.cancel();
  if (below_) below_->abort();
  if (established_)
    tell_established(make_os_error(ECONNABORTED, ErrorText{"the connection was aborted"}, "ssl"));
}

void TlsTransport::fail(std::exception_ptr error) {
  if (state_ == State::failed || state_ == State::lost) return;
  const std::shared_ptr<TlsTransport> alive = shared_from_this();
  const bool nobody_hears = engine_->server_side() && state_ == State::handshaking;
  if (nobody_hears && !is_of_the_world(error))  // an SNI callback threw
    loop_.call_exception_handler({.message = "Exception in the SNI callback", .exception = error});
  if (nobody_hears && loop_.get_debug())
    logging::log(LogLevel::debug, "SSL handshake failed: " + describe(error));
  state_ = State::failed;
  timer_.cancel();
  error_ = error;
  below_->abort();
  tell_established(std::move(error));
}

void TlsTransport::connection_lost(std::exception_ptr error) {
  const std::shared_ptr<TlsTransport> alive = shared_from_this();
  if (error_) error = error_;
  // The peer said that it is done; that its socket is gone, too, is no news.
  if (peer_closed_ && is_disconnect(error)) error = nullptr;
  state_ = State::lost;
  timer_.cancel();
  pending_.clear();
  if (established_)
    tell_established(error ? error
                           : make_os_error(ECONNRESET,
                                           ErrorText{"the connection was lost during the SSL "
                                                     "handshake\n  peer: " +
                                                     engine_->peer()},
                                           "ssl", engine_->peer()));
  if (stream_ != nullptr) {
    StreamState* const stream = std::exchange(stream_, nullptr);
    stream->connection_lost(std::move(error));
    stream->drop_reference();
  }
  buffered_ = nullptr;
  const std::shared_ptr<Protocol> app = std::move(app_);
  if (app && (announced_ || !announce_)) app->connection_lost(std::move(error));
}

void TlsTransport::loop_closed() noexcept {
  const std::shared_ptr<TlsTransport> alive = shared_from_this();
  state_ = State::lost;
  established_ = nullptr;
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->drop_reference();
  buffered_ = nullptr;
  const std::shared_ptr<Protocol> app = std::move(app_);
  if (auto* const above = dynamic_cast<TransportLayer*>(app.get())) above->loop_closed();
}

Address TlsTransport::peername() const { return below_->peername(); }
Address TlsTransport::sockname() const { return below_->sockname(); }

std::string TlsTransport::repr() const {
  constexpr std::array<const char*, 6> kNames{"new",     "handshaking", "open",
                                              "closing", "closing",     "closed"};
  return std::string("<TlsTransport ") + kNames[static_cast<std::size_t>(state_)] + " over " +
         (below_ ? below_->repr() : "nothing") + ">";
}

}  // namespace asyncio::detail
