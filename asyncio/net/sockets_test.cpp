#include "asyncio/net/sockets.hpp"

#include "asyncio/net/internal/sockets.hpp"
#include "asyncio/net/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace net_test;

TEST(SocketOperations, send_and_receive_on_plain_sockets) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    const SocketPair pair = make_pair();
    Task<std::string> got = create_task(loop.sock_recv(pair.ours, 100));
    co_await pass(2);
    EXPECT_FALSE(got.done());
    co_await loop.sock_sendall(pair.peers, "hello");
    EXPECT_EQ(co_await got, "hello");

    const std::string large(3'000'000, 'l');
    Task<> sending = create_task(loop.sock_sendall(pair.peers, large));
    std::size_t total = 0;
    while (total < large.size()) total += (co_await loop.sock_recv(pair.ours, 65'536)).size();
    co_await sending;
    ::close(pair.peers);
    EXPECT_EQ(co_await loop.sock_recv(pair.ours, 10), "");
    ::close(pair.ours);
  }());
}

TEST(SocketOperations, connect_and_accept) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    using detail::FileDescriptor;
    const FileDescriptor listener =
        detail::make_stream_socket(loop.backend(), Address::Family::ipv4, {});
    detail::bind_socket(loop.backend(), listener.get(), *Address::parse("127.0.0.1", 0));
    detail::listen_on(loop.backend(), listener.get(), 5);
    const Address name = detail::socket_name(loop.backend(), listener.get());
    Task<std::pair<int, Address>> accepting = create_task(loop.sock_accept(listener.get()));
    const FileDescriptor client =
        detail::make_stream_socket(loop.backend(), Address::Family::ipv4, {});
    co_await loop.sock_connect(client.get(), name);
    const auto accepted = co_await std::move(accepting);
    EXPECT_EQ(accepted.second, detail::socket_name(loop.backend(), client.get()));
    ::close(accepted.first);
  }());
}

TEST(SocketOperations, datagrams_come_with_their_sender) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    const detail::FileDescriptor a =
        detail::make_datagram_socket(loop.backend(), Address::Family::ipv4, {});
    const detail::FileDescriptor b =
        detail::make_datagram_socket(loop.backend(), Address::Family::ipv4, {});
    for (const auto* each : {&a, &b})
      detail::bind_socket(loop.backend(), each->get(), *Address::parse("127.0.0.1", 0));
    EXPECT_EQ(
        co_await loop.sock_sendto(a.get(), "x y", detail::socket_name(loop.backend(), b.get())),
        3U);
    const auto got = co_await loop.sock_recvfrom(b.get(), 100);
    EXPECT_EQ(got.first, "x y");
    EXPECT_EQ(got.second, detail::socket_name(loop.backend(), a.get()));
  }());
}

TEST(SocketOperations, a_cancelled_wait_leaves_no_callback) {
  run([]() -> Coro<> {
    const SocketPair pair = make_pair();
    Task<> waiting = create_task(wait_readable(pair.ours));
    co_await pass(2);
    waiting.cancel();
    EXPECT_EQ(co_await error_of(waiting), "CancelledError");
    EXPECT_FALSE(get_running_loop().remove_reader(pair.ours));
    co_await wait_writable(pair.ours);
    ::close(pair.ours);
    ::close(pair.peers);
  }());
}

}  // namespace
}  // namespace asyncio
