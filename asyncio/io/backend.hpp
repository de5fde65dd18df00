// backend.hpp: the seam between the loop and the operating system.
// Above it nobody knows epoll or io_uring. A backend owns one record for each watched fd; whoever
// wants something from the fd tries it (receive, send, accept, ...), and where the answer is
// -EAGAIN, the watcher is called once trying again is worth while. Nothing of an operation lies in
// a coroutine frame: a backend that hands buffers to the kernel keeps them in its own records
// until the final completion, whatever became of the task. So receive() may be recv(2) after a
// readiness event, or the next completion of a multishot receive.
// Implementations: epoll.cpp, io_uring.cpp, and simulated.cpp, a network in memory.
// Threads: the loop's thread only, except wake().
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "asyncio/io/file_call.hpp"

struct iovec;

namespace asyncio::detail {

// Told what happened to one file descriptor. The calls come inside IoBackend::wait(): they queue
// what is to be done, and run no code of the user.
class FdWatcher {
 public:
  virtual void on_ready(bool readable, bool writable) noexcept = 0;
  // Just before on_ready: the peer has closed or failed, so reading must go on to the very end.
  virtual void on_hangup() noexcept {}
  // Asked for with IoBackend::call_before_wait(). True where something became ready, so that the
  // wait must not last.
  virtual bool before_wait() noexcept { return false; }
  // The loop is closed and this fd was still watched. Nothing is called afterwards.
  virtual void on_backend_closed() noexcept {}

 protected:
  ~FdWatcher() = default;
};

// A sockaddr of any family.
struct SocketAddress {
  static constexpr unsigned kCapacity = 128;  // sizeof(sockaddr_storage)
  alignas(8) unsigned char bytes[kCapacity];
  unsigned length = 0;
};

// What a backend that knows names of its own says of one (look_up).
struct NameAnswer {
  std::vector<SocketAddress> addresses;  // without ports
  int error = 0;                         // EAI_*; 0 where there are addresses
  std::int64_t delay_ns = 0;             // how long the answer takes
};

// Bytes that were received, lent until the next call of the backend.
struct Received {
  const char* data;
  std::int64_t size;  // 0: end of the stream; negative: -errno
  bool more = false;  // the rest is there already and will not be announced: go on
};

enum class IoOperation : std::uint8_t {
  wait,
  receive,
  receive_from,
  send,
  send_vectored,
  send_to,
  send_file,
  accept,
  connect,
  // Made beside the backend as a rule: on pipes, programs and files. See IoBackend::report().
  read,
  write,
  spawn,
  wait_child,
  open,
  sync,
  truncate,
  status,
  list,
  rename,
  remove,
  make_folder,
  close
};
inline constexpr std::size_t kIoOperations = 22;
using IoCounts = std::array<std::uint64_t, kIoOperations>;  // by IoOperation
const char* name_of(IoOperation operation) noexcept;        // "recv": of the system call

// Sees each operation that a backend does, while somebody records (core/recorder.hpp).
class IoObserver {
 public:
  virtual std::int64_t now() noexcept = 0;  // nanoseconds
  // result: as the operation gives it, -errno where it failed. start: now() before it. aside: the
  // loop went on meanwhile, while the kernel or a thread did it.
  virtual void operated(IoOperation operation, int fd, std::int64_t result, std::int64_t start,
                        bool aside) noexcept = 0;

 protected:
  ~IoObserver() = default;
};

class IoBackend {
 public:
  IoBackend() = default;
  IoBackend(const IoBackend&) = delete;
  IoBackend& operator=(const IoBackend&) = delete;
  virtual ~IoBackend() = default;

  static constexpr std::int64_t kForever = -1;
  // receive() lends at most this much; what is shorter, and not `more`, means that nothing more is
  // there.
  static constexpr std::size_t kReceiveSize = std::size_t{64} * 1024;

  // Waits at most timeout_ns (0: only looks; kForever) for something to happen, and calls the
  // watchers it happened to, in the order the kernel reports them. EINTR counts as nothing.
  virtual void wait(std::int64_t timeout_ns) = 0;
  // Ends a wait() that is running now or begins next. Any thread, any signal handler.
  virtual void wake() noexcept = 0;

  // ---- who is told. One watcher for each fd; a second call replaces the first. Throws OSError.
  // Edge-triggered: after a call, on_ready comes again only when more happened, so its owner tries
  // until -EAGAIN or a short read.
  virtual void watch(int fd, FdWatcher& watcher) = 0;
  // The same, and on_ready(writable) too, once the fd takes data (again).
  virtual void watch_writable(int fd, FdWatcher& watcher) = 0;
  // Level-triggered interest for add_reader/add_writer; both false forgets the fd.
  virtual void watch_level(int fd, FdWatcher& watcher, bool readable, bool writable) = 0;
  // Must come before the fd is closed by others; on_ready is not called afterwards.
  virtual void forget(int fd) noexcept = 0;
  // Forgets the fd and closes it, once no operation of the backend uses it.
  virtual void close(int fd) noexcept;

