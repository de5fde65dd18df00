// tsan
#include "asyncio/io/io_uring.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <thread>

#include "asyncio/base/errors.hpp"
#include "asyncio/io/internal/ring.hpp"
#include "asyncio/io/internal/test_backends.hpp"

namespace asyncio::detail {
namespace {

// A stream that is read by a multishot receive: its owner has read before.
class Receiving : public Watching {
 protected:
  void start() {
    backend_->watch(fds_[0], watcher_);
    send("first");
    EXPECT_EQ(look(), "r.");
    EXPECT_EQ(read(), "first");
    EXPECT_EQ(look(), "");
  }
  // All that can be read now.
  std::string read() {
    std::string all;
    for (;;) {
      const Received part = backend_->receive(fds_[0]);
      if (part.size <= 0) return all + (part.size == 0 ? "|end" : "");
      all.append(part.data, static_cast<std::size_t>(part.size));
    }
  }
};

TEST_P(Receiving, brings_every_byte_in_order) {
  start();
  std::string sent;
  std::string got;
  for (int i = 0; i < 200; ++i) {
    const std::string text = std::to_string(i) + std::string(static_cast<std::size_t>(i), '.');
    send(text.c_str());
    sent += text;
    look();
    got += read();
  }
  look();
  EXPECT_EQ(got + read(), sent);
}

TEST_P(Receiving, ends_behind_the_last_byte) {
  start();
  send("last words, longer than one small buffer");
  ::shutdown(fds_[1], SHUT_WR);
  std::string got;
  for (int i = 0; i < 10; ++i) {
    look();
    got += read();
    if (got.ends_with("|end")) break;
  }
  EXPECT_EQ(got, "last words, longer than one small buffer|end");
}

// Otherwise a slow reader would take every buffer, and its peer would never be slowed down.
TEST_P(Receiving, stops_taking_bytes_for_an_owner_that_pauses) {
  start();
  const std::string part(1000, 'x');
  std::size_t sent = 0;
  int refused = 0;
  while (refused < 50) {
    const ssize_t taken = ::send(fds_[1], part.data(), part.size(), MSG_DONTWAIT);
    if (taken > 0) sent += static_cast<std::size_t>(taken);
    refused = taken > 0 ? 0 : refused + 1;
    look();
    ASSERT_LT(sent, 8'000'000U);
  }

  std::size_t got = 0;
  for (int idle = 0; idle < 50; ++idle) {
    const std::size_t size = read().size();
    got += size;
    if (size > 0) idle = 0;
    look();
  }
  EXPECT_EQ(got, sent);
}

TEST_P(Receiving, keeps_what_came_while_nobody_watched) {
  start();
  send("kept");
  backend_->wait(0);
  backend_->forget(fds_[0]);
  watcher_.take();
  send(" and more");
  EXPECT_EQ(look(), "");
  backend_->watch(fds_[0], watcher_);
  std::string got;
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(i > 0 || look().starts_with("r."));
    got += read();
    look();
  }
  EXPECT_EQ(got, "kept and more");
}

TEST_P(Receiving, fills_the_room_of_an_owner_that_brings_its_own) {
  start();
  send("0123456789");
  look();
  std::array<char, 4> room;
  std::string got;
  for (;;) {
    const std::int64_t size = backend_->receive_into(fds_[0], room.data(), room.size());
    if (size <= 0) break;
    got.append(room.data(), static_cast<std::size_t>(size));
  }
  EXPECT_EQ(got, "0123456789");
}

// Otherwise the peer would not see the end until the next pass, and a port could not be used again.
TEST_P(Receiving, close_takes_effect_at_once) {
  start();
  backend_->close(fds_[0]);
  fds_[0] = -1;
  char byte = 0;
  EXPECT_EQ(::recv(fds_[1], &byte, 1, MSG_DONTWAIT), 0);
}

TEST_P(Receiving, a_new_socket_under_an_old_number_gets_nothing_of_the_old_one) {
  start();
  send("for the old one");
  backend_->wait(0);
  backend_->close(fds_[0]);
  ::close(fds_[1]);
  std::array<int, 2> fresh{-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fresh.data()), 0);
  ASSERT_EQ(fresh[0], fds_[0]);
  watcher_.take();
  fds_ = fresh;
  backend_->watch(fds_[0], watcher_);
  EXPECT_EQ(look(), "");
  EXPECT_EQ(backend_->receive(fds_[0]).size, -EAGAIN);
  send("new");
  EXPECT_EQ(look(), "r.");
  EXPECT_EQ(read(), "new");
}

