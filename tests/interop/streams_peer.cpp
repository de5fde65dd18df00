// streams_peer.cpp: our side of streams.py.
//   streams_peer serve           prints its port, echoes lines in upper case, ends with its input
//   streams_peer serve-unix PATH
//   streams_peer ask PORT        sends what stands below, prints what it gets
//   streams_peer ask-unix PATH
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "asyncio/asyncio.hpp"

using asyncio::Connection;
using asyncio::Coro;
using asyncio::Server;
using asyncio::StreamReader;
using asyncio::StreamWriter;

namespace {

Coro<> upper_case(StreamReader reader, StreamWriter writer) {
  for (;;) {
    std::string line = co_await reader.readline();
    if (line.empty()) break;
    for (char& c : line) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    writer.write(line);
    co_await writer.drain();
  }
  writer.write("bye\n");  // after the peer's half-close
}

Coro<> serve(Server server) {
  co_await asyncio::wait_readable(0);  // the script closes our input
  server.close();
  co_await server.wait_closed();
}

Coro<> serve_tcp() {
  Server server = co_await asyncio::start_server(upper_case, "127.0.0.1", 0);
  std::printf("%d\n", server.sockets()[0].port());
  std::fflush(stdout);
  co_await serve(server);
}

Coro<> serve_unix(std::string path) {
  Server server = co_await asyncio::start_unix_server(upper_case, path);
  std::printf("ready\n");
  std::fflush(stdout);
  co_await serve(server);
}

Coro<> ask(Connection connection) {
  auto& [reader, writer] = connection;
  writer.write("hello\n");
  std::printf("%s", (co_await reader.readline()).c_str());
  const std::string large(60'000, 'x');
  std::size_t matching = 0;
  for (int i = 0; i < 50; ++i) {
    writer.writelines({large, "\n"});
    co_await writer.drain();
    if ((co_await reader.readline()).size() == large.size() + 1) ++matching;
  }
  writer.write_eof();
  std::printf("%zu %s", matching, (co_await reader.read()).c_str());
}

Coro<> ask_tcp(int port) { co_await ask(co_await asyncio::open_connection("127.0.0.1", port)); }
Coro<> ask_unix(std::string path) {
  co_await ask(co_await asyncio::open_unix_connection(std::move(path)));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "serve") {
    asyncio::run(serve_tcp());
  } else if (argc == 3 && what == "serve-unix") {
    asyncio::run(serve_unix(argv[2]));
  } else if (argc == 3 && what == "ask") {
    asyncio::run(ask_tcp(std::atoi(argv[2])));
  } else if (argc == 3 && what == "ask-unix") {
    asyncio::run(ask_unix(argv[2]));
  } else {
    std::fprintf(stderr, "usage: streams_peer serve|serve-unix PATH|ask PORT|ask-unix PATH\n");
    return 2;
  }
}
