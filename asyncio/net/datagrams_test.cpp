#include "asyncio/net/datagrams.hpp"

#include <vector>

#include "asyncio/net/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace net_test;

const DatagramOptions kLoopback{.local_host = "127.0.0.1"};

TEST(DatagramSocket, what_is_sent_arrives_with_its_sender) {
  run([]() -> Coro<> {
    DatagramSocket a = co_await open_datagram(kLoopback);
    DatagramSocket b = co_await open_datagram(kLoopback);
    co_await a.sendto("one", b.address());
    co_await a.sendto("", b.address());
    const Datagram first = co_await b.recvfrom();
    EXPECT_EQ(first.data, "one");
    EXPECT_EQ(first.from, a.address());
    EXPECT_EQ((co_await b.recvfrom()).data, "");
  }());
}

TEST(DatagramSocket, a_cancelled_receiver_loses_no_datagram_and_passes_its_turn_on) {
  run([]() -> Coro<> {
    DatagramSocket a = co_await open_datagram(kLoopback);
    DatagramSocket b = co_await open_datagram(kLoopback);
    Task<Datagram> first = create_task(b.recvfrom());
    Task<Datagram> second = create_task(b.recvfrom());
    co_await pass(2);
    co_await a.sendto("x", b.address());
    for (int i = 0; i < 20 && !first.done(); ++i) {
      first.cancel();
      co_await pass();
    }
    EXPECT_EQ((co_await second).data, "x");
  }());
}

TEST(DatagramSocket, a_socket_can_be_taken_over) {
  const int before = open_files();
  run([]() -> Coro<> {
    std::array<int, 2> pair{-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair.data()), 0);
    DatagramSocket a = co_await open_datagram({.sock = pair[0]});
    co_await a.send("one");
    std::array<char, 10> room{};
    EXPECT_EQ(::recv(pair[1], room.data(), room.size(), 0), 3);
    EXPECT_EQ(::send(pair[1], "two", 3, 0), 3);
    EXPECT_EQ((co_await a.recvfrom()).data, "two");
    EXPECT_EQ(co_await error_of(open_datagram({.local_port = 1, .sock = pair[1]})),
              "ValueError: socket modifier keyword arguments can not be used when sock is "
              "specified.\n  instead: leave out addresses, reuse_port and allow_broadcast");
    ::close(pair[1]);
    const SocketPair streams = make_pair();
    EXPECT_EQ(co_await error_of(open_datagram({.sock = streams.ours})),
              "ValueError: A datagram socket was expected, got fd " + std::to_string(streams.ours));
    ::close(streams.ours);
    ::close(streams.peers);
  }());
  EXPECT_EQ(open_files(), before);
}

TEST(DatagramSocket, a_connected_one_hears_that_nobody_is_there) {
  run([]() -> Coro<> {
    int port = 0;
    {
      DatagramSocket gone = co_await open_datagram(kLoopback);
      port = gone.address().port();
      gone.close();
      co_await pass(3);
    }
    DatagramSocket socket =
        co_await open_datagram({.remote_host = "127.0.0.1", .remote_port = port});
    co_await socket.send("anybody?");
    EXPECT_EQ(co_await error_of(socket.recvfrom()),
              "ConnectionRefusedError: [Errno 111] Connection refused");
    EXPECT_NE(co_await error_of(socket.sendto("x", *Address::parse("127.0.0.1", 9))), "");
  }());
}

TEST(DatagramSocket, closing_it_wakes_who_waits) {
  run([]() -> Coro<> {
    DatagramSocket socket = co_await open_datagram(kLoopback);
    Task<Datagram> waiting = create_task(socket.recvfrom());
    co_await pass(2);
    socket.close();
    EXPECT_EQ(co_await error_of(std::move(waiting)),
              "ConnectionAbortedError: the datagram socket is closed");
  }());
}