TEST_P(Receiving, goes_on_in_another_thread) {
  start();
  std::thread([&] {
    send("there");
    look();  // finds itself in a new thread
    for (int i = 0; i < 3; ++i) look();
    EXPECT_EQ(read(), "there");
    look();
  }).join();
  send("here");
  std::string got;
  for (int i = 0; i < 5; ++i) {
    look();
    got += read();
  }
  EXPECT_EQ(got, "here");
}

TEST_P(Receiving, a_destroyed_backend_holds_no_file_open) {
  start();
  backend_.reset();
  ::close(std::exchange(fds_[0], -1));
  char byte = 0;
  EXPECT_EQ(::recv(fds_[1], &byte, 1, MSG_DONTWAIT), 0);
}

INSTANTIATE_TEST_SUITE_P(Each, Receiving, ::testing::ValuesIn(all_variants()), variant_name);

// ---- accepting

class Accepting : public ::testing::TestWithParam<Variant> {
 protected:
  Accepting() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in loopback{};
    loopback.sin_family = AF_INET;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::memcpy(name_.bytes, &loopback, sizeof loopback);
    name_.length = sizeof loopback;
    EXPECT_EQ(backend_->bind(listener_, name_), 0);
    EXPECT_EQ(backend_->listen(listener_, 1000), 0);
    EXPECT_EQ(backend_->socket_name(listener_, name_), 0);
    backend_->watch(listener_, watcher_);
    backend_->wait(0);
  }
  ~Accepting() override {
    for (const int fd : clients_) ::close(fd);
  }
  void connect() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    backend_->connect(fd, name_);
    clients_.push_back(fd);
  }
  // How many were accepted.
  int accept_all() {
    for (int count = 0;; ++count) {
      SocketAddress peer;
      const int fd = backend_->accept(listener_, peer);
      if (fd < 0) return count;
      EXPECT_EQ(peer.length, sizeof(sockaddr_in));
      EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
      EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
      backend_->close(fd);
    }
  }

  Watcher watcher_;
  SocketAddress name_;
  std::vector<int> clients_;
  std::unique_ptr<IoBackend> backend_ = GetParam().make();
  int listener_ = -1;
};

TEST_P(Accepting, gives_each_client_once) {
  int accepted = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < round; ++i) connect();
    backend_->wait(0);
    accepted += accept_all();
  }
  backend_->wait(0);
  EXPECT_EQ(accepted + accept_all(), 190);
  backend_->close(listener_);
}

TEST_P(Accepting, holds_a_bounded_number_for_an_owner_that_does_not_take_them) {
  connect();
  backend_->wait(0);
  EXPECT_EQ(accept_all(), 1);
  for (int i = 0; i < 300; ++i) {
    connect();
    backend_->wait(0);
  }
  int accepted = 0;
  for (int i = 0; i < 20; ++i) {
    accepted += accept_all();
    backend_->wait(0);
  }
  EXPECT_EQ(accepted, 300);
  backend_->close(listener_);
}

TEST_P(Accepting, a_closed_listener_refuses_at_once_and_drops_who_waited) {
  connect();
  backend_->wait(0);
  accept_all();
  connect();
  backend_->wait(0);
  backend_->wait(0);
  backend_->close(listener_);
  const int late = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(backend_->connect(late, name_), -ECONNREFUSED);
  ::close(late);
  char byte = 0;
  EXPECT_LE(::recv(clients_.back(), &byte, 1, MSG_DONTWAIT), 0);
  EXPECT_NE(errno, EAGAIN);
}

