// transports.cpp: water marks, close and abort, over a socket pair whose other end is a plain one.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "trace.hpp"

namespace parity {
namespace {

struct Pair {
  int ours = -1;
  int peers = -1;
};

Pair make_pair() {
  std::array<int, 2> fds = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) != 0)
    log("no socket pair");
  return {fds[0], fds[1]};
}

Coro<std::size_t> read_all(int fd) {
  std::size_t total = 0;
  for (;;) {
    std::string data = co_await get_running_loop().sock_recv(fd, 65'536);
    if (data.empty()) co_return total;
    total += data.size();
  }
}

}  // namespace
}  // namespace parity

namespace parity::s093 {

using asyncio::StreamWriter;
using asyncio::Transport;

constexpr std::size_t kHigh = 50'000;
constexpr std::size_t kLow = 12'500;

// Reads by hand until the drains are released; gives the bytes read.
Coro<std::size_t> read_until_released(Transport& tr, const Task<>& d1, int fd) {
  std::size_t got = 0;
  bool seen_between = false;
  while (!d1.done()) {
    std::array<char, 2'000> part = {};
    const ssize_t size = ::recv(fd, part.data(), part.size(), MSG_DONTWAIT);
    if (size > 0) got += static_cast<std::size_t>(size);
    co_await nap(500us);
    const std::size_t buffered = tr.get_write_buffer_size();
    if (kLow < buffered && buffered <= kHigh && !d1.done()) seen_between = true;
  }
  log("kept waiting between the marks", seen_between);
  co_return got;
}

Coro<> drain(StreamWriter& w) { co_await w.drain(); }

Coro<> async_main() {
  const Pair pair = make_pair();
  const int size = 8'192;
  for (const int fd : {pair.ours, pair.peers})
    ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  auto connection = co_await asyncio::open_connection({.sock = pair.ours});
  StreamWriter& w1 = connection.writer;
  Transport& tr = w1.transport();
  log("limits", tr.get_write_buffer_limits());
  w1.write(std::string(100, 'x'));
  co_await w1.drain();
  log("small write: buffered", tr.get_write_buffer_size());

  tr.set_write_buffer_limits({.high = kHigh});
  log("limits", tr.get_write_buffer_limits());
  std::size_t total = 100;
  while (tr.get_write_buffer_size() <= kHigh) {
    w1.write(std::string(1'000, 'y'));
    total += 1'000;
  }
  auto d1 = create_task(drain(w1));
  auto d2 = create_task(drain(w1));
  co_await nap(20ms);
  log("above high water; drains waiting", !d1.done(), !d2.done());
  std::size_t got = co_await read_until_released(tr, d1, pair.peers);
  const std::size_t left = tr.get_write_buffer_size();
  log("released with data still buffered", 0 < left && left <= kLow, "both", d2.done());
  w1.close();
  got += co_await read_all(pair.peers);
  log("all bytes arrived", got == total);
  co_await w1.wait_closed();
  ::close(pair.peers);
  log(thrown_by([&] { tr.set_write_buffer_limits({.high = 1, .low = 2}); }));
}

PARITY_RUN(s093, async_main)
}  // namespace parity::s093

namespace parity::s094 {

class Proto : public asyncio::Protocol {
 public:
  void connection_lost(std::exception_ptr error) override {
    log("  connection_lost", error);
    lost.set_result();
  }
  Future<> lost;
};

Coro<> ended_by(const char* how, void (asyncio::Transport::*end)()) {
  log(how);
  const Pair pair = make_pair();
  auto made = co_await get_running_loop().create_connection(
      [] { return std::make_shared<Proto>(); }, {.sock = pair.ours});
  asyncio::Transport& tr = *made.first;
  tr.write(std::string(2'000'000, 'z'));
  log("  buffered", tr.get_write_buffer_size() > 0);
  (tr.*end)();
  log("  returned; is_closing", tr.is_closing(), "lost yet", made.second->lost.done());
  tr.close();
  const std::size_t n = co_await read_all(pair.peers);
  log("  peer got everything", n == 2'000'000);
  co_await made.second->lost;
  ::close(pair.peers);
}

Coro<> async_main() {
  co_await ended_by("close", &asyncio::Transport::close);
  co_await ended_by("abort", &asyncio::Transport::abort);

  log("write after close");
  const Pair pair = make_pair();
  auto [r, w] = co_await asyncio::open_connection({.sock = pair.ours});
  w.close();
  co_await w.wait_closed();
  w.write("ignored");
  std::exception_ptr error = co_await caught(w.drain());
  log(" ", error);
  std::string end = co_await get_running_loop().sock_recv(pair.peers, 10);
  log("  peer sees EOF", Bytes{end});
  ::close(pair.peers);
}

PARITY_RUN(s094, async_main)
}  // namespace parity::s094
