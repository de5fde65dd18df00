#include "asyncio/net/internal/socket_transport.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "asyncio/base/errors.hpp"
#include "asyncio/base/pool_allocator.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/core/services.hpp"
#include "asyncio/io/would_block.hpp"
#include "asyncio/net/internal/server_state.hpp"
#include "asyncio/net/internal/tls_transport.hpp"

namespace asyncio::detail {
namespace {

// Reads in a row from one socket before the others get their turn.
constexpr int kReadsInARow = 4;
constexpr std::size_t kLargeMessage = std::size_t{8} * 1024;

constexpr const char* kReadFailed = "Fatal read error on socket transport";

}  // namespace

std::shared_ptr<SocketTransport> SocketTransport::make(Scheduler& scheduler, FileDescriptor fd,
                                                       Address peer) {
  return std::allocate_shared<SocketTransport>(PoolAllocator<SocketTransport>(), scheduler,
                                               std::move(fd), std::move(peer));
}

SocketTransport::SocketTransport(Scheduler& scheduler, FileDescriptor fd, Address peer)
    : scheduler_(scheduler), peer_(std::move(peer)), fd_(fd.release()) {
  scheduler_.add_reference();
}

SocketTransport::~SocketTransport() {
  if (server_) server_->detach(*this);  // there was no memory for its stream
  release_fd();
  if (stream_ != nullptr) stream_->drop_reference();
  if (Node::is_linked()) Node::unlink();
  scheduler_.drop_reference();
}

SocketTransport::Extras& SocketTransport::extras() const {
  if (!extras_) extras_ = std::make_unique<Extras>();
  return *extras_;
}

void SocketTransport::start_stream(StreamState& stream) {
  if (!server_) set_no_delay(backend(), fd_);  // accepted sockets have it from the listener
  stream_ = &stream;
  stream_->add_reference();
  stream_->set_transport(shared_from_this());
  connected_ = true;
  self_ = shared_from_this();
  show_open();
  begin_reading();
}

void SocketTransport::start_protocol(std::shared_ptr<Protocol> protocol) {
  if (!server_) set_no_delay(backend(), fd_);
  set_protocol(std::move(protocol));
  self_ = shared_from_this();
  extras().context = current_context();
  show_open();
  queue(kMade);
}

// In debug mode the loop names it where it was not closed before the loop.
void SocketTransport::show_open() {
  if (!scheduler_.debug) return;
  extras().resource = std::make_unique<OpenResource>(
      scheduler_, [this] { return closing_ ? std::string() : "transport " + repr(); });
}

void SocketTransport::set_server(ServerState& server) {
  server_ = ServerUse(server);
  server_->attach(*this);
}

void SocketTransport::set_protocol(std::shared_ptr<Protocol> protocol) {
  extras().protocol = std::move(protocol);
  extras_->buffered = dynamic_cast<BufferedProtocol*>(extras_->protocol.get());
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->drop_reference();
}

void SocketTransport::begin_reading() {
  if (closing_) return;
  try {
    if (watches_writable_)  // connection_made() has written more than the socket takes
      backend().watch_writable(fd_, *this);
    else
      backend().watch(fd_, *this);
  } catch (...) {
    fatal_error(std::current_exception(), kReadFailed);
  }
}

// ---- its turn

void SocketTransport::queue(Work work) noexcept {
  work_ |= work;
  if (!Node::is_linked()) scheduler_.push_ready(*this);
}

void SocketTransport::run() {
  const std::shared_ptr<SocketTransport> alive = shared_from_this();
  ContextSlot none;
  ContextScope scope(extras_ ? &extras_->context : &none);
  const std::uint8_t work = std::exchange(work_, std::uint8_t{0});
  if ((work & kMade) != 0) connection_made();
  if ((work & kRead) != 0) read_some();
  if ((work & kFlush) != 0) flush();
  if ((work & kLost) != 0) call_connection_lost();
}

template <class Call>
bool SocketTransport::guarded(const char* message, Call call) {
  try {
    call();
    return true;
  } catch (const KeyboardInterrupt&) {
    throw;
  } catch (const SystemExit&) {
    throw;
  } catch (...) {
    fatal_error(std::current_exception(), message);
    return false;
  }
}

void SocketTransport::connection_made() {
  connected_ = true;
  const std::shared_ptr<Protocol> protocol = extras_->protocol;
  if (guarded("Fatal error: protocol.connection_made() call failed.",
              [&] { protocol->connection_made(*this); }))
    begin_reading();
}

void SocketTransport::on_ready(bool readable, bool writable) noexcept {
  const std::shared_ptr<SocketTransport> alive = self_;
  if (readable && !read_ended_) {
    if (reading_paused_)
      read_pending_ = true;
    else if (stream_ == nullptr)
      queue(kRead);
    else if (!expects_large_message() || !stream_->reader_will_receive(*this))
      read_some();
  }
  if (!writable || losing_) return;
  if (sending_file_ || has_output_waiter()) wake_output_waiter();
  if (output_.empty()) return;
  if (stream_ == nullptr)
    queue(kFlush);
  else
    flush();
}

void SocketTransport::on_backend_closed() noexcept {
  const std::shared_ptr<SocketTransport> alive = shared_from_this();
  self_.reset();
  // Not through the backend, of which a part may be gone.
  if (std::exchange(gathering_, false))
    output_.for_each_piece(1, [this](std::string_view piece) {
      [[maybe_unused]] const ssize_t sent =
          ::send(fd_, piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    });
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  closing_ = losing_ = true;
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->drop_reference();
  if (has_protocol()) {
    if (auto* const layer = dynamic_cast<TransportLayer*>(extras_->protocol.get()))
      layer->loop_closed();
    extras_->protocol.reset();
  }
  if (server_) std::exchange(server_, {})->detach(*this);
}

// ---- reading

void SocketTransport::pause_reading() {
  if (is_reading()) reading_paused_ = true;
}

void SocketTransport::resume_reading() {
  if (closing_ || !reading_paused_) return;
  reading_paused_ = false;
  if (std::exchange(read_pending_, false)) queue(kRead);
}

void SocketTransport::read_some() {
  for (int i = 0; i < kReadsInARow; ++i) {
    if (closing_ || read_ended_) return;
    if (reading_paused_) {
      read_pending_ = true;
      return;
    }
    try {
      if (!(extras_ && extras_->buffered != nullptr ? read_buffered() : read_once())) return;
    } catch (const KeyboardInterrupt&) {
      throw;
    } catch (const SystemExit&) {
      throw;
    } catch (...) {  // no memory for what has come
      fatal_error(std::current_exception(), kReadFailed);
      return;
    }
  }
  queue(kRead);  // there may be more; the others first
}

bool SocketTransport::expects_large_message() const noexcept {
  return last_received_ >= kLargeMessage && !backend().receives_ahead();
}

// What a large message takes is received where it is to stay; copying it would cost as much as the
// rest. Twice what came last, so that a short read shows that nothing more is there.
bool SocketTransport::read_in_place() {
  const std::size_t size = std::clamp<std::size_t>(std::size_t{2} * last_received_, kLargeMessage,
                                                   IoBackend::kReceiveSize);
  const StatePtr<StreamState> stream = StatePtr<StreamState>::share(stream_);
  char* const room = stream->room(size);
  const std::int64_t got = backend().receive_into(fd_, room, size);
  stream->feed_room(static_cast<std::size_t>(std::max<std::int64_t>(got, 0)));
  if (got <= 0) {
    fail_or_end(got);
    return false;
  }
  last_received_ = static_cast<std::uint32_t>(got);
  return static_cast<std::size_t>(got) == size || hung_up_;
}

bool SocketTransport::read_once() {
  if (stream_ != nullptr && expects_large_message()) return read_in_place();
  const Received received = backend().receive(fd_);
  if (received.size > 0) {
    const auto size = static_cast<std::size_t>(received.size);
    last_received_ = static_cast<std::uint32_t>(size);
    deliver(std::string_view(received.data, size));
    // A short read means that nothing more is there, unless the end is near.
    return received.more || size == IoBackend::kReceiveSize || hung_up_;
  }
  fail_or_end(received.size);
  return false;
}

// What a receive gave that gave no bytes.
void SocketTransport::fail_or_end(std::int64_t result) {
  if (would_block(result)) return;
  if (result == 0)
    read_eof();
  else
    fatal_error(make_os_error(static_cast<int>(-result), "recv"), kReadFailed);
}

void SocketTransport::deliver(std::string_view data) {
  if (stream_ != nullptr) {
    stream_->feed_data(data);
    return;
  }
  const std::shared_ptr<Protocol> protocol = extras_->protocol;
  guarded("Fatal error: protocol.data_received() call failed.",
          [&] { protocol->data_received(data); });
}

bool SocketTransport::read_buffered() {
  const std::shared_ptr<Protocol> protocol = extras_->protocol;
  BufferedProtocol& target = *extras_->buffered;
  std::span<char> room;
  if (!guarded("Fatal error: protocol.get_buffer() call failed.", [&] {
        room = target.get_buffer(0);
        if (room.empty()) throw RuntimeError("get_buffer() returned an empty buffer");
      }))
    return false;
  const std::int64_t got = backend().receive_into(fd_, room.data(), room.size());
  if (got <= 0) {
    fail_or_end(got);
    return false;
  }
  const auto size = static_cast<std::size_t>(got);
  return guarded("Fatal error: protocol.buffer_updated() call failed.",
                 [&] { target.buffer_updated(size); }) &&
         (size == room.size() || hung_up_);
}

void SocketTransport::read_eof() {
  read_ended_ = true;
  if (stream_ != nullptr) {
    stream_->feed_eof();  // it stays open for writing
    return;
  }
  const std::shared_ptr<Protocol> protocol = extras_->protocol;
  bool keep_open = true;
  guarded("Fatal error: protocol.eof_received() call failed.",
          [&] { keep_open = protocol->eof_received(); });
  if (!keep_open) close();
}

// ---- flow

void SocketTransport::pause_protocol() {
  if (output_.size() <= water().high || protocol_paused_) return;
  protocol_paused_ = true;
  if (stream_ != nullptr) {
    stream_->pause_writing();
  } else if (has_protocol()) {
    const std::shared_ptr<Protocol> protocol = extras_->protocol;
    guarded("protocol.pause_writing() failed", [&] { protocol->pause_writing(); });
  }
}

void SocketTransport::resume_protocol() {
  if (!protocol_paused_ || output_.size() > water().low) return;
  protocol_paused_ = false;
  if (stream_ != nullptr) {
    stream_->resume_writing();
  } else if (has_protocol()) {
    const std::shared_ptr<Protocol> protocol = extras_->protocol;
    guarded("protocol.resume_writing() failed", [&] { protocol->resume_writing(); });
  }
}

// ---- the end

void SocketTransport::close() {
  if (closing_) return;
  send_gathered();
  closing_ = true;
  if (losing_ || !output_.empty()) return;  // flush() goes on
  losing_ = true;
  queue(kLost);
}

void SocketTransport::close_politely() {
  auto* const layer =
      has_protocol() ? dynamic_cast<TransportLayer*>(extras_->protocol.get()) : nullptr;
  if (layer != nullptr)
    layer->close();
  else
    close();
}

// What could have been sent at once is sent.
void SocketTransport::abort() {
  send_gathered();
  force_close(nullptr);
}

void SocketTransport::force_close(std::exception_ptr error) {
  if (losing_) return;
  output_.clear();
  gathering_ = false;
  closing_ = losing_ = true;
  error_ = std::move(error);
  queue(kLost);
}

void SocketTransport::fatal_error(std::exception_ptr error, const char* message) {
  try {
    std::rethrow_exception(error);
  } catch (const OSError&) {       // the world; whoever reads or writes hears of it
  } catch (const TimeoutError&) {  // ETIMEDOUT, by Python's name
  } catch (...) {
    scheduler_.report({.message = message, .exception = error});
  }
  force_close(std::move(error));
}

void SocketTransport::call_connection_lost() {
  const std::shared_ptr<SocketTransport> alive = std::move(self_);
  if (has_output_waiter()) {
    if (!extras_->output_waiter->done())
      extras_->output_waiter->set_exception(
          make_os_error(ECONNRESET, ErrorText{"Connection is closed by peer"}, "sendfile"));
    extras_->output_waiter.reset();
  }
  // Only we and a stream without readers and writers: nobody can ask any more.
  const bool is_forgotten = stream_ != nullptr && !stream_->has_handles() && alive.use_count() == 2;
  if (!is_forgotten) remember_sockname();
  if (stream_ != nullptr) {
    StreamState* const stream = std::exchange(stream_, nullptr);
    stream->connection_lost(error_);
    stream->drop_reference();
  } else if (connected_ && has_protocol()) {
    try {
      extras_->protocol->connection_lost(error_);
    } catch (const KeyboardInterrupt&) {
      release_fd();
      throw;
    } catch (const SystemExit&) {
      release_fd();
      throw;
    } catch (...) {
      scheduler_.report({.message = "Exception in callback connection_lost()",
                         .exception = std::current_exception()});
    }
  }
  release_fd();
  if (extras_) {
    extras_->protocol.reset();
    extras_->buffered = nullptr;
  }
  if (server_) std::exchange(server_, {})->detach(*this);
}

// Nobody can tell afterwards.
void SocketTransport::remember_sockname() noexcept {
  try {
    static_cast<void>(sockname());
  } catch (const std::bad_alloc&) {  // then it is not known: the connection must end all the same
  }
}

void SocketTransport::release_fd() noexcept {
  if (fd_ < 0) return;
  const int fd = std::exchange(fd_, -1);
  if (scheduler_.backend != nullptr)
    backend().close(fd);
  else
    ::close(fd);
}

Address SocketTransport::sockname() const {
  if (extras_ && extras_->name) return *extras_->name;
  if (fd_ < 0) return {};
  Address name = socket_name(backend(), fd_);
  extras().name = std::make_unique<Address>(name);
  return name;
}

std::string SocketTransport::repr() const {
  std::string text = "<SocketTransport";
  if (fd_ < 0)
    text += " closed";
  else if (closing_)
    text += " closing";
  text += " fd=" + std::to_string(fd_);
  text += reading_paused_ || closing_ ? " read=idle" : " read=polling";
  const std::size_t waiting = get_write_buffer_size();
  text += waiting == 0 ? " write=<idle" : " write=<polling";
  return text + ", bufsize=" + std::to_string(waiting) + ">>";
}

}  // namespace asyncio::detail
