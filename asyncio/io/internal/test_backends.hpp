// test_backends.hpp: the backends that the tests of this folder run on, and a pair of sockets.
#pragma once
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/base/errors.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/io/io_uring.hpp"

namespace asyncio::detail {

struct Variant {
  const char* name;
  std::function<std::unique_ptr<IoBackend>()> make;
};

// Both backends, and io_uring as it is on kernels that lack something; only epoll where the kernel
// forbids io_uring.
inline std::vector<Variant> all_variants() {
  const Variant epoll{"epoll", [] { return make_epoll_backend(); }};
  try {
    make_io_uring_backend();
  } catch (const OSError&) {
    return {epoll};
  }
  return {
      epoll,
      {"io_uring", [] { return make_io_uring_backend(); }},
      {"io_uring_without_multishot",
       [] {
         return make_io_uring_backend({.receive_multishot = false, .accept_multishot = false});
       }},
      {"io_uring_without_deferred_work",
       [] { return make_io_uring_backend({.deferred_work = false}); }},
      {"io_uring_of_the_smallest_size",
       [] {
         return make_io_uring_backend(
             {.entries = 16, .completions = 32, .buffers = 2, .buffer_size = 16});
       }},
  };
}

inline std::string variant_name(const ::testing::TestParamInfo<Variant>& info) {
  return info.param.name;
}

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

class Watching : public ::testing::TestWithParam<Variant> {
 protected:
  Watching() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds_.data()), 0);
  }
  ~Watching() override {
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
  std::unique_ptr<IoBackend> backend_ = GetParam().make();
};

}  // namespace asyncio::detail
