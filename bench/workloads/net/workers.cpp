// What does a second loop on a second core bring? run_workers() with SO_REUSEPORT; each message
// costs so many steps of arithmetic, besides what the network takes.
//
//   net_workers echo|http ADDRESS WORKERS STEPS      on SIGUSR1: connections of each worker
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "asyncio/asyncio.hpp"
#include "asyncio/http/server.hpp"
#include "bench/support/net/serving.hpp"

namespace {

constexpr unsigned kMostWorkers = 64;
std::array<std::atomic<int>, kMostWorkers> connections;
std::atomic<unsigned> workers;
thread_local unsigned own = 0;

void count_connection() { ++connections[own]; }

// From a signal handler, when nothing else prints any more.
void print_connections(int) {
  for (unsigned i = 0; i < workers; ++i) ::dprintf(STDOUT_FILENO, "%d ", connections[i].load());
  ::dprintf(STDOUT_FILENO, "\n");
}

void compute(long steps) {
  unsigned value = 1;
  for (long i = 0; i < steps; ++i) {
    value = value * 1'664'525U + 1'013'904'223U;
    asm volatile("" : "+r"(value));
  }
}

// A port for all: bound, but never listening, so that it gets no connections.
int reserve_port(const char* host) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = ::inet_addr(host);
  socklen_t length = sizeof name;
  auto* const address = reinterpret_cast<sockaddr*>(&name);
  if (::bind(fd, address, length) != 0) bench::give_up("bind");
  ::getsockname(fd, address, &length);
  return ntohs(name.sin_port);
}

asyncio::Coro<> serve_echo(std::string host, int port, long steps) {
  const auto echo = [steps](asyncio::StreamReader reader,
                            asyncio::StreamWriter writer) -> asyncio::Coro<> {
    count_connection();
    try {
      for (;;) {
        const std::string_view data = co_await reader.read_view();
        if (data.empty()) break;
        compute(steps);
        writer.write(data);
        reader.consume(data.size());
        co_await writer.drain();
      }
    } catch (const asyncio::OSError&) {  // The load ends without waiting for its answers.
    }
  };
  asyncio::Server server =
      co_await asyncio::start_server(echo, host, port, {.backlog = 4096, .reuse_port = true});
  co_await server.serve_forever();
}

// The server knows how many connections it has; the most that a request has seen count.
asyncio::Coro<> serve_http(std::string host, int port, long steps) {
  asyncio::http::ServerOptions options;
  options.backlog = 4096;
  options.reuse_port = true;
  asyncio::http::Server server(options);
  server.route("/", [&, steps](asyncio::http::Request) -> asyncio::Coro<asyncio::http::Response> {
    compute(steps);
    connections[own] = std::max(connections[own].load(), static_cast<int>(server.connections()));
    co_return asyncio::http::Response::text("Hello, world!");
  });
  co_await server.start(host, port);
  co_await server.serve_forever();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  const bool is_http = std::string_view(argv[1]) == "http";
  const std::string host = argv[2];
  const auto count = static_cast<unsigned>(std::atoi(argv[3]));
  const long steps = std::atol(argv[4]);
  if (count == 0 || count > kMostWorkers) return 2;
  const int port = reserve_port(argv[2]);
  std::signal(SIGUSR1, print_connections);
  asyncio::run_workers(count, [=]() -> asyncio::Coro<> {
    own = workers++;
    if (own + 1 == count) {
      std::printf("%d\n", port);
      std::fflush(stdout);
    }
    return is_http ? serve_http(host, port, steps) : serve_echo(host, port, steps);
  });
}