INSTANTIATE_TEST_SUITE_P(Each, Accepting, ::testing::ValuesIn(all_variants()), variant_name);

// ---- the ring itself

class IoUring : public ::testing::Test {
 protected:
  void SetUp() override {
    if (all_variants().size() == 1) GTEST_SKIP() << "the kernel forbids io_uring here";
  }
};

TEST_F(IoUring, says_with_which_number_the_kernel_refuses) {
  for (const int error : {EPERM, ENOSYS}) {
    static int refusal = 0;
    refusal = -error;
    IoUringOptions options;
    options.setup = [](unsigned, io_uring_params*) { return refusal; };
    try {
      make_io_uring_backend(options);
      ADD_FAILURE() << "a ring where there is none";
    } catch (const OSError& refused) {
      EXPECT_EQ(refused.error_number(), error);
      EXPECT_EQ(refused.operation(), "io_uring_setup");
    }
  }
}

TEST_F(IoUring, makes_do_with_less_memory) {
  IoUringOptions options;
  options.setup = [](unsigned entries, io_uring_params*) { return entries > 64 ? -ENOMEM : 0; };
  make_io_uring_backend(options)->wait(0);
  options.setup = [](unsigned, io_uring_params*) { return -ENOMEM; };
  EXPECT_THROW(make_io_uring_backend(options), OSError);
}

// What a child without privileges (to root, limits do not apply) that may lock so many bytes of
// memory comes to: 0 where an echo through a backend works, else the errno of its making.
int echo_with_locked_memory(rlim_t bytes) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{bytes, bytes};
    if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) ::_exit(255);
    if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(254);
    try {
      const auto backend = make_io_uring_backend();
      Watcher watcher;
      std::array<int, 2> pair{-1, -1};
      if (backend->open_socket_pair(pair[0], pair[1]) != 0) ::_exit(253);
      backend->watch(pair[0], watcher);
      bool all = true;
      for (int i = 0; i < 5; ++i) {
        backend->send(pair[1], "abc", 3);
        backend->wait(0);
        all = all && backend->receive(pair[0]).size == 3;
      }
      static_cast<void>(backend->offers(FileCall::Kind::read));  // yes or no, but no crash
      ::_exit(all ? 0 : 252);
    } catch (const OSError& error) {
      ::_exit(error.error_number());
    }
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Before Linux 5.12, and again in 6.18, the rings count as locked memory.
TEST_F(IoUring, works_where_little_memory_may_be_locked) {
  EXPECT_EQ(echo_with_locked_memory(rlim_t{64} * 1024), 0);
  const int without = echo_with_locked_memory(0);
  EXPECT_TRUE(without == 0 || without == ENOMEM) << without;
}

// The kernel keeps what comes on top of the completion queue until there is room.
TEST_F(IoUring, completions_that_overflow_the_queue_are_not_lost) {
  Ring ring({.entries = 16, .completions = 32});
  ring.enable();
  constexpr unsigned kCount = 100;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    io_uring_sqe* const entry = ring.next();
    ASSERT_NE(entry, nullptr);
    io_uring_prep_nop(entry);
    entry->user_data = i;
  }
  EXPECT_EQ(ring.look(), 0);
  EXPECT_EQ(ring.ready(), 32U) << "the rest has overflowed";
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 10 && seen.size() < kCount; ++i) {
    while (ring.ready() > 0) seen.insert(ring.pop().user_data);
    EXPECT_EQ(ring.look(), 0);
  }
  EXPECT_EQ(seen.size(), kCount);
}

