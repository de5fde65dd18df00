// open_connection() and its kind: what goes wrong, cancellation, time limits.
#include <vector>

#include "asyncio/io/backend.hpp"
#include "asyncio/net/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace net_test;

TEST(OpenConnection, a_time_limit_is_a_timeout_error_that_names_the_peer) {
  const int before = open_files();
  run([]() -> Coro<> {
    const DeafHost host;
    EXPECT_EQ(co_await error_of(open_connection("127.0.0.1", host.port(), {.timeout = 20ms})),
              "TimeoutError: timed out: connecting to ('127.0.0.1', " +
                  std::to_string(host.port()) + ")");
  }());
  EXPECT_EQ(open_files(), before);
}

TEST(OpenConnection, a_cancelled_connect_leaves_no_socket_behind) {
  const int before = open_files();
  run([]() -> Coro<> {
    const DeafHost host;
    const int with_host = open_files();
    Task<Connection> task = create_task(open_connection("127.0.0.1", host.port()));
    co_await pass(2);
    EXPECT_EQ(open_files(), with_host + 1);
    task.cancel();
    EXPECT_EQ(co_await error_of(std::move(task)), "CancelledError");
    EXPECT_EQ(open_files(), with_host);
  }());
  EXPECT_EQ(open_files(), before);
}

TEST(OpenConnection, cancelled_at_each_of_its_passes_leaves_nothing_behind) {
  const int before = open_files();
  run([]() -> Coro<> {
    Server server = co_await start_server([](StreamReader, StreamWriter) {}, "127.0.0.1", 0);
    const int port = server.sockets()[0].port();
    for (int passes = 0; passes < 8; ++passes) {
      Task<Connection> task = create_task(open_connection("127.0.0.1", port));
      co_await pass(passes);
      task.cancel();
      static_cast<void>(co_await error_of(std::move(task)));
    }
    server.close();
    co_await server.wait_closed();
  }());
  EXPECT_EQ(open_files(), before);
}

TEST(OpenConnection, a_name_is_resolved_and_each_of_its_addresses_tried) {
  run([]() -> Coro<> {
    Server server = co_await start_server(
        [](StreamReader, StreamWriter writer) { writer.write("hello"); }, "127.0.0.1", 0);
    const int port = server.sockets()[0].port();
    auto [reader, writer] = co_await open_connection("localhost", port, {.timeout = 5s});
    EXPECT_EQ(co_await reader.read(), "hello");
    server.close();
  }());
}

TEST(OpenConnection, an_unknown_host_is_a_gai_error) {
  run([]() -> Coro<> {
    const std::string error = co_await error_of(open_connection("no such host", 80));
    EXPECT_EQ(error.find("GaiError: [Errno -"), 0U) << error;
  }());
}

TEST(OpenConnection, options_are_checked) {
  run([]() -> Coro<> {
    EXPECT_EQ(error_of([] { static_cast<void>(open_connection(ConnectOptions{})); }),
              "ValueError: host and port was not specified and no sock specified");
    EXPECT_EQ(co_await error_of(open_connection("127.0.0.1", 1, {.sock = 0})),
              "ValueError: host/port and sock can not be specified at the same time");
    EXPECT_EQ(co_await error_of(open_connection("127.0.0.1", 70'000)),
              "ValueError: port must be 0-65535.");
  }());
}

TEST(OpenConnection, a_local_host_is_where_it_connects_from) {
  run([]() -> Coro<> {
    Server server = co_await start_server([](StreamReader, StreamWriter) {}, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets()[0].port(),
                                                     {.local_host = "127.0.0.2"});
    EXPECT_EQ(writer.sockname().host(), "127.0.0.2");
    server.close();
  }());
}

TEST(OpenUnixConnection, takes_a_socket_over_and_says_what_is_wrong_with_others) {
  const int before = open_files();
  run([]() -> Coro<> {
    const SocketPair pair = make_pair();
    Connection connection = co_await open_unix_connection({.sock = pair.ours});
    connection.writer.write("over");
    EXPECT_EQ(drain_fd(pair.peers), "over");
    ::close(pair.peers);
    const SocketPair other = make_pair();
    auto [transport, protocol] = co_await get_running_loop().create_unix_connection(
        [] { return std::make_shared<Protocol>(); }, {.sock = other.ours});
    transport->write("by hand");
    EXPECT_EQ(drain_fd(other.peers), "by hand");
    transport->close();
    ::close(other.peers);
    EXPECT_EQ(co_await error_of(open_unix_connection("")),
              "ValueError: no path and sock were specified");
    EXPECT_EQ(co_await error_of(open_unix_connection("/x", {.sock = 0})),
              "ValueError: path and sock can not be specified at the same time");
    const int tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const std::string text = "fd " + std::to_string(tcp);
    EXPECT_EQ(co_await error_of(open_unix_connection("", {.sock = tcp})),
              "ValueError: A UNIX Domain Stream Socket was expected, got " + text);
    EXPECT_EQ(::close(tcp), 0) << "it is still ours";
  }());
  EXPECT_EQ(open_files(), before);
}

}  // namespace
}  // namespace asyncio
