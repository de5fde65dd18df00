// tsan
#include "asyncio/io/backend.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "asyncio/io/internal/test_backends.hpp"

namespace asyncio::detail {
namespace {

// Two connected sockets with a backend between us and the kernel.
class Operations : public ::testing::TestWithParam<Variant> {
 protected:
  Operations() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds_.data()), 0); }
  ~Operations() override {
    for (const int fd : fds_)
      if (fd >= 0) ::close(fd);
  }
  int here() const { return fds_[0]; }
  int there() const { return fds_[1]; }
  void close_there() {
    backend_->close(fds_[1]);
    fds_[1] = -1;
  }

  std::unique_ptr<IoBackend> backend_ = GetParam().make();

 private:
  std::array<int, 2> fds_{-1, -1};
};

TEST_P(Operations, never_block_even_on_blocking_sockets) {
  std::array<char, 8> room;
  EXPECT_EQ(backend_->receive(here()).size, -EAGAIN);
  EXPECT_EQ(backend_->receive_into(here(), room.data(), room.size()), -EAGAIN);
  const std::string much(1'000'000, 'x');
  while (backend_->send(here(), much.data(), much.size()) > 0) {}
  EXPECT_EQ(backend_->send(here(), "x", 1), -EAGAIN);
}

TEST_P(Operations, give_bytes_the_end_and_errors_as_numbers) {
  EXPECT_EQ(backend_->send(there(), "abc", 3), 3);
  const Received received = backend_->receive(here());
  EXPECT_EQ(std::string(received.data, static_cast<std::size_t>(received.size)), "abc");
  EXPECT_EQ(backend_->shutdown_write(there()), 0);
  EXPECT_EQ(backend_->receive(here()).size, 0);
  close_there();
  EXPECT_EQ(backend_->send(here(), "x", 1), -EPIPE);  // and no SIGPIPE
  EXPECT_EQ(backend_->receive(-1).size, -EBADF);
}

// Otherwise a client that leaves during a download would end the whole process.
TEST_P(Operations, a_file_that_nobody_takes_is_an_error_and_no_signal) {
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::fcntl(here(), F_SETFL, O_NONBLOCK), 0);
  EXPECT_GT(backend_->send_file(here(), file, 0, 100), 0);
  close_there();
  EXPECT_EQ(backend_->send_file(here(), file, 0, 100), -EPIPE);
  sigset_t pending;
  ASSERT_EQ(::sigpending(&pending), 0);
  EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
  ::close(file);
}

TEST_P(Operations, send_several_parts_as_one) {
  std::array<char, 4> one{'o', 'n', 'e', ' '};
  std::array<char, 3> two{'t', 'w', 'o'};
  const std::array<iovec, 2> parts{iovec{one.data(), one.size()}, iovec{two.data(), two.size()}};
  EXPECT_EQ(backend_->send_vectored(here(), parts.data(), parts.size()), 7);
  EXPECT_EQ(std::string(backend_->receive(there()).data, 7), "one two");
}

class Accept : public ::testing::TestWithParam<Variant> {};

TEST_P(Accept, gives_a_socket_that_neither_blocks_nor_leaks_into_children) {
  const auto backend = GetParam().make();
  const int listener = backend->open_socket(AF_INET, SOCK_STREAM);
  SocketAddress name;
  sockaddr_in loopback{};
  loopback.sin_family = AF_INET;
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::memcpy(name.bytes, &loopback, sizeof loopback);
  name.length = sizeof loopback;
  ASSERT_EQ(backend->bind(listener, name), 0);
  ASSERT_EQ(backend->listen(listener, 1), 0);
  ASSERT_EQ(backend->socket_name(listener, name), 0);

  SocketAddress peer;
  EXPECT_EQ(backend->accept(listener, peer), -EAGAIN);
  const int client = backend->open_socket(AF_INET, SOCK_STREAM);
  const int connected = backend->connect(client, name);
  EXPECT_TRUE(connected == 0 || connected == -EINPROGRESS);
  EXPECT_EQ(backend->connect_result(client), 0);
  const int served = backend->accept(listener, peer);
  ASSERT_GE(served, 0);
  EXPECT_EQ(peer.length, sizeof(sockaddr_in));
  SocketAddress seen;
  EXPECT_EQ(backend->peer_name(client, seen), 0);
  EXPECT_EQ(std::memcmp(seen.bytes, name.bytes, name.length), 0);
  for (const int fd : {listener, client, served}) {
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
    backend->close(fd);
  }
}

