#include "asyncio/io/internal/ring.hpp"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <new>

#include "asyncio/base/errors.hpp"

namespace asyncio::detail {
namespace {

// How often this process is the child of a fork(2) since the first ring.
std::atomic<unsigned> forks{0};

unsigned count_forks() noexcept {
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
  return forks.load(std::memory_order_relaxed);
}

}  // namespace

// ---- memory

MappedMemory::MappedMemory(std::size_t size) : size_(size) {
  void* const memory =
      ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<char*>(memory);
}

MappedMemory::~MappedMemory() { ::munmap(data_, size_); }

ReceiveBuffers::ReceiveBuffers(unsigned count, unsigned size)
    : count_(count),
      size_(size),
      filled_(count),
      entries_(std::size_t{count} * sizeof(io_uring_buf)),
      bytes_(std::size_t{count} * size) {}

bool ReceiveBuffers::lend_to(io_uring& ring_of_operations) noexcept {
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(entries_.data());
  registration.ring_entries = count_;
  registration.bgid = kGroup;
  if (io_uring_register_buf_ring(&ring_of_operations, &registration, 0) != 0) return false;
  io_uring_buf_ring_init(ring());
  free_ = 0;
  for (unsigned id = 0; id < count_; ++id)
    if (!filled_[id]) give_back(id);
  return true;
}

void ReceiveBuffers::take(unsigned id) noexcept {
  filled_[id] = true;
  --free_;
}

void ReceiveBuffers::give_back(unsigned id) noexcept {
  filled_[id] = false;
  io_uring_buf_ring_add(ring(), bytes_.data() + std::size_t{id} * size_, size_,
                        static_cast<unsigned short>(id), io_uring_buf_ring_mask(count_), 0);
  io_uring_buf_ring_advance(ring(), 1);
  ++free_;
}

// ---- the ring

Ring::Ring(const IoUringOptions& options) : made_in_(count_forks()) {
  constexpr unsigned kDeferred = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_R_DISABLED;
  constexpr unsigned kCooperative = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  const bool made = (options.deferred_work && try_setup(options, kDeferred)) ||
                    try_setup(options, kCooperative) || try_setup(options, 0);
  if (!made) throw_os_error(error_, "io_uring_setup");
  io_uring_ring_dontfork(&ring_);  // a child that touched the rings would disturb its parent
}

Ring::~Ring() {
  if (is_foreign())
    ::close(ring_.ring_fd);  // the memory is not ours
  else
    io_uring_queue_exit(&ring_);
}

// EINVAL means that the kernel does not know the flags; ENOMEM, that RLIMIT_MEMLOCK counts the
// rings (before Linux 5.12, and again in 6.18): smaller ones may do.
bool Ring::try_setup(const IoUringOptions& options, unsigned flags) {
  constexpr unsigned kNeeded = IORING_FEAT_NODROP | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG |
                               IORING_FEAT_RSRC_TAGS;  // came with polls that go on
  unsigned entries = options.entries;
  unsigned completions = options.completions;
  for (;;) {
    io_uring_params parameters{};
    parameters.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    parameters.cq_entries = completions;
    int result = options.setup != nullptr ? options.setup(entries, &parameters) : 0;
    if (result == 0) result = io_uring_queue_init_params(entries, &ring_, &parameters);
    if (result == 0) {
      if ((parameters.features & kNeeded) == kNeeded) return true;
      io_uring_queue_exit(&ring_);
      result = -ENOSYS;  // before Linux 5.13
    }
    error_ = -result;
    if (error_ != ENOMEM || entries <= 2 * kReserved) return false;
    entries /= 2;
    completions /= 2;
  }
}

void Ring::enable() {
  if ((ring_.flags & IORING_SETUP_R_DISABLED) != 0) {
    // liburing 2.3 declares io_uring_enable_rings() and forgets to export it.
    const long result =
        ::syscall(SYS_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    if (result != 0) throw_os_error(errno, "io_uring_register");
  }
  thread_ = ::pthread_self();
  enabled_ = true;
}

bool Ring::is_foreign() const noexcept { return made_in_ != forks.load(std::memory_order_relaxed); }

io_uring_sqe* Ring::next(bool reserved) noexcept {
  if (io_uring_sq_space_left(&ring_) <= (reserved ? 0 : kReserved) && enabled_)
    io_uring_submit(&ring_);
  if (io_uring_sq_space_left(&ring_) <= (reserved ? 0 : kReserved)) return nullptr;
  io_uring_sqe* const entry = io_uring_get_sqe(&ring_);
  *entry = io_uring_sqe{};
  return entry;
}

void Ring::cancel(std::uint64_t user_data, std::uint64_t own_user_data) noexcept {
  if (is_foreign()) return;
  io_uring_sqe* const entry = next(true);
  if (entry == nullptr) return;  // it ends with the ring
  io_uring_prep_cancel64(entry, user_data, 0);
  entry->user_data = own_user_data;
  if ((ring_.features & IORING_FEAT_CQE_SKIP) != 0) entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

bool Ring::has_put_off_work() const noexcept {
  if ((ring_.flags & IORING_SETUP_TASKRUN_FLAG) == 0) return true;  // it cannot be seen
  // relaxed: what is missed now is seen at the next look.
  return (__atomic_load_n(ring_.sq.kflags, __ATOMIC_RELAXED) &
          (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

int Ring::look() noexcept {
  if (io_uring_sq_ready(&ring_) == 0 && !has_put_off_work()) return 0;
  const int result = io_uring_submit_and_get_events(&ring_);
  return result < 0 ? result : 0;
}

int Ring::sleep(std::int64_t timeout_ns) noexcept {
  int result = 0;
  if (timeout_ns == IoBackend::kForever) {
    result = io_uring_submit_and_wait(&ring_, 1);
  } else {
    __kernel_timespec timeout{};
    timeout.tv_sec = timeout_ns / 1'000'000'000;
    timeout.tv_nsec = timeout_ns % 1'000'000'000;
    io_uring_cqe* first = nullptr;
    result = io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr);
  }
  return result < 0 && result != -ETIME && result != -EINTR ? result : 0;
}

Completion Ring::pop() noexcept {
  io_uring_cqe* entry = nullptr;
  io_uring_peek_cqe(&ring_, &entry);
  const Completion copy{entry->user_data, entry->res, entry->flags};
  io_uring_cq_advance(&ring_, 1);
  return copy;
}

void Ring::set_quiet(bool quiet) noexcept {
  io_uring_cq_eventfd_toggle(&ring_, !quiet);
  // seq_cst, with the kernel's barrier between a completion and its look at the flag: either it
  // writes to the eventfd, or whoever looks next sees the completion.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Ring::probe(std::span<const int> operations, std::span<bool> known) noexcept {
  io_uring_probe* const probe = io_uring_get_probe_ring(&ring_);
  for (std::size_t i = 0; i < operations.size(); ++i)
    known[i] = probe != nullptr && io_uring_opcode_supported(probe, operations[i]) != 0;
  if (probe != nullptr) io_uring_free_probe(probe);
}

}  // namespace asyncio::detail