  // Once, at the beginning of the next wait(), the watcher of this fd hears before_wait(), unless
  // the fd was forgotten meanwhile. False where the backend does not do that (or has no memory).
  virtual bool call_before_wait(int) noexcept { return false; }

  // True where the bytes are in memory of the backend before receive() is called: receive_into()
  // would copy them.
  virtual bool receives_ahead() const noexcept { return false; }

  // ---- operations: the result, or -errno. They never block. The ones below are plain system
  // calls, right for every backend that learns of readiness.
  virtual Received receive(int fd);
  virtual std::int64_t receive_into(int fd, char* data, std::size_t size) noexcept;
  virtual std::int64_t receive_from(int fd, char* data, std::size_t size,
                                    SocketAddress& from) noexcept;
  virtual std::int64_t send(int fd, const char* data, std::size_t size) noexcept;
  virtual std::int64_t send_vectored(int fd, const iovec* parts, std::size_t count) noexcept;
  virtual std::int64_t send_to(int fd, const char* data, std::size_t size,
                               const SocketAddress* to) noexcept;
  virtual std::int64_t send_file(int fd, int file, std::int64_t offset, std::size_t size) noexcept;
  virtual int accept(int fd, SocketAddress& peer) noexcept;  // the new fd
  // 0 where it is connected; -EINPROGRESS: watch for writable, then ask connect_result().
  virtual int connect(int fd, const SocketAddress& peer) noexcept;
  virtual int connect_result(int fd) noexcept;
  virtual int shutdown_write(int fd) noexcept;

  // ---- making and naming sockets: the new fd or 0, or -errno. Non-blocking, close-on-exec.
  // A backend whose sockets are not the kernel's (a simulated one) overrides them all; its fds are
  // numbers that the kernel does not know, from kFirstSimulated on.
  static constexpr int kFirstSimulated = 0x40000000;
  virtual int open_socket(int family, int type) noexcept;
  virtual int open_socket_pair(int& first, int& second) noexcept;  // connected streams
  virtual int bind(int fd, const SocketAddress& name) noexcept;
  virtual int listen(int fd, int backlog) noexcept;
  virtual int set_nonblocking(int fd) noexcept;
  virtual int set_option(int fd, int level, int option, const void* value, unsigned size) noexcept;
  virtual int get_option(int fd, int level, int option, void* value, unsigned& size) noexcept;
  virtual int socket_name(int fd, SocketAddress& name) noexcept;
  virtual int peer_name(int fd, SocketAddress& name) noexcept;

  // ---- files. Where a kind of call is not offered, threads make it. start() queues the call for
  // the next wait(), where it is offered; throws std::bad_alloc.
  virtual bool offers(FileCall::Kind) noexcept { return false; }
  virtual void start(FileCall&) {}

  // False where the names of Unix sockets do not stand in the file system.
  virtual bool has_socket_files() const noexcept { return true; }
  // True where the backend answers for this host; false: the system's resolver is asked.
  virtual bool look_up(const std::string& host, NameAnswer& answer);

  virtual const char* name() const noexcept = 0;
  // Null ends it. What a backend does without system calls of its own need not be told.
  virtual void observe(IoObserver* observer) noexcept { observer_ = observer; }
  // How often each was tried, in vain included; of those that the observer hears of.
  virtual const IoCounts& counts() const noexcept { return counts_; }

  // ---- what others do beside the backend is counted and observed here, too: observer() before
  // it, report() after it, with start 0 where nobody observed it then.
  virtual IoObserver* observer() const noexcept { return observer_; }
  virtual void report(IoOperation operation, int fd, std::int64_t result, std::int64_t start,
                      bool aside) noexcept;
  // Both around a call that blocks.
  template <class Call>
  auto reported(IoOperation operation, int fd, Call call) {
    IoObserver* const before = observer();
    const std::int64_t start = before == nullptr ? 0 : before->now();
    const auto result = call();
    report(operation, fd, result, start, false);
    return result;
  }

 protected:
  // The result of `call`, which the observer hears of.
  template <class Call>
  auto observed(IoOperation operation, int fd, Call call) {
    ++counts_[static_cast<std::size_t>(operation)];
    if (observer_ == nullptr) [[likely]]
      return call();
    const std::int64_t start = observer_->now();
    const auto result = call();
    observer_->operated(operation, fd, result, start, false);
    return result;
  }

 private:
  IoObserver* observer_ = nullptr;
  IoCounts counts_{};
  std::unique_ptr<char[]> receive_buffer_;  // shared by all fds: what is idle needs none
};

std::unique_ptr<IoBackend> make_epoll_backend();

}  // namespace asyncio::detail
