// load.cpp: the load generator: so many connections, one message in flight on each, and how much
// CPU the server took for it, by /proc/PID/task/*/schedstat.
//
//   net_load MODE tcp|unix|udp ADDRESS PID CONNECTIONS BYTES SECONDS
//     echo    messages of so many bytes, one after the other
//     http    so many requests at once instead of BYTES, and the next when all are answered
//     churn   connect, one message, close
//     idle    silent connections; the memory of the server for each
//
// Prints "CPU_US RATE OWN_CPU SERVER_CPU ALL", where CPU_US is the server's CPU time a message, the
// next two are shares of one CPU, and the last is how many messages there were, those before the
// measurement included; or bytes alone. The server is the bottleneck where its share is
// near 1 and the generator's is not; its CPU a message is right in any case.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

double seconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Seconds of CPU that all threads of the process have had.
double cpu_of(const std::string& pid) {
  double total = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + pid + "/task")) {
    std::ifstream file(task.path() / "schedstat");
    double nanoseconds = 0;
    file >> nanoseconds;
    total += nanoseconds / 1e9;
  }
  return total;
}

double resident_bytes(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/statm");
  double pages = 0;
  file >> pages >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

struct Target {
  bool is_unix = false;
  bool is_udp = false;
  sockaddr_in tcp{};
  sockaddr_un local{};

  Target(const std::string& kind, const std::string& address)
      : is_unix(kind == "unix"), is_udp(kind == "udp") {
    tcp.sin_family = AF_INET;
    tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!is_unix) tcp.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address)));
    local.sun_family = AF_UNIX;
    std::strncpy(local.sun_path, address.c_str(), sizeof local.sun_path - 1);
  }

  int connect() const {
    static std::uint32_t turn = 0;
    const int on = 1;
    const int type = is_udp ? SOCK_DGRAM : SOCK_STREAM;
    const int fd = ::socket(is_unix ? AF_UNIX : AF_INET, type | SOCK_CLOEXEC, 0);
    if (is_unix) {
      if (::connect(fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
        give_up("connect");
      return fd;
    }
    if (!is_udp) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in from{};  // many addresses, so that closed connections do not use up the ports
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + turn++ % 64);
    ::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&tcp), sizeof tcp) != 0) give_up("connect");
    return fd;
  }
};

struct Client {
  int fd = -1;
  std::size_t received = 0;
};

class Load {
 public:
  Load(Target target, std::string pid, std::size_t bytes, bool churns)
      : target_(target),
        pid_(std::move(pid)),
        message_(bytes, 'x'),
        expected_(bytes),
        churns_(churns) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  }

  // Sends so many requests at once. All answers are as long as the first, or the server is wrong.
  void speak_http(std::size_t depth) {
    const std::string request = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    const int fd = target_.connect();
    if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) give_up("send");
    std::string answer;
    while (!answer.ends_with("\r\n\r\nHello, world!")) {
      const ssize_t got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
      if (got <= 0) give_up("recv");
      answer.append(buffer_.data(), static_cast<std::size_t>(got));
    }
    ::close(fd);
    if (!answer.starts_with("HTTP/1.1 200 OK\r\n")) give_up("another status");
    message_.clear();
    for (std::size_t i = 0; i < depth; ++i) message_ += request;
    expected_ = answer.size() * depth;
    messages_each_ = static_cast<long>(depth);
  }

  void add() {
    clients_.emplace_back();
    begin(clients_.size() - 1);
  }

  // Measures after a warm-up, and prints.
  void run(double duration) {
    loop_until(seconds(CLOCK_MONOTONIC) + 0.2);
    const double server = cpu_of(pid_);
    const double own = seconds(CLOCK_PROCESS_CPUTIME_ID);
    const double start = seconds(CLOCK_MONOTONIC);
    const long before = done_;
    done_ = 0;
    loop_until(start + duration);
    const double wall = seconds(CLOCK_MONOTONIC) - start;
    const double spent = cpu_of(pid_) - server;
    std::printf("%.4f %.1f %.3f %.3f %ld\n", spent * 1e6 / static_cast<double>(done_),
                static_cast<double>(done_) / wall, (seconds(CLOCK_PROCESS_CPUTIME_ID) - own) / wall,
                spent / wall, done_ + before);
  }

 private:
  void begin(std::size_t index) {
    Client& client = clients_[index];
    client = {target_.connect(), 0};
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = index;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd, &event);
    send(client);
  }

  void send(const Client& client) {
    std::size_t sent = 0;
    while (sent < message_.size()) {  // blocking: the server reads, and both buffers hold a message
      const ssize_t count =
          ::send(client.fd, message_.data() + sent, message_.size() - sent, MSG_NOSIGNAL);
      if (count < 0) give_up("send");
      sent += static_cast<std::size_t>(count);
    }
  }

  void loop_until(double end) {
    std::array<epoll_event, 512> events;
    while (seconds(CLOCK_MONOTONIC) < end) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
      if (count == 0 && target_.is_udp)  // all were lost
        for (const Client& each : clients_) send(each);
      for (int i = 0; i < count; ++i) receive(events[static_cast<std::size_t>(i)].data.u64);
    }
  }

  void receive(std::size_t index) {
    Client& client = clients_[index];
    const ssize_t got = ::recv(client.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) give_up("recv");
    if (got < 0) return;
    client.received += static_cast<std::size_t>(got);
    if (client.received < expected_) return;
    client.received = 0;
    done_ += messages_each_;
    if (churns_) {
      ::close(client.fd);
      begin(index);
    } else {
      send(client);
    }
  }

  Target target_;
  std::string pid_;
  std::string message_;
  std::size_t expected_;  // bytes of the answer, or of the answers to so many requests
  long messages_each_ = 1;
  bool churns_;
  int epoll_ = -1;
  std::vector<Client> clients_;
  std::array<char, 65536> buffer_;
  long done_ = 0;
};

// Connections that have spoken once, and are silent.
void measure_idle(const Target& target, const std::string& pid, int connections) {
  std::array<char, 64> room{};
  const auto open = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const int fd = target.connect();
      if (::send(fd, room.data(), 16, MSG_NOSIGNAL) != 16) give_up("send");
      if (::recv(fd, room.data(), room.size(), 0) <= 0) give_up("recv");
    }
  };
  open(200);  // what every server allocates once
  const double before = resident_bytes(pid);
  open(connections);
  std::printf("%.1f\n", (resident_bytes(pid) - before) / connections);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 8) {
    std::fprintf(stderr,
                 "load echo|http|churn|idle tcp|unix ADDRESS PID CONNECTIONS BYTES SECONDS\n");
    return 2;
  }
  const std::string mode = argv[1];
  const Target target(argv[2], argv[3]);
  const std::string pid = argv[4];
  const int connections = std::atoi(argv[5]);
  if (mode == "idle") {
    measure_idle(target, pid, connections);
    return 0;
  }
  Load load(target, pid, std::strtoul(argv[6], nullptr, 10), mode == "churn");
  if (mode == "http") load.speak_http(std::strtoul(argv[6], nullptr, 10));
  for (int i = 0; i < connections; ++i) load.add();
  load.run(std::atof(argv[7]));
}