TEST(DatagramSocket, works_over_unix_paths) {
  const std::string base = "/tmp/asyncio_datagram_" + std::to_string(::getpid());
  run([](std::string path) -> Coro<> {
    DatagramSocket a = co_await open_datagram({.local_path = path + "a"});
    DatagramSocket b = co_await open_datagram({.local_path = path + "b"});
    co_await a.sendto("by path", b.address());
    const Datagram got = co_await b.recvfrom();
    EXPECT_EQ(got.data, "by path");
    EXPECT_EQ(got.from.path(), path + "a");
  }(base));
  ::unlink((base + "a").c_str());
  ::unlink((base + "b").c_str());
}

struct Log : DatagramProtocol {
  explicit Log(std::vector<std::string>& to) : events(to) {}
  void connection_made(DatagramTransport& transport) override {
    own = &transport;
    events.push_back("made");
  }
  void datagram_received(std::string_view data, const Address& from) override {
    events.push_back("got " + std::string(data));
    if (data != "last") own->sendto(data, from);
  }
  void connection_lost(std::exception_ptr error) override {
    events.push_back(error ? "lost" : "closed");
  }
  std::vector<std::string>& events;
  DatagramTransport* own = nullptr;
};

TEST(DatagramProtocol, hears_of_everything_in_order) {
  run([]() -> Coro<> {
    std::vector<std::string> events;
    auto made = co_await get_running_loop().create_datagram_endpoint(
        [&] { return std::make_shared<Log>(events); }, kLoopback);
    EXPECT_EQ(events.size(), 1U);
    DatagramSocket peer = co_await open_datagram(kLoopback);
    co_await peer.sendto("ping", made.first->sockname());
    EXPECT_EQ((co_await peer.recvfrom()).data, "ping");
    co_await peer.sendto("last", made.first->sockname());
    EXPECT_TRUE(co_await eventually([&] { return events.size() == 3; }));
    made.first->close();
    EXPECT_EQ(events.size(), 3U);
    co_await pass(2);
    EXPECT_EQ(events, (std::vector<std::string>{"made", "got ping", "got last", "closed"}));
  }());
}

TEST(DatagramProtocol, can_be_replaced_from_its_own_callback) {
  struct Replaced final : DatagramProtocol {
    Replaced(std::vector<std::string>& events, DatagramTransport*& transport)
        : events(events), transport(transport) {}
    void datagram_received(std::string_view, const Address&) override {
      transport->set_protocol(std::make_shared<Log>(events));
      events.push_back("replaced");
    }
    std::vector<std::string>& events;
    DatagramTransport*& transport;
  };
  run([]() -> Coro<> {
    std::vector<std::string> events;
    DatagramTransport* transport = nullptr;
    auto made = co_await get_running_loop().create_datagram_endpoint(
        [&] { return std::make_shared<Replaced>(events, transport); }, kLoopback);
    transport = made.first.get();
    EXPECT_EQ(transport->get_protocol(), made.second);
    std::weak_ptr<DatagramProtocol> first = made.second;
    made.second.reset();
    DatagramSocket peer = co_await open_datagram(kLoopback);
    co_await peer.sendto("one", transport->sockname());
    co_await peer.sendto("last", transport->sockname());
    EXPECT_TRUE(co_await eventually([&] { return events.size() == 2; }));
    EXPECT_TRUE(first.expired());
    made.first->close();
    co_await pass(2);
    EXPECT_EQ(events, (std::vector<std::string>{"replaced", "got last", "closed"}));
  }());
}

TEST(DatagramSocket, no_file_descriptor_stays_open) {
  const int before = open_files();
  run([]() -> Coro<> {
    for (int i = 0; i < 10; ++i) {
      DatagramSocket socket = co_await open_datagram(kLoopback);
      co_await socket.sendto("to myself", socket.address());
    }
  }());
  EXPECT_EQ(open_files(), before);
}

}  // namespace
}  // namespace asyncio
