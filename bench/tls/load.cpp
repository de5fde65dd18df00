// load: keeps one message in flight on each of N TLS 1.3 connections, and says what that cost the
// server: CPU time from /proc, which other programs on the machine disturb least.
//
//   load PORT CONNECTIONS BYTES SECONDS SERVER_PID
//
// Prints what bench/support/net/load.cpp does.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Peer {
  SSL* ssl = nullptr;
  std::size_t received = 0;
};

// Nanoseconds on a CPU so far, of all threads.
double cpu_of(const std::string& pid) {
  double total = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + pid + "/task")) {
    std::ifstream file(task.path() / "schedstat");
    double nanoseconds = 0;
    file >> nanoseconds;
    total += nanoseconds;
  }
  return total;
}

double own_cpu() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

SSL* connect_to(SSL_CTX* context, int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = ::inet_addr("127.0.0.1");
  const int on = 1;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return nullptr;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  SSL* const ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  if (SSL_connect(ssl) != 1) return nullptr;
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return ssl;
}

// The messages that came back whole; each is sent again.
std::size_t turn(Peer& peer, const std::string& message) {
  static std::vector<char> data(1 << 16);
  const int got = SSL_read(peer.ssl, data.data(), static_cast<int>(data.size()));
  if (got <= 0) return 0;
  peer.received += static_cast<std::size_t>(got);
  if (peer.received < message.size()) return turn(peer, message);
  peer.received -= message.size();
  SSL_write(peer.ssl, message.data(), static_cast<int>(message.size()));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  const std::string message(std::stoul(argv[3]), 'x');
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  std::vector<Peer> peers(std::stoul(argv[2]));
  const int epoll = ::epoll_create1(0);
  for (Peer& peer : peers) {
    peer.ssl = connect_to(context, std::atoi(argv[1]));
    if (peer.ssl == nullptr) return 1;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &peer;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, SSL_get_fd(peer.ssl), &event);
  }
  for (Peer& peer : peers) SSL_write(peer.ssl, message.data(), static_cast<int>(message.size()));

  const auto warm = Clock::now() + std::chrono::milliseconds(200);
  const auto end = warm + std::chrono::duration<double>(std::atof(argv[4]));
  double cpu = -1;
  double own = 0;
  std::size_t count = 0;
  std::array<epoll_event, 256> events;
  while (Clock::now() < end) {
    if (cpu < 0 && Clock::now() >= warm) {
      cpu = cpu_of(argv[5]);
      own = own_cpu();
      count = 0;
    }
    const int ready = ::epoll_wait(epoll, events.data(), events.size(), 100);
    for (int i = 0; i < ready; ++i)
      count += turn(*static_cast<Peer*>(events[static_cast<std::size_t>(i)].data.ptr), message);
  }
  const double spent = cpu_of(argv[5]) - cpu;
  if (count == 0) return 1;
  const double duration = std::atof(argv[4]);
  std::printf("%.4f %.1f %.3f %.3f\n", spent / 1e3 / static_cast<double>(count),
              static_cast<double>(count) / duration, (own_cpu() - own) / duration,
              spent / 1e9 / duration);
}
