// tsan
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "asyncio/io/backend.hpp"

namespace asyncio::detail {
namespace {

class Watcher final : public FdWatcher {
 public:
  void on_ready(bool readable, bool writable) noexcept override {
    events += readable ? "r" : "";
    events += writable ? "w" : "";
    events += ".";
  }
  void on_hangup() noexcept override { events += "h"; }
  void on_backend_closed() noexcept override { events += "closed"; }

  // What came since the last call.
  std::string take() { return std::exchange(events, {}); }
  std::string events;
};

class Epoll : public ::testing::Test {
 protected:
  Epoll() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds_.data()), 0);
  }
  ~Epoll() override {
    for (const int fd : fds_)
      if (fd >= 0) ::close(fd);
  }
  void send(const char* text) {
    EXPECT_GT(::send(fds_[1], text, std::char_traits<char>::length(text), 0), 0);
  }
  std::string look() {
    backend_->wait(0);
    return watcher_.take();
  }

  std::array<int, 2> fds_{-1, -1};
  Watcher watcher_;
  std::unique_ptr<IoBackend> backend_ = make_epoll_backend();
};

TEST_F(Epoll, tells_of_each_arrival_once) {
  backend_->watch(fds_[0], watcher_);
  EXPECT_EQ(look(), "");  // that a fresh socket is writable interests nobody
  send("a");
  EXPECT_EQ(look(), "r.");
  EXPECT_EQ(look(), "");
  send("b");
  EXPECT_EQ(look(), "r.");
}

TEST_F(Epoll, tells_of_writability_only_where_it_was_asked_for) {
  backend_->watch(fds_[0], watcher_);
  backend_->watch_writable(fds_[0], watcher_);
  EXPECT_EQ(look(), "w.");
  EXPECT_EQ(look(), "");
}

TEST_F(Epoll, announces_a_hangup_before_readiness) {
  backend_->watch(fds_[0], watcher_);
  ::shutdown(fds_[1], SHUT_WR);
  EXPECT_EQ(look(), "hr.");
}

TEST_F(Epoll, repeats_itself_where_it_watches_the_level) {
  backend_->watch_level(fds_[0], watcher_, true, false);
  send("a");
  EXPECT_EQ(look(), "r.");
  EXPECT_EQ(look(), "r.");
  backend_->watch_level(fds_[0], watcher_, false, true);
  EXPECT_EQ(look(), "w.");
  backend_->watch_level(fds_[0], watcher_, false, false);
  EXPECT_EQ(look(), "");
}

TEST_F(Epoll, says_nothing_of_what_it_was_told_to_forget) {
  backend_->watch(fds_[0], watcher_);
  send("a");
  backend_->forget(fds_[0]);
  EXPECT_EQ(look(), "");
  backend_->watch(fds_[0], watcher_);
  EXPECT_EQ(look(), "r.");
}

// Otherwise the old socket's last event would reach the new socket's owner.
TEST_F(Epoll, keeps_a_reused_number_apart_from_its_predecessor) {
  backend_->watch(fds_[0], watcher_);
  const int copy = ::dup(fds_[0]);  // keeps the closed socket in the epoll set
  send("for the old one");
  backend_->close(fds_[0]);
  std::array<int, 2> fresh{-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fresh.data()), 0);
  ASSERT_EQ(fresh[0], fds_[0]);
  Watcher newcomer;
  backend_->watch(fresh[0], newcomer);
  EXPECT_EQ(look(), "");
  EXPECT_EQ(newcomer.take(), "");
  backend_->close(fresh[0]);
  fds_[0] = -1;
  ::close(fresh[1]);
  ::close(copy);
}

TEST_F(Epoll, tells_who_is_still_watching_that_it_ends) {
  backend_->watch(fds_[0], watcher_);
  backend_.reset();
  EXPECT_EQ(watcher_.take(), "closed");
}

TEST_F(Epoll, a_wake_from_another_thread_or_from_before_ends_a_wait) {
  backend_->wake();
  backend_->wait(IoBackend::kForever);
  std::thread other([this] { backend_->wake(); });
  backend_->wait(IoBackend::kForever);
  other.join();
}

}  // namespace
}  // namespace asyncio::detail
