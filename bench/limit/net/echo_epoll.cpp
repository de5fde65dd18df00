// How little CPU can an echo server on epoll take? One loop, one buffer, no coroutine, no timeout,
// no back-pressure, and no error handling beyond closing the connection.
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "bench/support/net/serving.hpp"

namespace {

std::array<char, 65536> buffer;

void accept_all(int epoll, int listener) {
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

void echo_once(int fd) {
  const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
  if (got <= 0) {
    if (got == 0 || errno != EAGAIN) ::close(fd);
    return;
  }
  for (ssize_t sent = 0; sent < got;) {
    const ssize_t count =
        ::send(fd, buffer.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
    if (count >= 0) {
      sent += count;
      continue;
    }
    if (errno != EAGAIN) return;
    pollfd room{fd, POLLOUT, 0};
    ::poll(&room, 1, -1);
  }
}

void echo_datagrams(int fd) {
  for (;;) {
    sockaddr_in from{};
    socklen_t length = sizeof from;
    auto* const peer = reinterpret_cast<sockaddr*>(&from);
    const ssize_t got = ::recvfrom(fd, buffer.data(), buffer.size(), 0, peer, &length);
    if (got < 0) return;
    ::sendto(fd, buffer.data(), static_cast<std::size_t>(got), 0, peer, length);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const bool is_udp = std::strcmp(argv[1], "udp") == 0;
  const int listener = bench::listen_at(argv[1], argv[2], SOCK_NONBLOCK);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  std::array<epoll_event, 512> events;
  for (;;) {
    const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener && is_udp)
        echo_datagrams(fd);
      else if (fd == listener)
        accept_all(epoll, listener);
      else
        echo_once(fd);
    }
  }
}
