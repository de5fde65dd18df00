// The programs of docs/guide/streams.md: what the readers do, and a protocol of length and body.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>

using namespace std::chrono_literals;

// [frames]
asyncio::Coro<> send(asyncio::StreamWriter& writer, std::string message) {
  writer.write(fmt::format("{:08}", message.size()));
  writer.write(message);
  co_await writer.drain();
}

asyncio::Coro<std::string> receive(asyncio::StreamReader& reader) {
  std::string header = co_await reader.readexactly(8);
  std::string body = co_await reader.readexactly(std::stoul(header));
  co_return body;
}
// [/frames]

asyncio::Coro<> shout(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  std::string message = co_await receive(reader);
  co_await send(writer, message + "!");
  writer.close();
  co_await writer.wait_closed();
}

// [partial]
asyncio::Coro<> read_too_much(asyncio::StreamReader& reader) {
  try {
    co_await reader.readexactly(100);
  } catch (const asyncio::IncompleteReadError& error) {  // the peer closed before that
    fmt::print("got {} of {} bytes\n", error.partial().size(), error.expected());
  }
}
// [/partial]

// [limits]
asyncio::Coro<asyncio::Connection> connect(std::string host, int port) {
  // Name lookup and connecting together have two seconds.
  co_return co_await asyncio::open_connection(host, port, {.timeout = 2s});
}
// [/limits]

asyncio::Coro<> async_main() {
  asyncio::Server server = co_await asyncio::start_server(shout, "127.0.0.1", 0);
  const int port = server.sockets()[0].port();

  asyncio::Connection connection = co_await connect("127.0.0.1", port);
  auto& [reader, writer] = connection;
  co_await send(writer, "hello");
  fmt::print("{}\n", co_await receive(reader));
  co_await read_too_much(reader);
  writer.close();
  co_await writer.wait_closed();

  server.close();
  co_await server.wait_closed();
}

int main() { asyncio::run(async_main()); }
