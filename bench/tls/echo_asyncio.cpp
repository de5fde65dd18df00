// echo_asyncio: what does a TLS 1.3 echo of 64 bytes cost through the Streams API?
//
//   echo_asyncio CERT KEY      prints its port; serves until killed
#include <cstdio>
#include <string>

#include "asyncio/asyncio.hpp"

namespace ssl = asyncio::ssl;

asyncio::Coro<> echo(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  try {
    for (;;) {
      const std::string_view data = co_await reader.read_view();
      if (data.empty()) co_return;
      const std::size_t size = data.size();
      writer.write(data);
      reader.consume(size);
      co_await writer.drain();
    }
  } catch (const asyncio::OSError&) {  // the load leaves without a goodbye
  }
}

asyncio::Coro<> serve(std::string certfile, std::string keyfile) {
  ssl::Context context = ssl::create_default_context(ssl::Purpose::CLIENT_AUTH);
  context.load_cert_chain(certfile, keyfile);
  asyncio::Server server =
      co_await asyncio::start_server(echo, "127.0.0.1", 0, {.backlog = 4096, .ssl = context});
  std::printf("%d\n", server.sockets()[0].port());
  std::fflush(stdout);
  co_await server.serve_forever();
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  asyncio::run(serve(argv[1], argv[2]));
}
