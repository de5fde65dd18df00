// The programs of docs/guide/names.md: lookups, several addresses for one name, and a resolver of
// one's own.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <memory>
#include <string>

using namespace std::chrono_literals;

// [table]
// Names that a test or a cluster knows by itself; the system's resolver knows the rest.
class Table : public asyncio::Resolver {
 public:
  asyncio::Coro<Answer> look_up(std::string host, asyncio::Address::Family family) override {
    if (host == "service.internal")
      co_return Answer{
          {*asyncio::Address::parse("127.0.0.2", 0), *asyncio::Address::parse("127.0.0.1", 0)},
          host};
    co_return co_await others_->look_up(host, family);
  }
  asyncio::Coro<std::string> look_up_name(asyncio::Address address) override {
    co_return co_await others_->look_up_name(address);
  }

 private:
  std::shared_ptr<asyncio::Resolver> others_ = asyncio::make_resolver();
};
// [/table]

// [look_up]
asyncio::Coro<> look_up(std::string host) {
  try {
    for (const asyncio::Address& address : co_await asyncio::resolve(host, 80))
      fmt::print("{} is at {}\n", host, address.repr());
  } catch (const asyncio::GaiError& error) {  // error_number() is EAI_NONAME, EAI_AGAIN, ...
    fmt::print("{}\n", error.what());
  }
}
// [/look_up]

// [race]
asyncio::Coro<asyncio::Connection> connect(std::string host, int port) {
  // The next address is tried, too, where one has not answered within 250 ms.
  co_return co_await asyncio::open_connection(host, port,
                                              {.timeout = 5s, .happy_eyeballs_delay = 250ms});
}
// [/race]

asyncio::Coro<> async_main() {
  asyncio::get_running_loop().set_default_resolver(std::make_shared<Table>());
  co_await look_up("service.internal");
  co_await look_up("no such name");

  asyncio::Server server = co_await asyncio::start_server(
      [](asyncio::StreamReader, asyncio::StreamWriter) -> asyncio::Coro<> { co_return; },
      "127.0.0.1", 0);
  asyncio::Connection connection = co_await connect("service.internal", server.sockets()[0].port());
  fmt::print("connected to {}\n", connection.writer.peername().host());
  connection.writer.close();
  server.close();
  co_await server.wait_closed();
}

int main() { asyncio::run(async_main()); }
