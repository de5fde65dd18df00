// port_scanner: which TCP ports of a host are open; many at once, each with a time limit.
//
//   port_scanner [HOST [FIRST LAST]]     (default 127.0.0.1 1 1024)
//   port_scanner --self-test             finds a server of its own on a free port
// Scan only what is yours.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;

enum class Port { open, closed, silent };

asyncio::Coro<Port> probe(std::string host, int port, asyncio::Semaphore& sockets) {
  auto socket = co_await sockets.scoped();  // stay below the limit of open files
  try {
    auto connection = co_await asyncio::wait_for(asyncio::open_connection(host, port), 500ms);
    connection.writer.close();
    co_return Port::open;
  } catch (const asyncio::TimeoutError&) {
    co_return Port::silent;
  } catch (const asyncio::OSError&) {
    co_return Port::closed;
  }
}

asyncio::Coro<std::vector<int>> scan(std::string host, int first, int last) {
  asyncio::Semaphore sockets(200);
  std::vector<asyncio::Coro<Port>> probes;
  for (int port = first; port <= last; ++port) probes.push_back(probe(host, port, sockets));
  auto states = co_await asyncio::gather(std::move(probes));

  std::vector<int> open;
  int silent = 0;
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (states[i] == Port::open) open.push_back(first + static_cast<int>(i));
    if (states[i] == Port::silent) ++silent;
  }
  fmt::print("{} of {} ports open, {} gave no answer\n", open.size(), states.size(), silent);
  co_return open;
}

asyncio::Coro<> report(std::string host, int first, int last) {
  for (int port : co_await scan(host, first, last)) fmt::print("{}:{} is open\n", host, port);
}

asyncio::Coro<> goodbye(asyncio::StreamReader, asyncio::StreamWriter writer) {
  writer.close();
  co_await writer.wait_closed();
}

asyncio::Coro<bool> self_test() {
  asyncio::Server server = co_await asyncio::start_server(goodbye, "127.0.0.1", 0);
  const int port = server.sockets()[0].port();
  auto open = co_await scan("127.0.0.1", port, port);
  server.close();
  co_await server.wait_closed();
  auto closed = co_await scan("127.0.0.1", port, port);
  co_return open == std::vector{port} && closed.empty();
}

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "--self-test") {
    return asyncio::run(self_test()) ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  const std::string host = argc > 1 ? argv[1] : "127.0.0.1";
  const int first = argc > 3 ? std::atoi(argv[2]) : 1;
  const int last = argc > 3 ? std::atoi(argv[3]) : 1024;
  asyncio::run(report(host, first, last));
}
