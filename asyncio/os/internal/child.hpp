// child.hpp: a child process and its pipes: the SubprocessTransport.
// Source: Lib/asyncio/base_subprocess.py.
//
//   start() --> running --pidfd readable: reaped()--> exited --all pipes lost--> finished
//
// The kernel's record of the child (its pid) is ours until reaped(), so a signal reaches nobody
// else. Invariant: the loop's reference (self_) is held until connection_lost() was called.
#pragma once
#include <array>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "asyncio/core/context.hpp"
#include "asyncio/core/futures.hpp"
#include "asyncio/core/services.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/os/internal/owned_fd.hpp"
#include "asyncio/os/subprocess.hpp"

namespace asyncio::detail {

class ChildProcess final : public SubprocessTransport,
                           public FdWatcher,
                           public Node,
                           public LoopMember,
                           public std::enable_shared_from_this<ChildProcess> {
 public:
  // Runs the program. Throws as create_subprocess_exec().
  static std::shared_ptr<ChildProcess> start(Loop& loop,
                                             std::shared_ptr<SubprocessProtocol> protocol,
                                             const std::vector<std::string>& argv,
                                             const ProcessOptions& options);
  explicit ChildProcess(Loop& loop);
  ~ChildProcess() override;

  int get_pid() const override { return pid_; }
  std::optional<int> get_returncode() const override { return returncode_; }
  std::shared_ptr<Transport> get_pipe_transport(int fd) const override;
  void send_signal(int signal) override;
  void terminate() override;
  void kill() override;
  void close() override;
  bool is_closing() const override { return closed_; }
  void set_protocol(std::shared_ptr<SubprocessProtocol> protocol) override;
  std::shared_ptr<SubprocessProtocol> get_protocol() const override { return protocol_; }
  std::string repr() const override;

  const Future<>& exited() const noexcept { return exited_; }  // done once it is reaped
  bool is_debugged() const noexcept { return scheduler_.debug; }

  // ---- from its pipes
  template <class Call>
  void tell(Call call);  // call(protocol)
  void pipe_lost(int fd, std::exception_ptr error);

  // ---- Node
  void run() override;
  void notify() noexcept override {}
  bool cancel_wait(const std::string&) override { return false; }
  // ---- FdWatcher: the pidfd
  void on_ready(bool, bool) noexcept override { queue(kExited); }
  // ---- LoopMember
  void on_loop_destroyed() noexcept override;

 private:
  enum Work : std::uint8_t { kMade = 1, kExited = 2, kLost = 4 };
  struct PipeEnd {
    std::shared_ptr<Transport> transport;
    bool connected = false;
  };

  void queue(Work work) noexcept;
  void show_open();
  void watch_exit();
  void watch_in_thread();
  void reap();
  bool try_wait(bool block) noexcept;
  void finish_if_done();
  void connect(std::array<OwnedFd, 3> ours);
  int signal_child(int signal) noexcept;  // 0 or an errno
  void stop_watching() noexcept;

  Scheduler& scheduler_;
  std::shared_ptr<SubprocessProtocol> protocol_;
  std::shared_ptr<ChildProcess> self_;
  std::array<PipeEnd, 3> pipes_;
  Future<> exited_;
  ContextSlot context_;
  OwnedFd pidfd_;
  std::optional<int> returncode_;
  std::string name_;  // argv[0], for messages
  int pid_ = -1;
  std::uint8_t work_ = 0;
  bool closed_ = false;
  bool finished_ = false;
  bool watching_ = false;
  std::unique_ptr<OpenResource> resource_;  // in debug mode
};

}  // namespace asyncio::detail
