// A server that may have 64 file descriptors, and a thousand clients: it neither crashes nor spins,
// says so once, and serves again as soon as descriptors are free.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <vector>

#include "asyncio/asyncio.hpp"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

// What the two processes tell each other.
struct Board {
  std::atomic<int> port{0};
  std::atomic<int> reports{0};
  std::atomic<bool> may_end{false};
};

Coro<> echo(StreamReader reader, StreamWriter writer) {
  for (;;) {
    const std::string data = co_await reader.read(64);
    if (data.empty()) break;
    writer.write(data);
    co_await writer.drain();
  }
}

Coro<> serve(Board& board) {
  get_running_loop().set_exception_handler([&](Loop&, const ExceptionContext& context) {
    if (context.message == "socket.accept() out of system resource") ++board.reports;
  });
  Server server = co_await start_server(echo, "127.0.0.1", 0, {.backlog = 1024});
  board.port = server.sockets()[0].port();
  while (!board.may_end) co_await sleep(5ms);
  server.close();
  server.abort_clients();
  co_await server.wait_closed();
}

int child(Board& board) {
  const rlimit limit{64, 64};
  ::setrlimit(RLIMIT_NOFILE, &limit);
  run(serve(board));
  return 0;
}

void nap() { ::poll(nullptr, 0, 5); }

// Waits for at most ten seconds.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 2000 && !condition(); ++i) nap();
  return condition();
}

double cpu_seconds(pid_t process) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return -1;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

class Client {
 public:
  explicit Client(int port, int flags = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)) {
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(static_cast<std::uint16_t>(port));
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0 ||
                 errno == EINPROGRESS;
  }
  Client(Client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
  Client& operator=(Client&&) = delete;
  ~Client() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool connected() const { return connected_; }
  bool is_echoed() {
    char byte = 'x';
    return ::send(fd_, &byte, 1, MSG_NOSIGNAL) == 1 && ::recv(fd_, &byte, 1, 0) == 1;
  }

 private:
  int fd_;
  bool connected_ = false;
};

TEST(FileDescriptors, a_server_with_64_of_them_survives_a_thousand_clients) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < 1100) {
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4096);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  auto* const shared =
      ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  auto& board = *new (shared) Board;
  std::fflush(nullptr);
  const pid_t server = ::fork();
  if (server == 0) ::_exit(child(board));
  ASSERT_TRUE(eventually([&] { return board.port != 0; }));

  for (int round = 1; round <= 2; ++round) {
    std::vector<Client> crowd;
    for (int i = 0; i < 1000; ++i) crowd.emplace_back(board.port, SOCK_NONBLOCK);
    for (const Client& each : crowd) EXPECT_TRUE(each.connected());
    ASSERT_TRUE(eventually([&] { return board.reports == round; })) << "round " << round;
    // Crowded, and not busy: over a second and a half, which holds a retry or two.
    const double before = cpu_seconds(server);
    for (int i = 0; i < 300; ++i) nap();
    EXPECT_LT(cpu_seconds(server) - before, 0.3);
    EXPECT_EQ(board.reports, round);  // each crowd is worth one report, not each attempt

    crowd.clear();
    Client late(board.port);
    EXPECT_TRUE(late.is_echoed());
    EXPECT_TRUE(Client(board.port).is_echoed());
  }

  board.may_end = true;
  int status = -1;
  ASSERT_EQ(::waitpid(server, &status, 0), server);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  ::munmap(shared, sizeof(Board));
}

}  // namespace
}  // namespace asyncio
