// What does our echo server take? As a user writes it: one coroutine a client, over streams.
// ASYNCIO_BACKEND chooses the backend.
#include <string>

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

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  asyncio::run(serve(bench::listen_at(argv[1], argv[2], SOCK_NONBLOCK)));
}
