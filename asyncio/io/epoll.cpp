// epoll.cpp: the backend on epoll(7), with an eventfd(2) to be woken by.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/base/errors.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/io/internal/before_wait.hpp"

namespace asyncio::detail {
namespace {

class EpollBackend final : public IoBackend {
 public:
  EpollBackend();
  EpollBackend(const EpollBackend&) = delete;
  EpollBackend& operator=(const EpollBackend&) = delete;
  ~EpollBackend() override;

  void wait(std::int64_t timeout_ns) override;
  void wake() noexcept override;
  void watch(int fd, FdWatcher& watcher) override;
  void watch_writable(int fd, FdWatcher& watcher) override;
  void watch_level(int fd, FdWatcher& watcher, bool readable, bool writable) override;
  void forget(int fd) noexcept override;
  void close(int fd) noexcept override;
  bool call_before_wait(int fd) noexcept override { return before_wait_.add(fd); }
  const char* name() const noexcept override { return "epoll"; }

 private:
  // What an epoll event carries: the fd and its generation, so that an event of a closed fd that
  // came in the same batch does not reach the watcher of a new fd with the same number.
  struct Watched {
    FdWatcher* watcher = nullptr;
    std::uint32_t generation = 0;
    bool registered = false;
  };

  int collect(std::int64_t timeout_ns);
  Watched& slot(int fd);
  void control(int fd, std::uint32_t events, FdWatcher& watcher);

  static constexpr int kMaxEvents = 256;
  int epoll_ = -1;
  int wakeup_ = -1;
  bool has_pwait2_ = true;
  std::vector<Watched> watched_;  // by fd
  BeforeWait before_wait_;
  std::array<epoll_event, kMaxEvents> events_{};
};

EpollBackend::EpollBackend() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) throw_os_error(errno, "epoll_create1");
  wakeup_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wakeup_ < 0) {
    const int error = errno;
    ::close(epoll_);
    throw_os_error(error, "eventfd");
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // edge: one write wakes once, and needs no read
  event.data.u64 = static_cast<std::uint32_t>(wakeup_);
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &event) != 0) {
    const int error = errno;
    ::close(wakeup_);
    ::close(epoll_);
    throw_os_error(error, "epoll_ctl");
  }
}

EpollBackend::~EpollBackend() {
  // By index: a watcher that is told may forget others.
  for (std::size_t fd = 0; fd < watched_.size(); ++fd) {
    FdWatcher* const watcher = std::exchange(watched_[fd].watcher, nullptr);
    if (watcher != nullptr) watcher->on_backend_closed();
  }
  ::close(wakeup_);
  ::close(epoll_);
}

