// streams.cpp: the handles, and what a read does with the buffer. Who fills the buffer is in
// internal/socket_transport.cpp.
#include "asyncio/net/streams.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "asyncio/base/errors.hpp"
#include "asyncio/core/instrument.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/net/internal/stream_state.hpp"

#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // of classes with bases: all compilers give it

namespace asyncio {
namespace detail {

// ---- for who looks from outside

namespace {

std::string peer_of(const StreamState& state) {
  const Transport* transport = state.transport();
  if (transport == nullptr) return "";
  return "fd " + std::to_string(transport->fileno()) + ", peer " + transport->peername().repr();
}

}  // namespace

template <>
struct Shape<StreamState> {
  static constexpr std::int32_t kFd = offsetof(StreamState, fd_);
};
template <>
struct Shape<ReadOperation> {
  static constexpr const char* kLabels[] = {// by ReadOperation::Kind
                                            "StreamReader.read",        "StreamReader.read",
                                            "StreamReader.readexactly", "StreamReader.readline",
                                            "StreamReader.readuntil",   "StreamReader.read_view"};
  static std::string detail(const Node& node) {
    return peer_of(*static_cast<const ReadOperation&>(node).state_);
  }
  static inline constinit WaitKind kind{.type = &typeid(ReadOperation),
                                        .labels = kLabels,
                                        .label_count = 6,
                                        .choice = offsetof(ReadOperation, kind_),
                                        .told = offsetof(ReadOperation, task_),
                                        .runs_told = true,
                                        .number_in = offsetof(ReadOperation, state_),
                                        .number_at = Shape<StreamState>::kFd,
                                        .number_name = "fd",
                                        .detail = &detail};
};
template <>
struct Shape<FlowWait> {
  static constexpr const char* kLabels[] = {"StreamWriter.drain", "StreamWriter.wait_closed"};
  static std::string detail(const Node& node) {
    return peer_of(*static_cast<const FlowWait&>(node).state_);
  }
  static inline constinit WaitKind kind{.type = &typeid(FlowWait),
                                        .labels = kLabels,
                                        .label_count = 2,
                                        .choice = offsetof(FlowWait, kind_),
                                        .told = offsetof(FlowWait, task_),
                                        .number_in = offsetof(FlowWait, state_),
                                        .number_at = Shape<StreamState>::kFd,
                                        .number_name = "fd",
                                        .detail = &detail};
};
namespace {
const ShownKind kShowRead(Shape<ReadOperation>::kind);
const ShownKind kShowFlow(Shape<FlowWait>::kind);
}  // namespace

// ---- the shared state

StreamState::StreamState(std::size_t limit) : limit_(limit) {
  if (limit == 0) throw ValueError("Limit cannot be <= 0");
}

void StreamState::set_transport(std::shared_ptr<Transport> transport) {
  transport_ = std::move(transport);
  fd_ = transport_ != nullptr ? transport_->fileno() : -1;
}

std::string StreamState::take_received() {
  reading_paused_ = false;
  return buffer_.take(buffer_.size());
}

void StreamState::feed_data(std::string_view data) {
  if (eof_) throw RuntimeError("feed_data after feed_eof");
  if (data.empty()) return;
  buffer_.append(data);
  data_arrived();
}

void StreamState::feed_room(std::size_t count) {
  buffer_.fill(count);
  if (count > 0) data_arrived();
}

void StreamState::data_arrived() {
  if (reader_ != nullptr) {
    if (!reader_->can_complete()) return;  // it wants more than the limit: read on
    reader_->notify();
  }
  if (transport_ && !reading_paused_ && buffer_.size() > 2 * limit_) {
    reading_paused_ = true;
    transport_->pause_reading();
  }
}

bool StreamState::reader_will_receive(FdWatcher& source) noexcept {
  return reader_ != nullptr && reader_->receive_later(source);
}

void StreamState::feed_eof() {
  eof_ = true;
  wake_reader();
}

void StreamState::set_exception(std::exception_ptr error) {
  exception_ = std::move(error);
  wake_reader();
}

void StreamState::wake_reader() noexcept {
  if (reader_ != nullptr) reader_->notify();
}

void StreamState::resume_writing() noexcept {
  writing_paused_ = false;
  Node* node = flow_waiters_.first();
  while (node != nullptr) {
    Node* const next = flow_waiters_.after(*node);
    if (static_cast<FlowWait*>(node)->is_over()) node->notify();
    node = next;
  }
}

void StreamState::connection_lost(std::exception_ptr error) {
  lost_ = true;
  lost_error_ = error;
  if (error)
    set_exception(std::move(error));
  else if (!eof_)
    feed_eof();
  while (Node* node = flow_waiters_.first()) node->notify();
}

void StreamState::maybe_resume_reading() {
  if (reading_paused_ && buffer_.size() <= limit_) resume_reading();
}

void StreamState::resume_reading() {
  if (!reading_paused_) return;
  reading_paused_ = false;
  if (transport_) transport_->resume_reading();
}

void StreamState::drop_handle() noexcept {
  if (--handles_ == 0 && transport_ && !transport_->is_closing()) transport_->close();
}

std::string StreamState::repr() const {
  std::string text;
  if (!buffer_.empty()) text += " " + std::to_string(buffer_.size()) + " bytes";
  if (eof_) text += " eof";
  if (limit_ != kDefaultStreamLimit) text += " limit=" + std::to_string(limit_);
  if (exception_) text += " exception=" + describe(exception_);
  if (transport_) text += " transport=" + transport_->repr();
  if (reading_paused_) text += " paused";
  return text;
}

StreamHandle::StreamHandle(StreamState& state) noexcept : state_(&state) {
  state.add_reference();
  state.add_handle();
}

void StreamHandle::drop() noexcept {
  state_->drop_handle();
  state_->drop_reference();
}

// ---- a read in progress

ReadOperation::ReadOperation(StreamState* state, Kind kind, std::size_t count) noexcept
    : state_(state), count_(count), kind_(kind) {
  state_->add_reference();
}

ReadOperation::ReadOperation(const ReadOperation& other) noexcept
    : Node(), state_(other.state_), count_(other.count_), kind_(other.kind_) {
  state_->add_reference();
}

ReadOperation::~ReadOperation() {
  if (state_->reader_ == this) state_->reader_ = nullptr;
  receive();  // cancelled before its turn: the bytes are for the next one
  state_->drop_reference();
}

const char* ReadOperation::name() const noexcept {
  switch (kind_) {
    case Kind::exactly:
      return "readexactly";
    case Kind::line:
    case Kind::until:
      return "readuntil";  // Python's readline() calls it
    case Kind::view:
      return "read_view";
    default:
      return "read";
  }
}

bool ReadOperation::can_complete() {
  if (state_->eof_ || state_->exception_) {
    search_is_over();
    return true;
  }
  const std::size_t available = state_->buffer_.size();
  switch (kind_) {
    case Kind::some:
      return available > 0 || count_ == 0;
    case Kind::all:
      return false;
    case Kind::line:
    case Kind::until:
      return search_is_over();
    case Kind::exactly:
    case Kind::view:
      break;
  }
  return available >= count_;
}

bool ReadOperation::await_ready() {
  if (state_->reader_ != nullptr) [[unlikely]]
    throw RuntimeError(std::string(name()) +
                       "() called while another coroutine is already "
                       "waiting for incoming data");
  return can_complete() && current_scheduler().take_budget();
}

void ReadOperation::suspend(CoroPromiseBase& promise) {
  task_ = current_scheduler().current_task;
  state_->reader_ = this;
  if (can_complete()) {  // the budget is used up: the others first
    task_->yield(promise);
    return;
  }
  waiting_ = true;
  task_->suspend_on(promise, *this);
  state_->resume_reading();
}

void ReadOperation::notify() noexcept {
  if (!waiting_) return;  // its turn will come, or it receives just now
  waiting_ = false;
  task_->wake();
}

// There is something to receive. True where any of it is enough, so that our turn begins with it.
bool ReadOperation::receive_later(FdWatcher& source) noexcept {
  if (source_ != nullptr) return true;
  const bool any_will_do =
      kind_ == Kind::some || (kind_ == Kind::view && count_ <= state_->buffer_.size() + 1);
  if (!waiting_ || !any_will_do) return false;
  waiting_ = false;
  source_ = &source;
  task_->scheduler()->push_ready(*this);
  return true;
}

void ReadOperation::receive() noexcept {
  if (source_ != nullptr) std::exchange(source_, nullptr)->on_ready(true, false);
}

void ReadOperation::run() {
  if (!task_->cancel_is_due()) {
    receive();
    if (!can_complete()) {  // there was nothing, after all
      waiting_ = true;
      return;
    }
  }
  task_->run();
}

bool ReadOperation::cancel_wait(const std::string& message) {
  if (!waiting_) return false;  // its turn is queued, and sees the cancellation
  waiting_ = false;
  state_->reader_ = nullptr;
  task_->wake_cancelled(message);
  return true;
}

void ReadOperation::resume() {
  if (task_ == nullptr) return;
  if (state_->reader_ == this) state_->reader_ = nullptr;
  task_->check_cancelled();
}

std::string ReadOperation::take_string() {
  StreamState& state = *state_;
  if (kind_ == Kind::exactly) return take_exactly();
  const std::size_t available = state.buffer_.size();
  const bool all = kind_ == Kind::all;
  if (state.exception_ && (available == 0 || (all && !state.eof_)))
    std::rethrow_exception(state.exception_);
  std::string data = state.buffer_.take(all ? available : std::min(available, count_));
  state.maybe_resume_reading();
  return data;
}

std::string ReadOperation::take_exactly() {
  StreamState& state = *state_;
  if (state.buffer_.size() < count_ || count_ == 0) {
    if (state.exception_) std::rethrow_exception(state.exception_);
    if (count_ != 0) throw IncompleteReadError(state.buffer_.take(state.buffer_.size()), count_);
  }
  std::string data = state.buffer_.take(count_);
  state.maybe_resume_reading();
  return data;
}

std::string_view ReadOperation::take_view() {
  StreamState& state = *state_;
  if (state.exception_ && state.buffer_.size() < count_) std::rethrow_exception(state.exception_);
  return state.buffer_.view();
}

// ---- a read that searches

SearchingRead::Match SearchingRead::search(std::string_view data) {
  const std::size_t place = data.find('\n', scanned_);
  if (place == std::string_view::npos) return {};
  return {place, place + 1};
}

bool SearchingRead::search_is_over() {
  if (match_.end != 0) return true;
  const std::string_view data = state().buffer().view();
  if (data.size() > scanned_) match_ = search(data);
  if (match_.end != 0) return true;
  const std::size_t longest = longest_separator();
  if (data.size() + 1 > longest) scanned_ = std::max(scanned_, data.size() + 1 - longest);
  return scanned_ > state().limit();
}

void SearchingRead::overrun(const char* message, std::size_t consumed) {
  if (kind() == Kind::until) throw LimitOverrunError(message, consumed);
  ReadBuffer& buffer = state().buffer();
  buffer.consume(match_.end != 0 ? match_.end : buffer.size());
  state().maybe_resume_reading();
  throw ValueError(message);
}

std::string SearchingRead::take_until() {
  ReadBuffer& buffer = state().buffer();
  if (match_.end != 0) {
    if (match_.begin > state().limit())
      overrun("Separator is found, but chunk is longer than limit", match_.begin);
    std::string data = buffer.take(match_.end);
    state().maybe_resume_reading();
    return data;
  }
  if (scanned_ > state().limit())
    overrun("Separator is not found, and chunk exceed the limit", scanned_);
  if (state().exception()) std::rethrow_exception(state().exception());
  std::string rest = buffer.take(buffer.size());
  if (kind() == Kind::line) return rest;
  throw IncompleteReadError(std::move(rest), std::nullopt);
}

UntilRead::UntilRead(StreamState* state, std::string separator)
    : SearchingRead(state, Kind::until, 0), separator_(std::move(separator)) {
  if (separator_.empty()) throw ValueError("Separator should be at least one-byte string");
}

UntilRead::UntilRead(StreamState* state, std::vector<std::string> separators)
    : SearchingRead(state, Kind::until, 0), several_(std::move(separators)) {
  if (several_.empty()) throw ValueError("Separator should contain at least one element");
  std::sort(several_.begin(), several_.end(),
            [](const auto& a, const auto& b) { return a.size() < b.size(); });
  if (several_.front().empty()) throw ValueError("Separator should be at least one-byte string");
}

SearchingRead::Match UntilRead::search(std::string_view data) {
  Match best;
  const auto look = [&](const std::string& separator) {
    const std::size_t place = data.find(separator, scanned());
    if (place == std::string_view::npos) return;
    const std::size_t end = place + separator.size();
    if (best.end == 0 || end < best.end) best = {place, end};
  };
  if (several_.empty()) look(separator_);
  for (const std::string& separator : several_) look(separator);
  return best;
}

std::size_t UntilRead::longest_separator() const noexcept {
  return several_.empty() ? separator_.size() : several_.back().size();
}

// ---- drain() and wait_closed()

FlowWait::FlowWait(StreamState* state, Kind kind) noexcept : state_(state), kind_(kind) {
  state_->add_reference();
}

FlowWait::FlowWait(const FlowWait& other) noexcept
    : Node(), state_(other.state_), kind_(other.kind_) {
  state_->add_reference();
}

FlowWait::~FlowWait() { state_->drop_reference(); }

bool FlowWait::is_over() const noexcept {
  if (state_->is_lost()) return true;
  return kind_ == Kind::drain && !state_->writing_is_paused();
}

bool FlowWait::await_ready() {
  if (state_->is_lost()) return true;
  if (kind_ == Kind::closed) return false;
  if (state_->exception()) return true;
  if (state_->writing_is_paused() || state_->transport()->is_closing()) return false;
  return current_scheduler().take_budget();
}

void FlowWait::suspend(CoroPromiseBase& promise) {
  task_ = current_scheduler().current_task;
  if (is_over()) {  // one pass, in which a closing connection can be lost
    task_->yield(promise);
    return;
  }
  waited_ = true;
  state_->flow_waiters().push_back(*this);
  task_->suspend_on(promise, *this);
}

void FlowWait::notify() noexcept {
  NodeList::remove(*this);
  task_->wake();
}

bool FlowWait::cancel_wait(const std::string& message) {
  if (!is_linked()) return false;
  NodeList::remove(*this);
  task_->wake_cancelled(message);
  return true;
}

void FlowWait::await_resume() {
  if (task_ != nullptr) task_->check_cancelled();
  if (kind_ == Kind::closed) {
    if (state_->lost_error()) std::rethrow_exception(state_->lost_error());
    return;
  }
  if (state_->exception()) std::rethrow_exception(state_->exception());
  if (state_->is_lost() && !waited_)
    std::rethrow_exception(make_os_error(ECONNRESET, ErrorText{"Connection lost"}, "send"));
}

}  // namespace detail

// ---- StreamReader

using detail::ReadOperation;

StreamReader::StreamReader(std::size_t limit) {
  auto* state = new detail::StreamState(limit);
  handle_ = detail::StreamHandle(*state);
  state->drop_reference();  // the handle's is left
}

detail::StringRead StreamReader::read(std::ptrdiff_t n) {
  if (n < 0) return detail::StringRead(&state(), ReadOperation::Kind::all, 0);
  return detail::StringRead(&state(), ReadOperation::Kind::some, static_cast<std::size_t>(n));
}

detail::StringRead StreamReader::readexactly(std::size_t n) {
  return detail::StringRead(&state(), ReadOperation::Kind::exactly, n);
}

detail::LineRead StreamReader::readline() {
  return detail::LineRead(&state(), ReadOperation::Kind::line, 0);
}

detail::NextLine StreamReader::next() {
  return detail::NextLine(&state(), ReadOperation::Kind::line, 0);
}

detail::UntilRead StreamReader::readuntil(std::string_view separator) {
  return detail::UntilRead(&state(), std::string(separator));
}

detail::UntilRead StreamReader::readuntil(std::span<const std::string_view> separators) {
  return detail::UntilRead(&state(),
                           std::vector<std::string>(separators.begin(), separators.end()));
}

detail::ViewRead StreamReader::read_view() { return read_view(1); }

detail::ViewRead StreamReader::read_view(std::size_t n) {
  return detail::ViewRead(&state(), ReadOperation::Kind::view, std::max<std::size_t>(n, 1));
}

std::string_view StreamReader::buffered() const { return state().buffer().view(); }

void StreamReader::consume(std::size_t n) {
  if (n > state().buffer().size()) throw ValueError("consume() of more bytes than are buffered");
  state().buffer().consume(n);
  state().maybe_resume_reading();
}

bool StreamReader::at_eof() const { return state().is_eof() && state().buffer().empty(); }
std::exception_ptr StreamReader::exception() const { return state().exception(); }
void StreamReader::feed_data(std::string_view data) { state().feed_data(data); }
void StreamReader::feed_eof() { state().feed_eof(); }
void StreamReader::set_exception(std::exception_ptr error) {
  state().set_exception(std::move(error));
}
std::string StreamReader::repr() const { return "<StreamReader" + state().repr() + ">"; }

// ---- StreamWriter

Transport& StreamWriter::transport() const { return *state().transport(); }
void StreamWriter::write(std::string_view data) { transport().write(data); }
void StreamWriter::writelines(std::span<const std::string_view> parts) {
  transport().writelines(parts);
}
void StreamWriter::writelines(std::vector<std::string>&& parts) {
  transport().writelines(std::move(parts));
}
void StreamWriter::writelines(std::span<const std::string> parts) {
  std::vector<std::string_view> views(parts.begin(), parts.end());
  transport().writelines(std::span<const std::string_view>(views));
}
detail::FlowWait StreamWriter::drain() {
  return detail::FlowWait(&state(), detail::FlowWait::Kind::drain);
}
void StreamWriter::write_eof() { transport().write_eof(); }
bool StreamWriter::can_write_eof() const { return transport().can_write_eof(); }
void StreamWriter::close() { transport().close(); }
void StreamWriter::abort() { transport().abort(); }
bool StreamWriter::is_closing() const { return transport().is_closing(); }
detail::FlowWait StreamWriter::wait_closed() {
  return detail::FlowWait(&state(), detail::FlowWait::Kind::closed);
}
Address StreamWriter::peername() const { return transport().peername(); }
Address StreamWriter::sockname() const { return transport().sockname(); }
int StreamWriter::fileno() const { return transport().fileno(); }
SslObject StreamWriter::ssl_object() const { return transport().ssl_object(); }
std::string StreamWriter::repr() const { return "<StreamWriter" + state().repr() + ">"; }

}  // namespace asyncio
