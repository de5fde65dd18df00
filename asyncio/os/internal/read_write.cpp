#include "asyncio/os/internal/read_write.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace asyncio::detail {
namespace {

// Both signals come to the writing thread, so that they can be blocked there and taken back.
class NoSignal {
 public:
  NoSignal() noexcept {
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGPIPE);
    sigaddset(&both, SIGXFSZ);
    sigpending(&pending_before_);
    pthread_sigmask(SIG_BLOCK, &both, &mask_before_);
  }
  NoSignal(const NoSignal&) = delete;
  NoSignal& operator=(const NoSignal&) = delete;
  ~NoSignal() { pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr); }

  void take_back(int signal) noexcept {
    if (sigismember(&pending_before_, signal) == 1) return;
    constexpr timespec kNow{};
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    sigtimedwait(&one, nullptr, &kNow);
  }

 private:
  sigset_t pending_before_{};
  sigset_t mask_before_{};
};

}  // namespace

ssize_t read_fd(int fd, char* data, std::size_t size) noexcept {
  for (;;) {
    const ssize_t got = ::read(fd, data, size);
    if (got >= 0) return got;
    if (errno != EINTR) return -errno;
  }
}

ssize_t write_fd(int fd, const char* data, std::size_t size) noexcept {
  NoSignal guard;
  for (;;) {
    const ssize_t written = ::write(fd, data, size);
    if (written >= 0) return written;
    const int error = errno;
    if (error == EPIPE) guard.take_back(SIGPIPE);
    if (error == EFBIG) guard.take_back(SIGXFSZ);
    if (error != EINTR) return -error;
  }
}

}  // namespace asyncio::detail
