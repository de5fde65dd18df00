#include "asyncio/net/stream_protocol.hpp"

#include <gtest/gtest.h>

#include "asyncio/net/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace net_test;

TEST(StreamReaderProtocol, makes_streams_of_a_transport) {
  run([]() -> Coro<> {
    const SocketPair pair = make_pair();
    auto connected = co_await get_running_loop().connect_accepted_socket(
        [] { return std::make_shared<StreamReaderProtocol>(); }, pair.ours);
    {
      StreamReader reader = connected.second->reader();
      StreamWriter writer = connected.second->writer();
      EXPECT_EQ(::send(pair.peers, "hello\n", 6, 0), 6);
      EXPECT_EQ(co_await reader.readline(), "hello\n");
      writer.write("back");
      co_await writer.drain();
      EXPECT_EQ(drain_fd(pair.peers), "back");
    }
    EXPECT_TRUE(connected.first->is_closing());  // the last handle is gone
    co_await pass(2);
    ::close(pair.peers);
  }());
}

TEST(StreamReaderProtocol, feeds_the_reader_it_was_given_and_ends_it) {
  run([]() -> Coro<> {
    const SocketPair pair = make_pair();
    StreamReader reader;
    static_cast<void>(co_await get_running_loop().connect_accepted_socket(
        [&] { return std::make_shared<StreamReaderProtocol>(reader); }, pair.ours));
    EXPECT_EQ(::send(pair.peers, "tail", 4, 0), 4);
    ::close(pair.peers);
    EXPECT_EQ(co_await reader.read(), "tail");
    EXPECT_TRUE(reader.at_eof());
  }());
}

}  // namespace
}  // namespace asyncio
