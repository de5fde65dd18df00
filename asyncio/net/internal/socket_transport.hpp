// socket_transport.hpp: the transport of a connected stream socket, TCP or Unix.
//
//   made --start()--> open --close()---------> flushing --sent--> losing --run()--> closed
//                      |    (nothing to send)                       ^
//                      +----close(), abort(), fatal_error()---------+
//
// Small writes of one pass are one send: the first goes out at once, what follows in the same pass
// is gathered and sent before the loop looks at the kernel again; where that was so the last time,
// the first is gathered, too. So an answer in one piece is not delayed, and one in many is cheap.
//
// A stream's bytes go from the backend into its buffer inside wait(): no code of the user runs
// there. A user's protocol is called from the ready queue.
#pragma once
#include <cstdint>
#include <exception>
#include <memory>
#include <string>

#include "asyncio/base/frame_pool.hpp"
#include "asyncio/core/context.hpp"
#include "asyncio/core/futures.hpp"
#include "asyncio/core/scheduler.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/net/internal/server_state.hpp"
#include "asyncio/net/internal/sockets.hpp"
#include "asyncio/net/internal/stream_state.hpp"
#include "asyncio/net/internal/write_buffer.hpp"
#include "asyncio/net/transports.hpp"

namespace asyncio::detail {

class OpenResource;
struct ClientLink : Link {};

class SocketTransport final : public Transport,
                              public FdWatcher,
                              public Node,
                              public ClientLink,
                              public std::enable_shared_from_this<SocketTransport> {
 public:
  // Takes the fd over. One of the two begins its work.
  static std::shared_ptr<SocketTransport> make(Scheduler& scheduler, FileDescriptor fd,
                                               Address peer);
  SocketTransport(Scheduler& scheduler, FileDescriptor fd, Address peer);  // for make()
  ~SocketTransport() override;
  void start_stream(StreamState& stream);
  // connection_made() comes in the next pass; made() once it returned.
  void start_protocol(std::shared_ptr<Protocol> protocol);
  // Before either: the server to tell when it is gone.
  void set_server(ServerState& server);
  void close_politely();  // through the layer above, where there is one: TLS says goodbye

  void write(std::string_view data) override;
  using Transport::writelines;
  void writelines(std::span<const std::string_view> parts) override;
  void writelines(std::vector<std::string>&& parts) override;
  void write_eof() override;
  bool can_write_eof() const override { return true; }
  void pause_reading() override;
  void resume_reading() override;
  bool is_reading() const override { return !closing_ && !reading_paused_; }
  void close() override;
  void abort() override;
  bool is_closing() const override { return closing_; }
  void set_protocol(std::shared_ptr<Protocol> protocol) override;
  std::shared_ptr<Protocol> get_protocol() const override {
    return extras_ ? extras_->protocol : nullptr;
  }
  std::shared_ptr<Transport> share() override { return shared_from_this(); }
  Address peername() const override { return peer_; }
  Address sockname() const override;
  int fileno() const override { return fd_; }
  std::size_t get_write_buffer_size() const override { return gathering_ ? 0 : output_.size(); }
  std::pair<std::size_t, std::size_t> get_write_buffer_limits() const override;
  void set_write_buffer_limits(WriteBufferLimits limits) override;
  std::string repr() const override;

  // ---- for sendfile: the transport's buffer must be empty while a file is sent.
  void begin_sendfile();  // throws RuntimeError where one is in progress
  void end_sendfile() noexcept;
  // Done once everything written is with the kernel, or at the next edge of writability.
  // Throws where the connection is lost.
  Future<> wait_writable();
  bool has_output() const noexcept { return !output_.empty(); }
  // Bytes sent; -EAGAIN and the like as they are.
  std::int64_t send_file_part(int file, std::int64_t offset, std::size_t size);
  std::int64_t send_part(const char* data, std::size_t size);

  // ---- Node: its turn in the ready queue
  void run() override;
  void notify() noexcept override {}
  bool cancel_wait(const std::string&) override { return false; }

  // ---- FdWatcher
  void on_ready(bool readable, bool writable) noexcept override;
  void on_hangup() noexcept override { hung_up_ = true; }
  bool before_wait() noexcept override;
  void on_backend_closed() noexcept override;

 private:
  void show_open();
  enum Work : std::uint8_t { kMade = 1, kRead = 2, kFlush = 4, kLost = 8 };

  void queue(Work work) noexcept;
  void connection_made();
  void begin_reading();
  void read_some();
  bool read_once();  // false: nothing more for now
  bool expects_large_message() const noexcept;
  bool read_in_place();
  void fail_or_end(std::int64_t result);
  bool read_buffered();
  void deliver(std::string_view data);
  void read_eof();
  void flush();
  void write_parts(std::span<const std::string_view> parts, std::size_t total);
  template <class Part>
  std::int64_t send_parts(std::span<const Part> parts);
  std::int64_t send_output();
  bool expects_gathering() noexcept;
  bool gather(std::size_t size) noexcept;
  void send_gathered();
  void after_output();
  void shut_down_writing();
  void keep(std::string_view rest);
  void check_writable(const char* what) const;
  void pause_protocol();
  void resume_protocol();
  void fatal_error(std::exception_ptr error, const char* message);
  void force_close(std::exception_ptr error);
  void call_connection_lost();
  void release_fd() noexcept;
  void remember_sockname() noexcept;
  void wake_output_waiter() noexcept;
  // Runs a callback of the protocol; false where it threw, and the connection is being lost.
  template <class Call>
  bool guarded(const char* message, Call call);

  // What most connections do without.
  struct Extras : Pooled {
    std::shared_ptr<Protocol> protocol;
    BufferedProtocol* buffered = nullptr;  // the protocol, where it is one
    ContextSlot context;                   // the protocol's callbacks run in it
    WaterMarks water;
    std::unique_ptr<Future<>> output_waiter;
    std::unique_ptr<Address> name;           // once asked for, or closed
    std::unique_ptr<OpenResource> resource;  // in debug mode
  };
  Extras& extras() const;
  IoBackend& backend() const noexcept { return *scheduler_.backend; }
  // Of the above, where there are any.
  bool has_protocol() const noexcept { return extras_ && extras_->protocol; }
  WaterMarks water() const noexcept { return extras_ ? extras_->water : WaterMarks(); }
  bool has_output_waiter() const noexcept { return extras_ && extras_->output_waiter; }

  Scheduler& scheduler_;
  StreamState* stream_ = nullptr;          // counted; null where there is a protocol
  std::shared_ptr<SocketTransport> self_;  // the loop's reference, until the connection is lost
  ServerUse server_;                       // until the connection is lost
  std::exception_ptr error_;               // for connection_lost()
  WriteBuffer output_;
  mutable std::unique_ptr<Extras> extras_;
  Address peer_;
  int fd_;
  std::uint32_t last_received_ = 0;  // bytes
  std::uint32_t written_in_ = 0;     // the pass of the last write: its lowest bits
  std::uint8_t writes_ = 0;          // in that pass, up to 2
  std::uint8_t work_ = 0;            // what run() is to do
  std::uint8_t writes_after_loss_ = 0;
  bool gathering_ = false;     // the kernel was not offered yet what output_ holds
  bool read_pending_ = false;  // readable while paused
  // One bit each: a server has many idle connections.
  bool gathers_first_ : 1 = false;  // more than one write in a pass is expected
  bool closing_ : 1 = false;
  bool losing_ : 1 = false;  // connection_lost() is queued
  bool reading_paused_ : 1 = false;
  bool read_ended_ : 1 = false;
  bool hung_up_ : 1 = false;
  bool watches_writable_ : 1 = false;
  bool write_ended_ : 1 = false;  // write_eof() was called
  bool protocol_paused_ : 1 = false;
  bool connected_ : 1 = false;  // the protocol has heard of the connection
  bool sending_file_ : 1 = false;
};

}  // namespace asyncio::detail
