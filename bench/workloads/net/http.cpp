// What does our HTTP server take for a small answer? A route, as a user writes it.
// ASYNCIO_BACKEND chooses the backend.
#include <cstdio>

#include "asyncio/asyncio.hpp"
#include "asyncio/http/server.hpp"

namespace {

asyncio::Coro<asyncio::http::Response> hello(asyncio::http::Request) {
  co_return asyncio::http::Response::text("Hello, world!");
}

asyncio::Coro<> serve(std::string host) {
  asyncio::http::ServerOptions options;
  options.backlog = 4096;
  asyncio::http::Server server(options);
  server.route("/", hello);
  co_await server.start(host, 0);
  std::printf("%d\n", server.port());
  std::fflush(stdout);
  co_await server.serve_forever();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  asyncio::run(serve(argv[2]));
}
