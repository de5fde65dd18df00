// services.hpp: what a loop has that is not hot: exception handler, executor, signals, watched fds.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "asyncio/core/events.hpp"
#include "asyncio/io/backend.hpp"

namespace asyncio::detail {

// add_reader/add_writer of one fd.
class FdCallbacks final : public FdWatcher {
 public:
  explicit FdCallbacks(Scheduler& scheduler) noexcept : scheduler_(scheduler) {}
  FdCallbacks(const FdCallbacks&) = delete;
  FdCallbacks& operator=(const FdCallbacks&) = delete;
  ~FdCallbacks() = default;
  void on_ready(bool readable, bool writable) noexcept override;

  // Queued for each readiness, not while the last one still waits for its turn.
  StatePtr<CallbackBlock> reader;
  StatePtr<CallbackBlock> writer;

 private:
  void queue(StatePtr<CallbackBlock>& block) noexcept;
  Scheduler& scheduler_;
};

struct ResourceLink : Link {};

// In debug mode: something that is to be closed before its loop is, and who made it.
class OpenResource final : public ResourceLink {
 public:
  // `repr` gives an empty text once it is closed.
  OpenResource(Scheduler& scheduler, std::function<std::string()> repr);
  OpenResource(const OpenResource&) = delete;
  OpenResource& operator=(const OpenResource&) = delete;
  ~OpenResource() {
    if (is_linked()) unlink();
  }
  void warn_if_open() const;

 private:
  std::function<std::string()> repr_;
  std::string created_;
};

struct LoopPortOwner;  // sync/threads.hpp

// What lives with a loop and must be told of its end, on its thread: pipes, child processes.
class LoopMember : public Link {
 public:
  virtual void on_loop_destroyed() noexcept = 0;

 protected:
  LoopMember() noexcept = default;
  ~LoopMember() {
    if (is_linked()) unlink();
  }
};

struct LoopServices {
  void end_members() noexcept {
    while (!members.empty()) members.pop_front().on_loop_destroyed();
  }

  ExceptionHandler exception_handler;
  std::shared_ptr<ThreadPoolExecutor> executor;
  bool executor_shut_down = false;
  std::shared_ptr<LoopPortOwner> port;  // how other threads reach the loop, once one does
  std::shared_ptr<Resolver> resolver;   // net/dns.hpp
  LoopTimes times;
  IntrusiveList<ResourceLink> resources;
  std::map<int, std::function<void()>> signal_callbacks;
  std::unordered_map<int, std::unique_ptr<FdCallbacks>> fd_callbacks;
  IntrusiveList<LoopMember> members;  // the backend is still there when they hear of the end
};

// core/signals.cpp: the process-wide part of signal delivery.
void install_signal(Scheduler& scheduler, int signal);
bool uninstall_signal(Scheduler& scheduler, int signal) noexcept;
void uninstall_all_signals(Scheduler& scheduler) noexcept;

}  // namespace asyncio::detail
