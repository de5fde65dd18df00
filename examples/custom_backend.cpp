// A loop on a backend of one's own: one that counts what it does, and one that is slow on purpose.
// Try it:  build/release/examples/custom_backend
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <asyncio/io/forwarding.hpp>
#include <cerrno>
#include <memory>
#include <string>

// [counting]
class CountingBackend final : public asyncio::ForwardingBackend {
 public:
  struct Counts {
    int waits = 0;
    long sent = 0;
    long received = 0;
  };

  CountingBackend(std::unique_ptr<asyncio::IoBackend> inner, std::shared_ptr<Counts> counts)
      : ForwardingBackend(std::move(inner)), counts_(std::move(counts)) {}

  void wait(std::int64_t timeout_ns) override {
    ++counts_->waits;
    ForwardingBackend::wait(timeout_ns);
  }
  asyncio::Received receive(int fd) override {
    const asyncio::Received received = ForwardingBackend::receive(fd);
    if (received.size > 0) counts_->received += received.size;
    return received;
  }
  std::int64_t send(int fd, const char* data, std::size_t size) noexcept override {
    const std::int64_t sent = ForwardingBackend::send(fd, data, size);
    if (sent > 0) counts_->sent += sent;
    return sent;
  }

 private:
  std::shared_ptr<Counts> counts_;
};
// [/counting]

// [refusing]
// Refuses to connect to anything: a dry run.
class OfflineBackend final : public asyncio::ForwardingBackend {
 public:
  using ForwardingBackend::ForwardingBackend;
  int connect(int, const asyncio::SocketAddress&) noexcept override { return -ENETUNREACH; }
};
// [/refusing]

asyncio::Coro<> echo(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  writer.write(co_await reader.read());
  writer.close();
}

asyncio::Coro<std::size_t> talk(std::size_t size) {
  asyncio::Server server = co_await asyncio::start_server(echo, "127.0.0.1", 0);
  auto [reader, writer] =
      co_await asyncio::open_connection("127.0.0.1", server.sockets()[0].port());
  writer.write(std::string(size, 'x'));
  writer.write_eof();
  const std::string answer = co_await reader.read();
  writer.close();
  server.close();
  co_await server.wait_closed();
  co_return answer.size();
}

asyncio::Coro<std::string> try_to_connect() {
  try {
    co_await asyncio::open_connection("127.0.0.1", 80);
  } catch (const asyncio::OSError& error) {
    co_return error.what();
  }
  co_return "connected";
}

int main() {
  // [run]
  auto counts = std::make_shared<CountingBackend::Counts>();
  const auto make_loop = [counts] {
    return std::make_unique<asyncio::Loop>(asyncio::LoopOptions{.make_backend = [counts] {
      return std::make_unique<CountingBackend>(asyncio::make_epoll_backend(), counts);
    }});
  };
  const std::size_t echoed = asyncio::run(talk(1000), {.loop_factory = make_loop});
  fmt::print("echoed {}, sent {}, received {}\n", echoed, counts->sent, counts->received);
  // [/run]

  asyncio::Loop offline({.make_backend = [] {
    return std::make_unique<OfflineBackend>(asyncio::make_epoll_backend());
  }});
  fmt::print("{}\n", offline.run_until_complete(try_to_connect()));
  return counts->waits > 0 ? 0 : 1;
}
