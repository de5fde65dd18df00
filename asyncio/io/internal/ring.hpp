// ring.hpp: an io_uring(7) and the buffers that the kernel receives into. Knows no file descriptor
// and no watcher: see io_uring.cpp.
#pragma once
#include <liburing.h>
#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "asyncio/io/io_uring.hpp"

namespace asyncio::detail {

// Memory of the process's own, which takes up room only as it is first used.
class MappedMemory {
 public:
  explicit MappedMemory(std::size_t size);  // throws std::bad_alloc
  MappedMemory(const MappedMemory&) = delete;
  MappedMemory& operator=(const MappedMemory&) = delete;
  ~MappedMemory();
  char* data() const noexcept { return data_; }

 private:
  char* data_ = nullptr;
  std::size_t size_;
};

// Buffers that the kernel takes one by one, for whichever socket has data.
class ReceiveBuffers {
 public:
  ReceiveBuffers(unsigned count, unsigned size);
  // All that are not filled. False where the kernel does not want them.
  bool lend_to(io_uring& ring) noexcept;
  const char* at(unsigned id) const noexcept { return bytes_.data() + std::size_t{id} * size_; }
  void take(unsigned id) noexcept;  // the kernel has filled it
  void give_back(unsigned id) noexcept;
  unsigned free() const noexcept { return free_; }
  unsigned count() const noexcept { return count_; }
  static constexpr std::uint16_t kGroup = 0;

 private:
  io_uring_buf_ring* ring() const noexcept {
    return reinterpret_cast<io_uring_buf_ring*>(entries_.data());
  }

  unsigned count_;
  unsigned size_;
  unsigned free_ = 0;
  std::vector<bool> filled_;
  MappedMemory entries_;
  MappedMemory bytes_;
};

// What became of an operation.
struct Completion {
  std::uint64_t user_data;
  int result;
  unsigned flags;
};

// Lifetime: operations that are not over when it is destroyed end without a word.
class Ring {
 public:
  explicit Ring(const IoUringOptions& options);  // throws OSError
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring();

  // The thread that calls it is the one that may submit from now on, and for whom completions are
  // made.
  void enable();
  bool is_enabled() const noexcept { return enabled_; }
  // Nothing happens outside of look() and sleep().
  bool defers_work() const noexcept { return (ring_.flags & IORING_SETUP_DEFER_TASKRUN) != 0; }
  bool is_of_this_thread() const noexcept { return thread_ == ::pthread_self(); }
  // True in a child of the process that made it: the ring is the parent's.
  bool is_foreign() const noexcept;

  // The next submission, all zero; null where the kernel takes no more now. `reserved`: may take
  // one of the last ones, which are kept for cancelling.
  io_uring_sqe* next(bool reserved = false) noexcept;
  // Ends an operation; its own completion still comes.
  void cancel(std::uint64_t user_data, std::uint64_t own_user_data) noexcept;
  // Submits, and lets the kernel do what it has put off. 0 or -errno.
  int look() noexcept;
  // The same, then waits for a completion.
  int sleep(std::int64_t timeout_ns) noexcept;
  unsigned ready() const noexcept { return io_uring_cq_ready(&ring_); }
  Completion pop() noexcept;  // where one is ready
  bool lend(ReceiveBuffers& buffers) noexcept { return buffers.lend_to(ring_); }
  bool has_unsubmitted() const noexcept { return io_uring_sq_ready(&ring_) != 0; }

  // Completions are announced by writing to the eventfd, but for what comes between
  // set_quiet(true) and set_quiet(false), after which one has to look. 0 or -errno.
  int signal_with(int eventfd) noexcept { return io_uring_register_eventfd(&ring_, eventfd); }
  void set_quiet(bool quiet) noexcept;
  // Which of the operations (IORING_OP_*) the kernel has.
  void probe(std::span<const int> operations, std::span<bool> known) noexcept;

 private:
  static constexpr unsigned kReserved = 8;
  bool try_setup(const IoUringOptions& options, unsigned flags);
  bool has_put_off_work() const noexcept;

  mutable io_uring ring_{};
  int error_ = 0;  // why try_setup() failed
  unsigned made_in_ = 0;
  bool enabled_ = false;
  pthread_t thread_{};
};

}  // namespace asyncio::detail
