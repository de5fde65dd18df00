#include "asyncio/combinators/gather.hpp"
#include "asyncio/net/tls/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace tls_test;

StartTlsOptions to_localhost() {
  StartTlsOptions options;
  options.server_hostname = "localhost";
  return options;
}

Coro<> upgrade(Ends& ends) {
  static_cast<void>(co_await gather(ends.client.writer.start_tls(client_context(), to_localhost()),
                                    ends.served.writer.start_tls(server_context())));
}

TEST(StartTls, both_sides_of_a_live_connection_go_on_encrypted) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    ends.client.writer.write("STARTTLS\n");
    EXPECT_EQ(co_await ends.served.reader.readline(), "STARTTLS\n");
    ends.served.writer.write("OK\n");
    EXPECT_EQ(co_await ends.client.reader.readline(), "OK\n");
    co_await upgrade(ends);
    EXPECT_EQ(ends.client.writer.ssl_object().version(), "TLSv1.3");
    EXPECT_EQ(ends.served.writer.ssl_object().server_hostname(), "localhost");
    ends.client.writer.write("secret\n");
    EXPECT_EQ(co_await ends.served.reader.readline(), "secret\n");
    ends.served.writer.close();
    const Whole whole = co_await read_whole(ends.client.reader);
    EXPECT_EQ(whole.error, "");
    EXPECT_EQ(co_await error_of(ends.served.writer.wait_closed()), "");
  }());
}

// Otherwise a server that reads ahead would wait for a hello that it has already.
TEST(StartTls, a_hello_that_came_with_the_last_plain_line_is_not_lost) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    ends.client.writer.write("STARTTLS\n");
    Task<> client = create_task(ends.client.writer.start_tls(client_context(), to_localhost()));
    EXPECT_TRUE(co_await eventually([&] { return ends.served.reader.buffered().size() > 100; }));
    EXPECT_EQ(co_await ends.served.reader.readline(), "STARTTLS\n");
    co_await ends.served.writer.start_tls(server_context());
    co_await client;
    ends.served.writer.write("encrypted\n");
    EXPECT_EQ(co_await ends.client.reader.readline(), "encrypted\n");
  }());
}

// Otherwise an attacker could put commands before the handshake that count as if they came after.
TEST(StartTls, plain_text_behind_the_command_fails_the_handshake) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    ends.client.writer.write("STARTTLS\nRCPT TO: somebody else\n");
    EXPECT_EQ(co_await ends.served.reader.readline(), "STARTTLS\n");
    const std::string error = co_await error_of(ends.served.writer.start_tls(server_context()));
    EXPECT_EQ(error.substr(0, 9), "SslError:");
    EXPECT_TRUE(ends.served.writer.is_closing());
    EXPECT_EQ((co_await error_of(ends.served.reader.readline())).substr(0, 9), "SslError:");
  }());
}

TEST(StartTls, a_refused_certificate_closes_the_connection) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    StartTlsOptions elsewhere;
    elsewhere.server_hostname = "elsewhere.test";
    Task<std::string> server =
        create_task(error_of(ends.served.writer.start_tls(server_context())));
    const std::string error =
        co_await error_of(ends.client.writer.start_tls(client_context(), elsewhere));
    EXPECT_EQ(error.substr(0, 25), "SslCertVerificationError:");
    EXPECT_TRUE(ends.client.writer.is_closing());
    EXPECT_EQ((co_await error_of(ends.client.writer.wait_closed())).substr(0, 25),
              "SslCertVerificationError:");
    co_await server;
  }());
}

TEST(StartTls, cancelling_it_closes_the_connection_and_leaks_nothing) {
  const int before = open_files();
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    Task<> task = create_task(ends.client.writer.start_tls(client_context(), to_localhost()));
    co_await pass(3);
    task.cancel();
    co_await pass(3);
    EXPECT_TRUE(task.cancelled());
    EXPECT_TRUE(ends.client.writer.is_closing());
  }());
  EXPECT_EQ(open_files(), before);
}

TEST(StartTls, cancelling_it_at_every_point_leaks_nothing) {
  const int before = open_files();
  RunOptions every_pass;  // looks at the kernel
  every_pass.loop_factory = [] { return std::make_unique<Loop>(LoopOptions{.poll_interval = 1}); };
  run(
      []() -> Coro<> {
        const ssl::Context client = client_context();
        const ssl::Context server = server_context();
        bool finished = false;
        for (int steps = 1; !finished && steps < 200; ++steps) {
          Ends ends = co_await connected();
          Task<> ours = create_task(ends.client.writer.start_tls(client, to_localhost()));
          Task<> theirs = create_task(ends.served.writer.start_tls(server));
          for (int i = 0; i < steps && !ours.done(); ++i) co_await pass();
          finished = ours.done();
          ours.cancel();
          static_cast<void>(co_await error_of(std::move(theirs)));
          EXPECT_EQ(ends.client.writer.is_closing(), !finished) << steps;
        }
        EXPECT_TRUE(finished);
      }(),
      every_pass);
  EXPECT_EQ(open_files(), before);
}

TEST(StartTls, misuse_is_named) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    EXPECT_EQ(co_await error_of(ends.client.writer.start_tls(client_context())),
              "ValueError: check_hostname requires server_hostname");
    ends.client.writer.close();
    EXPECT_EQ(co_await error_of(ends.client.writer.start_tls(client_context(), to_localhost())),
              "ConnectionResetError: Connection lost");
    EXPECT_EQ(co_await error_of(get_running_loop().start_tls(nullptr, nullptr, client_context())),
              "TypeError: start_tls() needs a transport, not a null pointer");
  }());
}

struct Collector : Protocol {
  void connection_made(Transport&) override { ++connections; }
  void data_received(std::string_view data) override { received += data; }
  void connection_lost(std::exception_ptr) override { is_lost = true; }
  std::string received;
  int connections = 0;
  bool is_lost = false;
};

TEST(StartTls, a_transport_is_upgraded_and_its_protocol_hears_of_no_second_connection) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    Listening there = co_await listening({});
    auto [plain, protocol] = co_await loop.create_connection(
        [] { return std::make_shared<Collector>(); }, "127.0.0.1", there.port);
    Connection served = co_await std::move(there.arrived);
    Task<> server = create_task(served.writer.start_tls(server_context()));
    std::shared_ptr<Transport> secure =
        co_await loop.start_tls(plain, protocol, client_context(), to_localhost());
    co_await server;
    EXPECT_EQ(secure->ssl_object().version(), "TLSv1.3");
    EXPECT_EQ(secure->get_protocol(), protocol);
    served.writer.write("hello");
    EXPECT_TRUE(co_await eventually([&, p = protocol] { return p->received == "hello"; }));
    EXPECT_EQ(protocol->connections, 1);
    secure->close();
    EXPECT_TRUE(co_await eventually([&, p = protocol] { return p->is_lost; }));
  }());
}

TEST(StartTls, tls_runs_inside_tls) {
  run([]() -> Coro<> {
    Ends ends = co_await connected_tls();
    co_await upgrade(ends);
    const std::string data(300'000, 't');
    Task<std::string> read = create_task(ends.served.reader.readexactly(data.size()));
    ends.client.writer.write(data);
    EXPECT_TRUE(co_await read == data);
    ends.client.writer.close();
    EXPECT_EQ(co_await error_of(ends.client.writer.wait_closed()), "");
  }());
}

}  // namespace
}  // namespace asyncio
