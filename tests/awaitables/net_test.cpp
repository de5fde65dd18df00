#include "tests/awaitables/everywhere.hpp"

namespace asyncio {
namespace {

using tests::everywhere;

struct Silent : Protocol {};
struct Deaf : DatagramProtocol {};

Coro<> echo(StreamReader reader, StreamWriter writer) {
  while (true) {
    const std::string data = co_await reader.read(100);
    if (data.empty()) break;
    writer.write(data);
    co_await writer.drain();
  }
  writer.close();
  co_await writer.wait_closed();
}

TEST(Everywhere, connections_and_servers) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    const int port = server.sockets()[0].port();
    co_await everywhere([&] { return open_connection("127.0.0.1", port); });
    co_await everywhere(
        [&] { return open_connection("127.0.0.1", port, {.local_host = "127.0.0.1"}); });
    co_await everywhere([&] {
      return loop.create_connection([] { return std::make_shared<Silent>(); }, "127.0.0.1", port);
    });
    co_await everywhere([&] { return server.start_serving(); });
    std::vector<Server> servers;
    co_await everywhere(
        [&]() -> Coro<> { servers.push_back(co_await start_server(echo, "127.0.0.1", 0)); });
    co_await everywhere([&]() -> Coro<> {
      servers.push_back(
          co_await loop.create_server([] { return std::make_shared<Silent>(); }, "127.0.0.1", 0));
    });
    for (Server& each : servers) each.close();
    server.close();
    server.abort_clients();
    co_await everywhere([&] { return server.wait_closed(); });
  }());
}

TEST(Everywhere, streams) {
  run([]() -> Coro<> {
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets()[0].port());
    co_await everywhere([&] { return writer.drain(); });
    co_await everywhere([&] { return reader.readexactly(0); });
    co_await everywhere([&] { return reader.read(0); });
    writer.write_eof();
    EXPECT_EQ(co_await reader.read(), "");
    co_await everywhere([&] { return reader.read(); });
    co_await everywhere([&] { return reader.readline(); });
    co_await everywhere([&] { return reader.next(); });
    writer.close();
    co_await everywhere([&] { return writer.wait_closed(); });
    server.close();
    co_await server.wait_closed();
  }());
}

TEST(Everywhere, datagrams) {
  run([]() -> Coro<> {
    const DatagramOptions here{.local_host = "127.0.0.1"};
    co_await everywhere([&] { return open_datagram(here); });
    co_await everywhere([&] {
      return get_running_loop().create_datagram_endpoint([] { return std::make_shared<Deaf>(); },
                                                         here);
    });
    DatagramSocket socket = co_await open_datagram(here);
    co_await everywhere([&] { return socket.sendto("to myself", socket.address()); });
    co_await everywhere([&] { return socket.recvfrom(); });
  }());
}

}  // namespace
}  // namespace asyncio
