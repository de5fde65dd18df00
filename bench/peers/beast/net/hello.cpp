// The HTTP server of the hello rows on Boost.Beast: one coroutine a client, one thread, no locks.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <utility>

namespace {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::use_awaitable;
using asio::ip::tcp;

asio::awaitable<void> serve_client(tcp::socket client) {
  boost::beast::flat_buffer buffer;
  try {
    for (;;) {
      http::request<http::string_body> request;
      co_await http::async_read(client, buffer, request, use_awaitable);
      http::response<http::string_body> response(http::status::ok, request.version());
      response.set(http::field::server, "beast");
      response.set(http::field::content_type, "text/plain; charset=utf-8");
      response.keep_alive(request.keep_alive());
      response.body() = "Hello, world!";
      response.prepare_payload();
      co_await http::async_write(client, response, use_awaitable);
    }
  } catch (const boost::system::system_error&) {  // The client is gone.
  }
}

asio::awaitable<void> serve(tcp::acceptor acceptor) {
  for (;;) {
    tcp::socket client = co_await acceptor.async_accept(use_awaitable);
    client.set_option(tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), serve_client(std::move(client)), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
  tcp::acceptor acceptor(context);
  acceptor.open(tcp::v4());
  acceptor.bind({asio::ip::make_address(argv[2]), 0});
  acceptor.listen(4096);
  std::printf("%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  asio::co_spawn(context, serve(std::move(acceptor)), asio::detached);
  context.run();
}
