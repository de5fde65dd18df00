// What does our echo server take? As a user writes it: one coroutine a client, over streams; one
// protocol for datagrams.
// ASYNCIO_BACKEND chooses the backend.
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "asyncio/asyncio.hpp"
#include "bench/support/net/serving.hpp"

namespace {

asyncio::Coro<> echo(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  for (;;) {
    const std::string_view data = co_await reader.read_view();
    if (data.empty()) break;
    writer.write(data);
    reader.consume(data.size());
    co_await writer.drain();
  }
}

asyncio::Coro<> serve(int fd) {
  asyncio::ServerOptions options;
  options.sock = fd;
  options.backlog = 4096;
  asyncio::Server server = co_await asyncio::start_server(echo, "", 0, options);
  co_await server.serve_forever();
}

struct DatagramEcho final : asyncio::DatagramProtocol {
  void connection_made(asyncio::DatagramTransport& made) override { transport = &made; }
  void datagram_received(std::string_view data, const asyncio::Address& from) override {
    transport->sendto(data, from);
  }
  asyncio::DatagramTransport* transport = nullptr;
};

asyncio::Coro<> serve_datagrams(std::string host) {
  auto endpoint = co_await asyncio::get_running_loop().create_datagram_endpoint(
      [] { return std::make_shared<DatagramEcho>(); }, {.local_host = host});
  bench::print_port(endpoint.first->fileno());
  std::fflush(stdout);
  co_await asyncio::Event().wait();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  if (std::string_view(argv[1]) == "udp")
    asyncio::run(serve_datagrams(argv[2]));
  else
    asyncio::run(serve(bench::listen_at(argv[1], argv[2], SOCK_NONBLOCK)));
}
