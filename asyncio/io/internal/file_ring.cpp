#include "asyncio/io/internal/file_ring.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "asyncio/base/errors.hpp"

namespace asyncio::detail {
namespace {

constexpr IoUringOptions kOptions{.entries = 64, .completions = 256, .deferred_work = false};
constexpr std::uint64_t kNobody = ~std::uint64_t{0};    // the completion of a cancellation
constexpr std::size_t kLargest = std::size_t{1} << 30;  // an entry's length has 32 bits

// By FileCall::Kind.
constexpr std::array<int, FileCall::kKinds> kOperations{
    IORING_OP_OPENAT,   IORING_OP_READ,     IORING_OP_WRITE,   IORING_OP_FSYNC, IORING_OP_STATX,
    IORING_OP_RENAMEAT, IORING_OP_UNLINKAT, IORING_OP_MKDIRAT, IORING_OP_CLOSE};

// Where files may not grow without bounds, a write can raise SIGXFSZ. A worker of the kernel takes
// no signals; in our own thread it would end the process.
bool has_size_limit() noexcept {
  rlimit limit{};
  return ::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

}  // namespace

FileRing::FileRing(int wakeup) : ring_(kOptions) {
  ring_.enable();
  if (const int result = ring_.signal_with(wakeup); result != 0)
    throw_os_error(-result, "io_uring_register");
  ring_.probe(kOperations, offered_);
}

FileRing::~FileRing() {
  if (!ring_.is_foreign()) drain();
  for (FileCall* const call : waiting_) drop(*call, -ECANCELED);
  for (const Slot& slot : slots_)  // the parent's, in a child that was forked
    if (slot.call != nullptr) slot.call->on_backend_closed();
}

// Nobody hears of the result; a file is closed all the same.
void FileRing::drop(FileCall& call, int result) noexcept {
  if (call.kind == FileCall::Kind::open && result >= 0) ::close(result);
  if (call.kind == FileCall::Kind::close && result == -ECANCELED) ::close(call.fd);
  call.on_backend_closed();
}

// Without a limit of time, as whoever waits for a thread in write(2): the kernel writes to memory
// of the calls as long as they are not over. It is asked again and again, because a worker that has
// only just begun may miss it.
void FileRing::drain() noexcept {
  constexpr std::int64_t kAgainAfter = 5'000'000;
  while (under_way_ > 0) {
    for (std::uint32_t i = 0; i < slots_.size(); ++i)
      if (slots_[i].call != nullptr)
        ring_.cancel(i | std::uint64_t{slots_[i].generation} << 32, kNobody);
    if (ring_.ready() == 0 && ring_.sleep(kAgainAfter) != 0) return;
    while (ring_.ready() > 0) {
      const Completion completion = ring_.pop();
      if (FileCall* const call = end(completion.user_data)) drop(*call, completion.result);
    }
  }
}

bool FileRing::advance() noexcept {
  submit();
  bool told = false;
  // What is told now may start more, which comes with the next call of advance().
  for (unsigned left = ring_.ready(); left > 0; --left) {
    const Completion completion = ring_.pop();
    FileCall* const call = end(completion.user_data);
    if (call == nullptr) continue;
    call->on_done(completion.result);
    told = true;
  }
  return told || !waiting_.empty() || ring_.has_unsubmitted();
}

void FileRing::submit() noexcept {
  if (!waiting_.empty()) {
    const auto rest = std::find_if_not(waiting_.begin(), waiting_.end(),
                                       [this](FileCall* call) { return begin(*call); });
    waiting_.erase(waiting_.begin(), rest);
    // What ends at once is seen at once: no need to be woken by it.
    ring_.set_quiet(true);
    ring_.look();
    ring_.set_quiet(false);
  } else if (under_way_ > 0) {
    ring_.look();
  }
}

// False where there is no room now; it is tried again.
bool FileRing::begin(FileCall& call) noexcept {
  if (free_.empty()) {
    try {
      free_.reserve(slots_.size() + 1);  // so that giving back needs no memory
      slots_.emplace_back();
    } catch (const std::bad_alloc&) {
      return false;
    }
    free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
  }
  io_uring_sqe* const entry = ring_.next();
  if (entry == nullptr) return false;
  const std::uint32_t index = free_.back();
  free_.pop_back();
  slots_[index].call = &call;
  prepare(*entry, call);
  entry->user_data = index | std::uint64_t{slots_[index].generation} << 32;
  ++under_way_;
  return true;
}

void FileRing::prepare(io_uring_sqe& entry, const FileCall& call) const noexcept {
  const auto size = static_cast<unsigned>(std::min(call.size, kLargest));
  // Not offset -1, the file's own position: after a write that was short because of an error, the
  // kernel leaves the position where it was (seen on Linux 6.18).
  const auto offset = static_cast<std::uint64_t>(call.offset);
  switch (call.kind) {
    case FileCall::Kind::open:
      io_uring_prep_openat(&entry, AT_FDCWD, call.path, call.flags, call.mode);
      // Else it would be tried with O_NONBLOCK first, which does not wait for a FIFO's other end.
      entry.flags |= IOSQE_ASYNC;
      return;
    case FileCall::Kind::read:
      io_uring_prep_read(&entry, call.fd, call.data, size, offset);
      return;
    case FileCall::Kind::write:
      io_uring_prep_write(&entry, call.fd, call.data, size, offset);
      if (has_size_limit()) entry.flags |= IOSQE_ASYNC;
      return;
    case FileCall::Kind::sync:
      io_uring_prep_fsync(&entry, call.fd, 0);
      return;
    case FileCall::Kind::status:
      io_uring_prep_statx(&entry, AT_FDCWD, call.path, call.flags, STATX_BASIC_STATS, call.status);
      return;
    case FileCall::Kind::rename:
      io_uring_prep_renameat(&entry, AT_FDCWD, call.path, AT_FDCWD, call.to, 0);
      return;
    case FileCall::Kind::remove:
      io_uring_prep_unlinkat(&entry, AT_FDCWD, call.path, call.flags);
      return;
    case FileCall::Kind::make_folder:
      io_uring_prep_mkdirat(&entry, AT_FDCWD, call.path, call.mode);
      return;
    case FileCall::Kind::close:
      io_uring_prep_close(&entry, call.fd);
      return;
  }
}

// Null for what is of nobody.
FileCall* FileRing::end(std::uint64_t user_data) noexcept {
  const auto index = static_cast<std::uint32_t>(user_data);
  if (user_data == kNobody || index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  if (slot.generation != static_cast<std::uint32_t>(user_data >> 32)) return nullptr;
  ++slot.generation;
  --under_way_;
  free_.push_back(index);
  return std::exchange(slot.call, nullptr);
}

}  // namespace asyncio::detail
