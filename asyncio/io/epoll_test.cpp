#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "asyncio/io/internal/test_backends.hpp"

namespace asyncio::detail {
namespace {

class Epoll : public Watching {};

// Otherwise the old socket's last event would reach the new socket's owner.
TEST_P(Epoll, keeps_a_reused_number_apart_from_its_predecessor) {
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

INSTANTIATE_TEST_SUITE_P(One, Epoll, ::testing::Values(all_variants().front()), variant_name);

}  // namespace
}  // namespace asyncio::detail
