// stream_state.hpp: what a StreamReader and a StreamWriter share: the received bytes, the task
// that waits for them, the tasks that wait to write on. Knows transports by their interface only.
#pragma once
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "asyncio/core/tasks.hpp"
#include "asyncio/net/internal/read_buffer.hpp"
#include "asyncio/net/transports.hpp"

namespace asyncio::detail {

class FdWatcher;
class ReadOperation;

// Lifetime: counted; a reader handle, a writer handle, each operation and the transport hold it.
class StreamState : public Pooled {
 public:
  explicit StreamState(std::size_t limit);  // throws ValueError for 0
  StreamState(const StreamState&) = delete;
  StreamState& operator=(const StreamState&) = delete;

  // ---- from the transport
  void set_transport(std::shared_ptr<Transport> transport);
  void set_accepted() noexcept { accepted_ = true; }
  bool is_accepted() const noexcept { return accepted_; }  // start_tls: the server's side
  // For a new transport: what came through the old one and was not read.
  std::string take_received();
  void feed_data(std::string_view data);
  // The same without a copy: received into room(), and then told.
  char* room(std::size_t size) { return buffer_.room(size); }
  void feed_room(std::size_t count);
  // True where the task that waits calls source.on_ready(true, false) in its own turn, instead of
  // being woken.
  bool reader_will_receive(FdWatcher& source) noexcept;
  void feed_eof();
  void set_exception(std::exception_ptr error);
  void pause_writing() noexcept { writing_paused_ = true; }
  void resume_writing() noexcept;
  void connection_lost(std::exception_ptr error);

  // ---- for the handles
  std::size_t limit() const noexcept { return limit_; }
  bool is_eof() const noexcept { return eof_; }
  ReadBuffer& buffer() noexcept { return buffer_; }
  const std::exception_ptr& exception() const noexcept { return exception_; }
  Transport* transport() const noexcept { return transport_.get(); }
  const std::shared_ptr<Transport>& shared_transport() const noexcept { return transport_; }
  bool is_lost() const noexcept { return lost_; }
  bool writing_is_paused() const noexcept { return writing_paused_; }
  const std::exception_ptr& lost_error() const noexcept { return lost_error_; }
  // After bytes were taken: the transport may read on.
  void maybe_resume_reading();
  // A reader is about to wait; reading must not stay paused, or nothing would ever come.
  void resume_reading();
  NodeList& flow_waiters() noexcept { return flow_waiters_; }
  void add_handle() noexcept { ++handles_; }
  void drop_handle() noexcept;  // the last one closes the connection
  std::string repr() const;

  bool has_handles() const noexcept { return handles_ != 0; }
  void add_reference() noexcept { ++references_; }
  void drop_reference() noexcept {
    if (--references_ == 0) delete this;
  }

 private:
  friend class ReadOperation;
  template <class>
  friend struct Shape;
  ~StreamState() = default;
  void wake_reader() noexcept;
  void data_arrived();

  ReadBuffer buffer_;
  std::size_t limit_;
  ReadOperation* reader_ = nullptr;  // the one that waits
  std::exception_ptr exception_;     // thrown once the buffer cannot satisfy a read
  std::exception_ptr lost_error_;
  std::shared_ptr<Transport> transport_;
  NodeList flow_waiters_;  // in drain() and wait_closed()
  std::uint32_t references_ = 1;
  std::uint32_t handles_ = 0;
  int fd_ = -1;  // of the transport, for who looks from outside
  // Bits: with bytes, an idle connection would need more memory.
  bool eof_ : 1 = false;
  bool reading_paused_ : 1 = false;
  bool writing_paused_ : 1 = false;
  bool lost_ : 1 = false;
  bool accepted_ : 1 = false;  // by a server
};

}  // namespace asyncio::detail
