// How little CPU can an echo server on io_uring take? Multishot accept and receive, one ring of
// buffers, sends of the very buffer that was received, one system call a pass. No coroutine, no
// timeout, no back-pressure; what fails is closed.
#include <liburing.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bench/support/net/serving.hpp"

namespace {

constexpr unsigned kBufferSize = 16384;
constexpr unsigned kBuffers = 2048;

enum Kind : std::uint64_t { kAccept, kReceive, kSend, kClose };

std::uint64_t pack(Kind kind, int fd, unsigned buffer) {
  return static_cast<std::uint64_t>(kind) | static_cast<std::uint64_t>(fd) << 8U |
         static_cast<std::uint64_t>(buffer) << 40U;
}

class Echo {
 public:
  explicit Echo(int listener) : listener_(listener) {
    io_uring_params parameters{};
    parameters.flags =
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    parameters.cq_entries = 32768;
    if (io_uring_queue_init_params(4096, &ring_, &parameters) < 0) bench::give_up("io_uring");
    void* memory = nullptr;
    if (::posix_memalign(&memory, 4096, kBuffers * sizeof(io_uring_buf)) != 0) std::abort();
    buffers_ = static_cast<io_uring_buf_ring*>(memory);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
    registration.ring_entries = kBuffers;
    if (io_uring_register_buf_ring(&ring_, &registration, 0) != 0) bench::give_up("buffers");
    io_uring_buf_ring_init(buffers_);
    if (::posix_memalign(&memory, 4096, std::size_t{kBuffers} * kBufferSize) != 0) std::abort();
    data_ = static_cast<char*>(memory);
    for (unsigned i = 0; i < kBuffers; ++i) give_back(i, static_cast<int>(i));
    io_uring_buf_ring_advance(buffers_, static_cast<int>(kBuffers));
    accept();
  }

  [[noreturn]] void run() {
    for (;;) {
      io_uring_submit_and_wait(&ring_, 1);
      io_uring_cqe* entry = nullptr;
      unsigned head = 0;
      unsigned count = 0;
      returned_ = 0;
      io_uring_for_each_cqe(&ring_, head, entry) {
        ++count;
        complete(*entry);
      }
      io_uring_buf_ring_advance(buffers_, returned_);
      io_uring_cq_advance(&ring_, count);
    }
  }

 private:
  io_uring_sqe* next(Kind kind, int fd, unsigned buffer) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) {
      io_uring_submit(&ring_);
      entry = io_uring_get_sqe(&ring_);
    }
    pending_data_ = pack(kind, fd, buffer);
    return entry;
  }
  void accept() {
    io_uring_sqe* const entry = next(kAccept, 0, 0);
    io_uring_prep_multishot_accept(entry, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    entry->user_data = pending_data_;
  }
  void receive(int fd) {
    io_uring_sqe* const entry = next(kReceive, fd, 0);
    io_uring_prep_recv_multishot(entry, fd, nullptr, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = 0;
    entry->user_data = pending_data_;
  }
  void give_back(unsigned buffer, int place) {
    io_uring_buf_ring_add(buffers_, data_ + std::size_t{buffer} * kBufferSize, kBufferSize,
                          static_cast<unsigned short>(buffer), io_uring_buf_ring_mask(kBuffers),
                          place);
  }
  void complete(const io_uring_cqe& entry) {
    const auto kind = static_cast<Kind>(entry.user_data & 0xFFU);
    const auto fd = static_cast<int>((entry.user_data >> 8U) & 0xFFFFFFFFU);
    const bool more = (entry.flags & IORING_CQE_F_MORE) != 0;
    if (kind == kAccept) {
      if (entry.res >= 0) receive(entry.res);
      if (!more) accept();
    } else if (kind == kReceive && entry.res > 0) {
      const unsigned buffer = entry.flags >> IORING_CQE_BUFFER_SHIFT;
      io_uring_sqe* const sqe = next(kSend, fd, buffer);
      io_uring_prep_send(sqe, fd, data_ + std::size_t{buffer} * kBufferSize,
                         static_cast<std::size_t>(entry.res), MSG_WAITALL | MSG_NOSIGNAL);
      sqe->user_data = pending_data_;
      if (!more) receive(fd);
    } else if (kind == kReceive && entry.res == -ENOBUFS) {
      receive(fd);
    } else if (kind == kReceive) {
      io_uring_sqe* const sqe = next(kClose, fd, 0);
      io_uring_prep_close(sqe, fd);
      sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
      sqe->user_data = pending_data_;
    } else if (kind == kSend) {
      give_back(static_cast<unsigned>(entry.user_data >> 40U), returned_++);
    }
  }

  int listener_;
  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  char* data_ = nullptr;
  int returned_ = 0;
  std::uint64_t pending_data_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || std::string_view(argv[1]) == "udp") return 2;
  Echo(bench::listen_at(argv[1], argv[2], 0)).run();
}