int EpollBackend::collect(std::int64_t timeout_ns) {
  if (has_pwait2_) {
    timespec timeout{};
    timeout.tv_sec = timeout_ns / 1'000'000'000;
    timeout.tv_nsec = timeout_ns % 1'000'000'000;
    const int count = epoll_pwait2(epoll_, events_.data(), kMaxEvents,
                                   timeout_ns == kForever ? nullptr : &timeout, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;
    has_pwait2_ = false;  // a kernel before 5.11
  }
  int timeout_ms = -1;
  if (timeout_ns != kForever) {  // rounded up: waking early would spin
    const std::int64_t rounded = (timeout_ns + 999'999) / 1'000'000;
    timeout_ms = rounded > 86'400'000 ? 86'400'000 : static_cast<int>(rounded);
  }
  return epoll_wait(epoll_, events_.data(), kMaxEvents, timeout_ms);
}

void EpollBackend::wait(std::int64_t timeout_ns) {
  const bool is_busy = before_wait_.call([this](int fd) {
    const auto index = static_cast<std::size_t>(fd);
    return index < watched_.size() ? watched_[index].watcher : nullptr;
  });
  const int count = observed(IoOperation::wait, -1, [&] {
    const int found = collect(is_busy ? 0 : timeout_ns);
    return found < 0 ? -errno : found;
  });
  if (count == -EINTR) return;
  if (count < 0) throw_os_error(-count, "epoll_wait");
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    const auto fd = static_cast<std::uint32_t>(event.data.u64);
    const auto generation = static_cast<std::uint32_t>(event.data.u64 >> 32);
    if (fd == static_cast<std::uint32_t>(wakeup_)) continue;
    if (fd >= watched_.size()) continue;
    const Watched& watched = watched_[fd];
    if (watched.watcher == nullptr || watched.generation != generation) continue;
    FdWatcher& watcher = *watched.watcher;
    const bool failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    if ((event.events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0) watcher.on_hangup();
    watcher.on_ready(failed || (event.events & (EPOLLIN | EPOLLRDHUP)) != 0,
                     failed || (event.events & EPOLLOUT) != 0);
  }
}

void EpollBackend::wake() noexcept {
  const std::uint64_t one = 1;
  const int saved = errno;  // this may run in a signal handler
  // EAGAIN means that the counter is full, and so the wake-up is there already.
  [[maybe_unused]] const ssize_t written = write(wakeup_, &one, sizeof one);
  errno = saved;
}

EpollBackend::Watched& EpollBackend::slot(int fd) {
  if (fd < 0) throw ValueError("Invalid file descriptor: " + std::to_string(fd));
  if (static_cast<std::size_t>(fd) >= watched_.size())
    watched_.resize(static_cast<std::size_t>(fd) + 16);
  return watched_[static_cast<std::size_t>(fd)];
}

void EpollBackend::control(int fd, std::uint32_t events, FdWatcher& watcher) {
  Watched& watched = slot(fd);
  epoll_event event{};
  event.events = events;
  event.data.u64 = static_cast<std::uint32_t>(fd) | std::uint64_t{watched.generation} << 32;
  int operation = watched.registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  int result = epoll_ctl(epoll_, operation, fd, &event);
  // The fd was closed behind our back and its number reused.
  if (result != 0 && errno == ENOENT && watched.registered)
    result = epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  if (result != 0) throw_os_error(errno, "epoll_ctl");
  watched.watcher = &watcher;
  watched.registered = true;
}

void EpollBackend::watch(int fd, FdWatcher& watcher) {
  // No EPOLLOUT: it would report every fresh socket once, for nothing.
  control(fd, EPOLLIN | EPOLLRDHUP | EPOLLET, watcher);
}

void EpollBackend::watch_writable(int fd, FdWatcher& watcher) {
  // Changing the interest reports what holds now, so no edge is lost in between.
  control(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, watcher);
}

void EpollBackend::watch_level(int fd, FdWatcher& watcher, bool readable, bool writable) {
  if (!readable && !writable) {
    forget(fd);
    return;
  }
  control(fd, (readable ? EPOLLIN | EPOLLRDHUP : 0U) | (writable ? EPOLLOUT : 0U), watcher);
}

void EpollBackend::forget(int fd) noexcept {
  if (fd < 0 || static_cast<std::size_t>(fd) >= watched_.size()) return;
  Watched& watched = watched_[static_cast<std::size_t>(fd)];
  if (!watched.registered) return;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  watched.watcher = nullptr;
  watched.registered = false;
  ++watched.generation;
}

void EpollBackend::close(int fd) noexcept {
  // close(2) leaves the epoll set by itself; the generation guards against a copy of the fd in
  // another process, which would keep it there.
  if (fd >= 0 && static_cast<std::size_t>(fd) < watched_.size()) {
    Watched& watched = watched_[static_cast<std::size_t>(fd)];
    watched.watcher = nullptr;
    watched.registered = false;
    ++watched.generation;
  }
  ::close(fd);
}

}  // namespace

std::unique_ptr<IoBackend> make_epoll_backend() { return std::make_unique<EpollBackend>(); }

}  // namespace asyncio::detail