// ENOBUFS: the streams are read like under epoll until there are buffers again.
TEST_F(IoUring, streams_go_on_where_the_buffers_run_out) {
  constexpr std::size_t kStreams = 4;
  Watcher watcher;
  const auto backend = make_io_uring_backend({.buffers = 2, .buffer_size = 16});
  std::array<std::array<int, 2>, kStreams> pairs{};
  const auto send_to_all = [&](const std::string& text) {
    for (const auto& pair : pairs)
      EXPECT_EQ(::send(pair[1], text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  };
  for (auto& pair : pairs) {
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
    backend->watch(pair[0], watcher);
    backend->wait(0);
    EXPECT_EQ(backend->receive(pair[0]).size, -EAGAIN);  // from now on by the kernel
    backend->wait(0);
  }
  std::int64_t longest = 0;
  for (int round = 0; round < 5; ++round) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += static_cast<char>('a' + (i + round) % 26);
    send_to_all(text);
    for (int i = 0; i < 5; ++i) backend->wait(0);  // nobody takes anything
    std::array<std::string, kStreams> got;
    for (int i = 0; i < 100; ++i) {
      backend->wait(0);
      for (std::size_t k = 0; k < kStreams; ++k)
        if (const Received part = backend->receive(pairs[k][0]); part.size > 0) {
          got[k].append(part.data, static_cast<std::size_t>(part.size));
          longest = std::max(longest, part.size);
        }
    }
    for (const std::string& each : got) EXPECT_EQ(each, text);
  }
  EXPECT_GT(longest, 16) << "something was read without a lent buffer";
  for (const auto& pair : pairs)
    for (const int fd : pair) backend->close(fd);
}

TEST_F(IoUring, watches_more_descriptors_than_the_queue_has_room_for) {
  Watcher watcher;
  std::vector<int> fds;
  const auto backend = make_io_uring_backend({.entries = 16, .completions = 32, .buffers = 2});
  for (int i = 0; i < 200; ++i) {
    std::array<int, 2> pair{-1, -1};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
    backend->watch(pair[0], watcher);
    fds.insert(fds.end(), pair.begin(), pair.end());
  }
  for (std::size_t i = 1; i < fds.size(); i += 2) EXPECT_EQ(::send(fds[i], "x", 1, 0), 1);
  std::size_t first = 0;
  for (int i = 0; i < 100; ++i) {
    backend->wait(0);
    if (watcher.take().empty()) continue;
    for (std::size_t k = 0; k < fds.size(); k += 2) first += backend->receive(fds[k]).size == 1;
  }
  EXPECT_EQ(first, 200U);
  for (int i = 0; i < 20; ++i) backend->wait(0);
  for (std::size_t i = 1; i < fds.size(); i += 2) EXPECT_EQ(::send(fds[i], "yz", 2, 0), 2);
  std::size_t got = 0;
  for (int i = 0; i < 200; ++i) {
    backend->wait(0);
    for (std::size_t k = 0; k < fds.size(); k += 2)
      if (const Received part = backend->receive(fds[k]); part.size > 0)
        got += static_cast<std::size_t>(part.size);
  }
  EXPECT_EQ(got, 400U);
  for (const int fd : fds) backend->close(fd);
}

TEST_F(IoUring, refuses_what_cannot_be_waited_for) {
  const auto backend = make_io_uring_backend();
  Watcher watcher;
  EXPECT_THROW(backend->watch(-1, watcher), ValueError);
  EXPECT_THROW(backend->watch(9999, watcher), OSError);
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  EXPECT_THROW(backend->watch_level(file, watcher, true, false), PermissionError);
  ::close(file);
}

// The child must neither disturb the ring of its parent nor crash on its own way out.
TEST_F(IoUring, a_forked_child_leaves_the_ring_to_its_parent) {
  auto backend = make_io_uring_backend();
  Watcher watcher;
  std::array<int, 2> pair{-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  backend->watch(pair[0], watcher);
  backend->wait(0);

  const pid_t child = ::fork();
  if (child == 0) {
    int code = 1;
    try {
      backend->wait(0);
    } catch (const RuntimeError&) {
      code = 0;
    }
    backend->close(pair[0]);
    backend.reset();
    ::_exit(code);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);

  EXPECT_EQ(status, 0);
  EXPECT_EQ(::send(pair[1], "a", 1, 0), 1);
  backend->wait(0);
  EXPECT_EQ(watcher.take(), "r.");
  for (const int fd : pair) backend->close(fd);
}

}  // namespace
}  // namespace asyncio::detail
