// pipe_transport.hpp: the two ends of a pipe as transports. Source: Lib/asyncio/unix_events.py.
// The fd is watched level-triggered, which every backend offers for everything that can be polled;
// what cannot be (a regular file, /dev/null) is always ready, and is tried once a pass.
#pragma once
#include <cstdint>
#include <exception>
#include <memory>
#include <string>

#include "asyncio/core/context.hpp"
#include "asyncio/core/services.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/os/internal/owned_fd.hpp"
#include "asyncio/os/pipes.hpp"

namespace asyncio::detail {

// What both ends share: the fd, its watch, the turns in the ready queue, and the end.
//
//   made --start()--> open --close()--> closing --sent--> losing --run()--> closed
//                      |                                    ^
//                      +--------abort(), fatal_error()------+
class PipeCore : public FdWatcher, public Node, public LoopMember {
 public:
  // The fd must be non-blocking.
  PipeCore(Scheduler& scheduler, OwnedFd fd);
  PipeCore(const PipeCore&) = delete;
  PipeCore& operator=(const PipeCore&) = delete;

  // ---- Node: its turn in the ready queue
  void run() final;
  void notify() noexcept final {}
  bool cancel_wait(const std::string&) final { return false; }

  // ---- FdWatcher
  void on_ready(bool readable, bool writable) noexcept final;

  void on_loop_destroyed() noexcept final;  // LoopMember

  // In debug mode the loop names it where it is open still when the loop is closed. Not for the
  // pipes of a program, which is named itself.
  void show_open();

 protected:
  ~PipeCore();
  enum Work : std::uint8_t { kMade = 1, kReadable = 2, kWritable = 4, kEof = 8, kLost = 16 };

  // connection_made() comes in the next pass, or is left out where `silently`.
  void start(std::shared_ptr<Protocol> protocol, bool silently);
  void queue(Work work) noexcept;
  void watch(bool readable, bool writable);
  void close_now(std::exception_ptr error);
  void fatal_error(std::exception_ptr error, const char* message);
  // Runs a callback of the protocol; what it throws goes to the loop's exception handler.
  template <class Call>
  void guarded(const char* message, Call call);
  std::string describe_fd(const char* type) const;

  virtual std::shared_ptr<Transport> shared() = 0;
  virtual void begin() = 0;     // right after connection_made()
  virtual void readable() = 0;  // the fd can be read, or its peer is gone
  virtual void writable() = 0;
  virtual void drop_output() noexcept {}

  Scheduler& scheduler_;
  IoBackend* backend_;  // null once the loop is gone
  OwnedFd fd_;
  std::shared_ptr<Protocol> protocol_;
  std::shared_ptr<Transport> self_;  // the loop's reference, until the connection is lost
  std::exception_ptr error_;         // for connection_lost()
  ContextSlot context_;
  std::uint8_t work_ = 0;
  bool closing_ = false;
  bool losing_ = false;  // connection_lost() is queued
  bool always_ready_ = false;
  bool watched_ = false;

 private:
  void call_connection_lost();
  std::unique_ptr<OpenResource> resource_;
};

class PipeReader final : public ReadTransport,
                         public PipeCore,
                         public std::enable_shared_from_this<PipeReader> {
 public:
  using PipeCore::PipeCore;
  void open(std::shared_ptr<Protocol> protocol, bool silently = false);

  void pause_reading() override;
  void resume_reading() override;
  bool is_reading() const override { return !closing_ && !paused_; }
  void close() override;
  void abort() override { close(); }
  bool is_closing() const override { return closing_; }
  void set_protocol(std::shared_ptr<Protocol> protocol) override;
  std::shared_ptr<Protocol> get_protocol() const override { return protocol_; }
  std::shared_ptr<Transport> share() override { return shared_from_this(); }
  int fileno() const override { return fd_.get(); }
  std::string repr() const override;

 private:
  std::shared_ptr<Transport> shared() override { return shared_from_this(); }
  void begin() override { watch(!paused_, false); }
  void readable() override;
  void writable() override {}
  void deliver(std::string_view data);

  bool paused_ = false;
};

class PipeWriter final : public WriteTransport,
                         public PipeCore,
                         public std::enable_shared_from_this<PipeWriter> {
 public:
  using PipeCore::PipeCore;
  void open(std::shared_ptr<Protocol> protocol, bool silently = false);

  void write(std::string_view data) override;
  using Transport::writelines;
  void writelines(std::span<const std::string_view> parts) override;
  void write_eof() override { close(); }
  bool can_write_eof() const override { return true; }
  void close() override;
  void abort() override { close_now(nullptr); }
  bool is_closing() const override { return closing_; }
  void set_protocol(std::shared_ptr<Protocol> protocol) override;
  std::shared_ptr<Protocol> get_protocol() const override { return protocol_; }
  std::shared_ptr<Transport> share() override { return shared_from_this(); }
  int fileno() const override { return fd_.get(); }
  std::size_t get_write_buffer_size() const override { return output_.size() - sent_; }
  std::pair<std::size_t, std::size_t> get_write_buffer_limits() const override;
  void set_write_buffer_limits(WriteBufferLimits limits) override;
  std::string repr() const override;

 private:
  std::shared_ptr<Transport> shared() override { return shared_from_this(); }
  void begin() override;
  void readable() override;  // nobody reads the other end any more
  void writable() override;
  void drop_output() noexcept override;
  ssize_t write_now(std::string_view data) noexcept;
  void pause_protocol();
  void resume_protocol();
  bool reader_is_gone() const noexcept;

  std::string output_;
  std::size_t sent_ = 0;  // of output_
  WaterMarks water_;
  std::uint8_t writes_after_loss_ = 0;
  bool protocol_paused_ = false;
  bool listens_for_reader_ = false;
};

}  // namespace asyncio::detail
