// echo_limit: the same by hand, epoll and OpenSSL on the socket, nothing else: no cancellation, no
// time-outs, no back-pressure, no errors.
//
//   echo_limit CERT KEY        prints its port; serves until killed
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace {

int listen_anywhere() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::inet_addr("127.0.0.1");
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, any, size) != 0 || ::listen(listener, 4096) != 0) return -1;
  ::getsockname(listener, any, &size);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

void watch(int epoll, int fd, SSL* ssl) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = ssl;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

void accept_one(int epoll, int listener, SSL_CTX* context) {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  if (fd < 0) return;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  SSL* const ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  SSL_set_accept_state(ssl);
  watch(epoll, fd, ssl);
}

void echo(SSL* ssl) {
  std::array<char, 16384> data;
  int got = 0;
  do {
    got = SSL_read(ssl, data.data(), data.size());
    if (got > 0) SSL_write(ssl, data.data(), got);
  } while (got > 0 && SSL_has_pending(ssl) == 1);
  if (got > 0 || SSL_get_error(ssl, got) == SSL_ERROR_WANT_READ) return;
  const int fd = SSL_get_fd(ssl);
  SSL_free(ssl);
  ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  if (SSL_CTX_use_certificate_chain_file(context, argv[1]) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, argv[2], SSL_FILETYPE_PEM) != 1)
    return 1;
  SSL_CTX_set_read_ahead(context, 1);
  const int listener = listen_anywhere();
  const int epoll = ::epoll_create1(0);
  watch(epoll, listener, nullptr);
  std::array<epoll_event, 256> events;
  for (;;) {
    const int count = ::epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      SSL* const ssl = static_cast<SSL*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (ssl == nullptr)
        accept_one(epoll, listener, context);
      else
        echo(ssl);
    }
  }
}
