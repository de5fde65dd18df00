#include "asyncio/debug/peers.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "asyncio/asyncio.hpp"

namespace asyncio::debug {
namespace {

TEST(SocketLine, has_the_peer_and_the_inode_of_a_line_of_proc) {
  const auto four = read_socket_line(
      "   3: 0100007F:0016 0201A8C0:D431 01 00000000:00000000 02:000A7214 00000000     0        0 "
      "123456 2 0000000000000000 20 4 30 10 -1");
  const auto six = read_socket_line(
      "   1: 00000000000000000000000001000000:1F90 B80D0120000000000000000001000000:01BB 01 "
      "00000000:00000000 00:00000000 00000000  1000        0 77 1 0000000000000000 20 4 0 10 -1");

  ASSERT_TRUE(four && six);
  EXPECT_EQ(four->peer, "('192.168.1.2', 54321)");
  EXPECT_EQ(four->inode, 123456u);
  EXPECT_EQ(six->peer, "('2001:db8::1', 443, 0, 0)");
  EXPECT_EQ(six->inode, 77u);
}

TEST(SocketLine, is_empty_for_anything_else) {
  EXPECT_FALSE(read_socket_line(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode"));
  EXPECT_FALSE(read_socket_line(""));
  EXPECT_FALSE(read_socket_line("1: x:y z 01 0 0 0 0 0 12"));
}

TEST(Peers, are_those_of_the_sockets_of_a_process) {
  run([]() -> Coro<> {
    Server server = co_await start_server([](StreamReader, StreamWriter) -> Coro<> { co_return; },
                                          "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets().at(0).port());
    Peers peers(::getpid());

    EXPECT_EQ(peers.of(writer.transport().fileno()), server.sockets().at(0).repr());
    EXPECT_EQ(peers.of(STDIN_FILENO), "");
    EXPECT_EQ(peers.of(1'000'000), "");
    server.close();
  }());
}

}  // namespace
}  // namespace asyncio::debug
