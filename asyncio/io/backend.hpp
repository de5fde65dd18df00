// backend.hpp: the seam between the loop and the operating system.
// A backend waits for completions and tells their operations; everything above knows no epoll and
// no io_uring. Implementations: epoll.cpp (io_uring and a simulated world come with the engine).
// Threads: the loop's thread only, except wake().
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace asyncio::detail {

// Readiness of one file descriptor, as add_reader/add_writer and the emulated operations use it.
class FdWatcher {
 public:
  virtual void on_ready(bool readable, bool writable) noexcept = 0;

 protected:
  ~FdWatcher() = default;
};

class IoBackend {
 public:
  IoBackend() = default;
  IoBackend(const IoBackend&) = delete;
  IoBackend& operator=(const IoBackend&) = delete;
  virtual ~IoBackend() = default;

  static constexpr std::int64_t kForever = -1;

  // Waits at most timeout_ns (0: only looks; kForever) for something to happen, and calls the
  // watchers it happened to, in the order the kernel reports them. EINTR counts as nothing.
  virtual void wait(std::int64_t timeout_ns) = 0;
  // Ends a wait() that is running now or begins next. Any thread, any signal handler.
  virtual void wake() noexcept = 0;

  // One watcher for each fd. Edge-triggered: after a call, on_ready comes again only when more
  // happened, so its owner tries until EAGAIN. Throws OSError.
  virtual void watch(int fd, FdWatcher& watcher) = 0;
  // Level-triggered interest for add_reader/add_writer; both false forgets the fd.
  virtual void watch_level(int fd, FdWatcher& watcher, bool readable, bool writable) = 0;
  // Must come before the fd is closed; on_ready is not called afterwards.
  virtual void forget(int fd) noexcept = 0;

  virtual const char* name() const noexcept = 0;
};

std::unique_ptr<IoBackend> make_epoll_backend();

}  // namespace asyncio::detail