TEST(MakingSockets, gives_numbers_for_what_goes_wrong) {
  const auto backend = make_epoll_backend();
  SocketAddress name;
  EXPECT_EQ(backend->open_socket(-1, SOCK_STREAM), -EAFNOSUPPORT);
  EXPECT_EQ(backend->bind(-1, name), -EBADF);
  EXPECT_EQ(backend->listen(-1, 1), -EBADF);
  EXPECT_EQ(backend->socket_name(-1, name), -EBADF);
  EXPECT_EQ(backend->set_nonblocking(-1), -EBADF);
  int first = -1;
  int second = -1;
  ASSERT_EQ(backend->open_socket_pair(first, second), 0);
  EXPECT_EQ(backend->send(first, "a", 1), 1);
  EXPECT_EQ(backend->receive(second).size, 1);
  int type = 0;
  unsigned size = sizeof type;
  EXPECT_EQ(backend->get_option(first, SOL_SOCKET, SO_TYPE, &type, size), 0);
  EXPECT_EQ(type, SOCK_STREAM);
  backend->close(first);
  backend->close(second);
}

TEST_P(Watching, tells_of_each_arrival_once) {
  backend_->watch(fds_[0], watcher_);
  EXPECT_EQ(look(), "");  // that a fresh socket is writable interests nobody
  send("a");
  EXPECT_EQ(look(), "r.");
  EXPECT_EQ(look(), "");
  send("b");
  EXPECT_EQ(look(), "r.");
}

TEST_P(Watching, tells_of_writability_only_where_it_was_asked_for) {
  backend_->watch(fds_[0], watcher_);
  backend_->watch_writable(fds_[0], watcher_);
  EXPECT_EQ(look(), "w.");
  EXPECT_EQ(look(), "");
}

TEST_P(Watching, announces_a_hangup_before_readiness) {
  backend_->watch(fds_[0], watcher_);
  ::shutdown(fds_[1], SHUT_WR);
  EXPECT_EQ(look(), "hr.");
}

TEST_P(Watching, repeats_itself_where_it_watches_the_level) {
  backend_->watch_level(fds_[0], watcher_, true, false);
  send("a");
  EXPECT_EQ(look(), "r.");
  EXPECT_EQ(look(), "r.");
  backend_->watch_level(fds_[0], watcher_, false, true);
  EXPECT_EQ(look(), "w.");
  backend_->watch_level(fds_[0], watcher_, false, false);
  EXPECT_EQ(look(), "");
}

TEST_P(Watching, says_nothing_of_what_it_was_told_to_forget) {
  backend_->watch(fds_[0], watcher_);
  send("a");
  backend_->forget(fds_[0]);
  EXPECT_EQ(look(), "");
  backend_->watch(fds_[0], watcher_);
  EXPECT_EQ(look(), "r.");
}

TEST_P(Watching, tells_who_is_still_watching_that_it_ends) {
  backend_->watch(fds_[0], watcher_);
  backend_.reset();
  EXPECT_EQ(watcher_.take(), "closed");
}

TEST_P(Watching, a_wake_from_another_thread_or_from_before_ends_a_wait) {
  backend_->wake();
  backend_->wait(IoBackend::kForever);
  std::thread other([this] { backend_->wake(); });
  backend_->wait(IoBackend::kForever);
  other.join();
}

INSTANTIATE_TEST_SUITE_P(Each, Operations, ::testing::ValuesIn(all_variants()), variant_name);
INSTANTIATE_TEST_SUITE_P(Each, Accept, ::testing::ValuesIn(all_variants()), variant_name);
INSTANTIATE_TEST_SUITE_P(Each, Watching, ::testing::ValuesIn(all_variants()), variant_name);

}  // namespace
}  // namespace asyncio::detail
