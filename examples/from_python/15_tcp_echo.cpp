// A TCP server with one coroutine a client, and its client, in one program.
#include <fmt/core.h>
#include <algorithm>
#include <asyncio/asyncio.hpp>
#include <cctype>
#include <string>
#include <string_view>

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string_view strip(std::string_view line) { return line.substr(0, line.find('\n')); }

asyncio::Coro<> handle_client(asyncio::StreamReader reader, asyncio::StreamWriter writer,
                              asyncio::Event& finished) {
  for (;;) {
    std::string line = co_await reader.readline();
    if (line.empty()) break;
    fmt::print("server: {}\n", strip(line));
    writer.write(upper(line));
    co_await writer.drain();
  }
  writer.close();
  co_await writer.wait_closed();
  fmt::print("server: client left\n");
  finished.set();
}

asyncio::Coro<> talk(std::string name, int port) {
  asyncio::Connection connection = co_await asyncio::open_connection("127.0.0.1", port);
  auto& [reader, writer] = connection;
  for (std::string text : {"hello", "goodbye"}) {
    writer.write(fmt::format("{} from {}\n", text, name));
    co_await writer.drain();
    std::string line = co_await reader.readline();
    fmt::print("client: {}\n", strip(line));
  }
  writer.close();
  co_await writer.wait_closed();
}

asyncio::Coro<> async_main() {
  asyncio::Event finished;
  auto handler = [&](asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    return handle_client(std::move(reader), std::move(writer), finished);
  };
  asyncio::Server server = co_await asyncio::start_server(handler, "127.0.0.1", 0);
  const int port = server.sockets()[0].port();

  for (std::string name : {"first", "second"}) {
    finished.clear();
    co_await talk(name, port);
    co_await finished.wait();
  }

  server.close();
  co_await server.wait_closed();

  try {
    co_await asyncio::open_connection("127.0.0.1", port);
  } catch (const asyncio::ConnectionRefusedError& error) {
    fmt::print("ConnectionRefusedError: errno {}\n", error.code().value());
  }
}

int main() { asyncio::run(async_main()); }
