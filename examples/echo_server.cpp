// echo_server: a TCP server with one coroutine a client, stopped with Ctrl-C.
//
//   echo_server [PORT]          then, in another terminal: nc 127.0.0.1 PORT   (default 8888)
//   echo_server --self-test     starts the server on a free port and talks to it
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;

// [handle]
asyncio::Coro<> handle(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  try {
    for (;;) {
      std::string data = co_await reader.read(16 * 1024);
      if (data.empty()) break;  // the client has finished
      writer.write(data);
      co_await writer.drain();  // a client that does not read is not allowed to fill our memory
    }
    writer.close();
    co_await writer.wait_closed();
  } catch (const asyncio::ConnectionError&) {
    // The client has broken the connection off: its right, and no error of ours.
  }
}
// [/handle]

// [serve]
asyncio::Coro<> serve(int port) {
  asyncio::Server server = co_await asyncio::start_server(handle, "127.0.0.1", port);
  fmt::print("listening on {}\n", server.sockets()[0].repr());
  co_await server.serve_forever();
}
// [/serve]

// [client]
asyncio::Coro<std::string> ask(int port, std::string message) {
  asyncio::Connection connection = co_await asyncio::open_connection("127.0.0.1", port);
  auto& [reader, writer] = connection;
  writer.write(message);
  writer.write_eof();
  std::string answer = co_await reader.read();  // to the end
  writer.close();
  co_await writer.wait_closed();
  co_return answer;
}
// [/client]

asyncio::Coro<bool> self_test() {
  asyncio::Server server = co_await asyncio::start_server(handle, "127.0.0.1", 0);
  const int port = server.sockets()[0].port();

  const std::string large(1 << 20, 'x');  // larger than any socket buffer
  std::vector<asyncio::Coro<std::string>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(ask(port, fmt::format("{}: {}", i, large)));
  auto answers = co_await asyncio::gather(std::move(clients));

  bool good = true;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    good = good && answers[i] == fmt::format("{}: {}", i, large);
  }
  server.close();
  co_await server.wait_closed();
  fmt::print("20 clients, 1 MiB each: {}\n", good ? "every echo is right" : "WRONG ECHO");
  co_return good;
}

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "--self-test") {
    return asyncio::run(self_test()) ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  try {
    asyncio::run(serve(argc > 1 ? std::atoi(argv[1]) : 8888));
  } catch (const asyncio::KeyboardInterrupt&) {
    fmt::print("bye\n");
  }
}
