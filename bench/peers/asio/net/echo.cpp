// The same echo server on standalone Asio: one C++20 coroutine a client.
#include <array>
#include <asio.hpp>
#include <string>

#include "bench/support/net/serving.hpp"

namespace {

template <class Socket>
asio::awaitable<void> echo(Socket socket) {
  std::array<char, 16384> data;
  try {
    for (;;) {
      const std::size_t size =
          co_await socket.async_read_some(asio::buffer(data), asio::use_awaitable);
      co_await asio::async_write(socket, asio::buffer(data.data(), size), asio::use_awaitable);
    }
  } catch (const std::system_error&) {  // the client has gone
  }
}

template <class Protocol>
asio::awaitable<void> serve(asio::io_context& context, Protocol protocol, int fd) {
  asio::basic_socket_acceptor<Protocol> acceptor(context, protocol, fd);
  for (;;)
    asio::co_spawn(context, echo(co_await acceptor.async_accept(asio::use_awaitable)),
                   asio::detached);
}

asio::awaitable<void> echo_datagrams(asio::io_context& context, int fd) {
  asio::ip::udp::socket socket(context, asio::ip::udp::v4(), fd);
  std::array<char, 65536> data;
  asio::ip::udp::endpoint from;
  for (;;) {
    const std::size_t size =
        co_await socket.async_receive_from(asio::buffer(data), from, asio::use_awaitable);
    co_await socket.async_send_to(asio::buffer(data.data(), size), from, asio::use_awaitable);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string kind = argv[1];
  const int fd = bench::listen_at(kind, argv[2], 0);
  asio::io_context context(1);
  if (kind == "udp")
    asio::co_spawn(context, echo_datagrams(context, fd), asio::detached);
  else if (kind == "unix")
    asio::co_spawn(context, serve(context, asio::local::stream_protocol(), fd), asio::detached);
  else
    asio::co_spawn(context, serve(context, asio::ip::tcp::v4(), fd), asio::detached);
  context.run();
}
