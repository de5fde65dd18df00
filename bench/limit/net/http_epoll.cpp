// How little CPU can an HTTP server on epoll take? It reads no more of a request than where it
// ends, and has one answer, with one send for all requests of one read.
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "bench/support/net/serving.hpp"

namespace {

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Date: Sat, 01 Jan 2000 00:00:00 GMT\r\nServer: limit\r\n\r\nHello, world!";

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

// Requests come whole here, since the load generator sends them so.
void answer_all(int fd) {
  static std::array<char, 65536> buffer;
  static std::string answers;
  const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
  if (got <= 0) {
    if (got == 0 || errno != EAGAIN) ::close(fd);
    return;
  }
  const std::string_view requests(buffer.data(), static_cast<std::size_t>(got));
  answers.clear();
  for (std::size_t at = requests.find("\r\n\r\n"); at != std::string_view::npos;
       at = requests.find("\r\n\r\n", at + 4))
    answers += kAnswer;
  if (::send(fd, answers.data(), answers.size(), MSG_NOSIGNAL) < 0) bench::give_up("send");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
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
      fd == listener ? accept_all(epoll, listener) : answer_all(fd);
    }
  }
}
