// test_support.hpp: what the tests of this folder share. Real sockets on the loopback, port 0.
#pragma once
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/core/runners.hpp"
#include "asyncio/core/sleep.hpp"
#include "asyncio/io/simulated.hpp"
#include "asyncio/net/internal/sockets.hpp"
#include "asyncio/net/servers.hpp"
#include "asyncio/net/streams.hpp"
#include "tests/support.hpp"

namespace asyncio::net_test {

using namespace std::chrono_literals;
using tests::error_of;
using tests::eventually;
using tests::pass;

struct SocketPair {
  int ours = -1;   // to be given to the library
  int peers = -1;  // the other end, used by plain system calls
};

inline SocketPair make_pair(int buffer_size = 0) {
  std::array<int, 2> fds{-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
  for (const int fd : fds)
    if (buffer_size != 0) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof buffer_size);
  return {fds[0], fds[1]};
}

// Everything that can be read from a plain fd now.
inline std::string drain_fd(int fd) {
  std::string all;
  std::array<char, 65536> part;
  for (;;) {
    const ssize_t got = ::recv(fd, part.data(), part.size(), MSG_DONTWAIT);
    if (got <= 0) return all;
    all.append(part.data(), static_cast<std::size_t>(got));
  }
}

// Of this process; inside of a loop on the simulated network, its sockets too.
inline int open_files() {
  const detail::SimulatedNetwork* network = nullptr;
  if (detail::tls_scheduler != nullptr)
    network = detail::simulated_network_of(get_running_loop().backend());
  return tests::open_files() + (network == nullptr ? 0 : static_cast<int>(network->open_sockets()));
}

// A listener whose backlog is full: connecting to it hangs, as to a host that does not answer.
class DeafHost {
 public:
  DeafHost()
      : backend_(get_running_loop().backend()),
        listener_(detail::make_stream_socket(backend_, Address::Family::ipv4, {})) {
    detail::bind_socket(backend_, listener_.get(), *Address::parse("127.0.0.1", 0));
    detail::listen_on(backend_, listener_.get(), 0);
    name_ = detail::socket_name(backend_, listener_.get());
    for (int i = 0; i < 3; ++i) {
      callers_.push_back(detail::make_stream_socket(backend_, Address::Family::ipv4, {}));
      static_cast<void>(backend_.connect(callers_.back().get(), name_.to_system()));
    }
  }
  int port() const { return name_.port(); }

 private:
  detail::IoBackend& backend_;
  detail::FileDescriptor listener_;
  std::vector<detail::FileDescriptor> callers_;
  Address name_;
};

// A connected pair of streams over TCP: the client's, and the server's as its handler got it.
struct Ends {
  Server server;
  Connection client;
  Connection served;
};

inline Coro<Ends> connected(ServerOptions options = {}) {
  Future<Connection> arrived;
  auto keep = [arrived](StreamReader reader, StreamWriter writer) {
    arrived.set_result(Connection{std::move(reader), std::move(writer)});
  };
  Server server = co_await start_server(keep, "127.0.0.1", 0, options);
  Connection client = co_await open_connection("127.0.0.1", server.sockets()[0].port());
  Connection served = co_await std::move(arrived);
  co_return Ends{std::move(server), std::move(client), std::move(served)};
}

}  // namespace asyncio::net_test
