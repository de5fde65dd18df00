#include "asyncio/net/sockets.hpp"

#include <cerrno>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/core/sleep.hpp"
#include "asyncio/io/backend.hpp"

namespace asyncio {
namespace {

using detail::SocketAddress;

constexpr bool kRead = true;
constexpr bool kWrite = false;

// A callback on the fd for the time of a scope; cancelling the await removes it, too.
class ReadinessScope {
 public:
  ReadinessScope(Loop& loop, int fd, bool reading, Future<> ready)
      : loop_(loop), fd_(fd), reading_(reading) {
    auto set = [ready] {
      if (!ready.done()) ready.set_result();
    };
    if (reading_)
      loop_.add_reader(fd_, set);
    else
      loop_.add_writer(fd_, set);
  }
  ReadinessScope(const ReadinessScope&) = delete;
  ReadinessScope& operator=(const ReadinessScope&) = delete;
  ~ReadinessScope() {
    if (loop_.is_closed()) return;
    if (reading_)
      loop_.remove_reader(fd_);
    else
      loop_.remove_writer(fd_);
  }

 private:
  Loop& loop_;
  int fd_;
  bool reading_;
};

Coro<> wait_until_ready(Loop& loop, int fd, bool reading) {
  Future<> ready(loop);
  ready.state()->set_purpose(detail::FuturePurpose::socket);
  const ReadinessScope scope(loop, fd, reading, ready);
  co_await ready;
}

// Tries the operation until it does not have to wait any more.
template <class Try>
Coro<std::int64_t> until_done(Loop& loop, int fd, bool reading, const char* name, Try attempt) {
  if (!detail::current_scheduler().take_budget()) co_await sleep(Duration::zero());
  for (;;) {
    const std::int64_t result = attempt();
    if (result >= 0) co_return result;
    if (result != -EAGAIN) throw_os_error(static_cast<int>(-result), name);
    co_await wait_until_ready(loop, fd, reading);
  }
}

}  // namespace

ASYNCIO_CORO_WRAPPER Coro<> wait_readable(int fd) {
  return wait_until_ready(get_running_loop(), fd, kRead);
}

ASYNCIO_CORO_WRAPPER Coro<> wait_writable(int fd) {
  return wait_until_ready(get_running_loop(), fd, kWrite);
}

Coro<std::string> Loop::sock_recv(int fd, std::size_t size) {
  std::string data(size, '\0');
  const std::size_t got = co_await sock_recv_into(fd, data.data(), size);
  data.resize(got);
  co_return data;
}

Coro<std::size_t> Loop::sock_recv_into(int fd, char* data, std::size_t size) {
  const std::int64_t got = co_await until_done(
      *this, fd, kRead, "recv", [&] { return backend().receive_into(fd, data, size); });
  co_return static_cast<std::size_t>(got);
}

Coro<> Loop::sock_sendall(int fd, std::string data) {
  std::size_t sent = 0;
  while (sent < data.size()) {
    const std::int64_t taken = co_await until_done(*this, fd, kWrite, "send", [&] {
      return backend().send(fd, data.data() + sent, data.size() - sent);
    });
    sent += static_cast<std::size_t>(taken);
  }
}

Coro<> Loop::sock_connect(int fd, Address peer) {
  int result = backend().connect(fd, peer.to_system());
  if (result == -EINPROGRESS || result == -EAGAIN) {
    co_await wait_until_ready(*this, fd, kWrite);
    result = backend().connect_result(fd);
  }
  if (result == 0) co_return;
  const std::string words =
      "[Errno " + std::to_string(-result) + "] Connect call failed " + peer.repr();
  std::rethrow_exception(make_os_error(-result, ErrorText{words}, "connect", peer.repr()));
}

Coro<std::pair<int, Address>> Loop::sock_accept(int fd) {
  SocketAddress peer;
  const std::int64_t accepted = co_await until_done(
      *this, fd, kRead, "accept", [&] { return std::int64_t{backend().accept(fd, peer)}; });
  co_return std::pair(static_cast<int>(accepted), Address::from_system(peer));
}

Coro<std::pair<std::size_t, Address>> Loop::sock_recvfrom_into(int fd, char* data,
                                                               std::size_t size) {
  SocketAddress from;
  const std::int64_t got = co_await until_done(
      *this, fd, kRead, "recvfrom", [&] { return backend().receive_from(fd, data, size, from); });
  co_return std::pair(static_cast<std::size_t>(got), Address::from_system(from));
}

Coro<std::pair<std::string, Address>> Loop::sock_recvfrom(int fd, std::size_t size) {
  std::string data(size, '\0');
  auto received = co_await sock_recvfrom_into(fd, data.data(), size);
  data.resize(received.first);
  co_return std::pair(std::move(data), std::move(received.second));
}

Coro<std::size_t> Loop::sock_sendto(int fd, std::string data, Address to) {
  const SocketAddress system = to.to_system();
  const std::int64_t sent = co_await until_done(*this, fd, kWrite, "sendto", [&] {
    return backend().send_to(fd, data.data(), data.size(), &system);
  });
  co_return static_cast<std::size_t>(sent);
}

}  // namespace asyncio
