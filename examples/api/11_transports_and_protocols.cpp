// The callback layer: Protocol and Transport, datagrams.
#include <asyncio/asyncio.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

class Echo : public asyncio::Protocol {
 public:
  void connection_made(asyncio::Transport& transport) override { transport_ = &transport; }
  void data_received(std::string_view data) override { transport_->write(data); }
  void connection_lost(std::exception_ptr) override {}

 private:
  asyncio::Transport* transport_ = nullptr;
};

class Client : public asyncio::Protocol {
 public:
  explicit Client(asyncio::Future<std::string> answer) : answer_(std::move(answer)) {}
  void connection_made(asyncio::Transport& transport) override {
    transport_ = &transport;
    transport.write("ping");
  }
  void data_received(std::string_view data) override {
    answer_.set_result(std::string(data));
    transport_->close();
  }

 private:
  asyncio::Transport* transport_ = nullptr;
  asyncio::Future<std::string> answer_;
};

asyncio::Coro<> async_main() {
  auto& loop = asyncio::get_running_loop();
  auto server =
      co_await loop.create_server([] { return std::make_shared<Echo>(); }, "127.0.0.1", 0);
  auto answer = loop.create_future<std::string>();
  auto client = co_await loop.create_connection([&] { return std::make_shared<Client>(answer); },
                                                "127.0.0.1", server.sockets()[0].port());
  std::printf("%s\n", (co_await answer).c_str());
  server.close();
  co_await server.wait_closed();

  auto a = co_await asyncio::open_datagram({.local_host = "127.0.0.1", .local_port = 0});
  auto b = co_await asyncio::open_datagram({.local_host = "127.0.0.1", .local_port = 0});
  co_await a.sendto("datagram", b.address());
  auto received = co_await b.recvfrom();
  std::printf("%s, same peer %d\n", received.data.c_str(),
              received.from.port() == a.address().port());
}

int main() { asyncio::run(async_main()); }
