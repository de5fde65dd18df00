// transport_test.cpp: streams and protocols over TLS; what they do over plain sockets is tested in
// the folder above.
#include <netinet/in.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "asyncio/combinators/gather.hpp"
#include "asyncio/combinators/timeouts.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/net/stream_protocol.hpp"
#include "asyncio/net/tls/internal/openssl.hpp"
#include "asyncio/net/tls/internal/test_support.hpp"
#include "asyncio/sync/threads.hpp"

namespace asyncio {
namespace {

using namespace tls_test;

TEST(TlsStreams, what_one_side_writes_the_other_reads) {
  run([]() -> Coro<> {
    Ends ends = co_await connected_tls();
    ends.client.writer.write("ping\n");
    EXPECT_EQ(co_await ends.served.reader.readline(), "ping\n");
    ends.served.writer.writelines({"po", "ng", "\n"});
    EXPECT_EQ(co_await ends.client.reader.readline(), "pong\n");
    EXPECT_EQ(ends.client.writer.ssl_object().version(), "TLSv1.3");
    EXPECT_FALSE(ends.client.writer.can_write_eof());
    EXPECT_EQ(error_of([&] { ends.client.writer.write_eof(); }).substr(0, 20),
              "NotImplementedError:");
  }());
}

TEST(TlsStreams, close_says_goodbye_so_that_the_peer_reads_to_a_clean_end) {
  run([]() -> Coro<> {
    Ends ends = co_await connected_tls();
    ends.client.writer.write("last words");
    ends.client.writer.close();
    const Whole whole = co_await read_whole(ends.served.reader);
    EXPECT_EQ(whole.data, "last words");
    EXPECT_EQ(whole.error, "");
    EXPECT_TRUE(ends.served.writer.is_closing());  // a half-closed TLS connection is closed
    EXPECT_EQ(co_await error_of(ends.client.writer.wait_closed()), "");
    EXPECT_EQ(co_await error_of(ends.served.writer.wait_closed()), "");
  }());
}

// Otherwise somebody on the way could cut off the end of a message.
TEST(TlsStreams, an_end_without_close_notify_is_an_error_behind_the_data) {
  run([]() -> Coro<> {
    Ends ends = co_await connected_tls();
    ends.served.writer.write("half a mess");
    ends.served.writer.abort();
    EXPECT_EQ(co_await ends.client.reader.readexactly(11), "half a mess");
    const std::string error = co_await error_of(ends.client.reader.read(1));
    EXPECT_EQ(error.substr(0, error.find('\n')),
              "SslEofError: [SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of "
              "protocol");
  }());
}

TEST(TlsStreams, an_end_without_close_notify_is_an_end_where_that_was_asked_for) {
  run([]() -> Coro<> {
    ssl::Context client = client_context();
    client.set_suppress_ragged_eofs(true);
    Ends ends = co_await connected_by(client, server_context());
    ends.served.writer.write("all");
    ends.served.writer.abort();
    const Whole whole = co_await read_whole(ends.client.reader);
    EXPECT_EQ(whole.data, "all");
    EXPECT_EQ(whole.error, "");
  }());
}

Coro<> send_and_close(StreamWriter& writer, const std::string& data, unsigned seed) {
  std::minstd_rand random(seed);
  std::size_t at = 0;
  while (at < data.size()) {
    const std::size_t part = std::min<std::size_t>(1 + random() % 40'000, data.size() - at);
    writer.write(std::string_view(data).substr(at, part));
    co_await writer.drain();
    at += part;
  }
  writer.write("END");
  co_await writer.drain();
}

TEST(TlsStreams, megabytes_flow_both_ways_at_once_in_both_versions) {
  for (const ssl::TLSVersion version : {ssl::TLSVersion::TLSv1_2, ssl::TLSVersion::TLSv1_3}) {
    run([](ssl::TLSVersion chosen) -> Coro<> {
      ssl::Context client = client_context();
      client.set_maximum_version(chosen);
      Ends ends = co_await connected_by(client, server_context());
      const std::string up(3'000'000, 'u');
      const std::string down(5'000'000, 'd');
      auto results = co_await gather(send_and_close(ends.client.writer, up, 1),
                                     send_and_close(ends.served.writer, down, 2),
                                     ends.served.reader.readexactly(up.size() + 3),
                                     ends.client.reader.readexactly(down.size() + 3));
      EXPECT_TRUE(std::get<2>(results) == up + "END");
      EXPECT_TRUE(std::get<3>(results) == down + "END");
    }(version));
  }
}

// A relay that hands bytes on in random crumbs.
Coro<> crumble(StreamReader& from, StreamWriter& to, unsigned seed) {
  std::minstd_rand random(seed);
  for (;;) {
    const std::string part = co_await from.read(static_cast<std::ptrdiff_t>(1 + random() % 700));
    if (part.empty()) break;
    to.write(part);
    if (random() % 4 == 0) co_await sleep(0s);
  }
  to.close();
}

Coro<> relay(int port, StreamReader reader, StreamWriter writer) {
  Connection onward = co_await open_connection("127.0.0.1", port);
  static_cast<void>(
      co_await gather(crumble(reader, onward.writer, 3), crumble(onward.reader, writer, 4)));
}

TEST(TlsStreams, records_that_arrive_in_crumbs_are_put_together) {
  run([]() -> Coro<> {
    ServerOptions options;
    options.ssl = server_context();
    Listening there = co_await listening(options);
    Server between = co_await start_server(
        [port = there.port](StreamReader reader, StreamWriter writer) -> Coro<> {
          co_await relay(port, std::move(reader), std::move(writer));
        },
        "127.0.0.1", 0);
    Connection client = co_await open_connection("localhost", between.sockets()[0].port(),
                                                 {.ssl = client_context()});
    Connection served = co_await std::move(there.arrived);
    const std::string data(200'000, 'c');
    co_await send_and_close(client.writer, data, 5);
    EXPECT_TRUE(co_await served.reader.readexactly(data.size() + 3) == data + "END");
    served.writer.write("thanks");
    served.writer.close();
    const Whole whole = co_await read_whole(client.reader);
    EXPECT_EQ(whole.data, "thanks");
    EXPECT_EQ(whole.error, "");
  }());
}

// Otherwise a slow reader would cost its sender's memory.
TEST(TlsStreams, a_peer_that_does_not_read_holds_the_writer_up) {
  run([]() -> Coro<> {
    Ends ends = co_await connected_tls();
    const std::string block(100'000, 'b');
    Task<> writing = create_task([&]() -> Coro<> {
      for (int i = 0; i < 200; ++i) {
        ends.client.writer.write(block);
        co_await ends.client.writer.drain();
      }
      ends.client.writer.close();
    });
    co_await sleep(20ms);
    EXPECT_FALSE(writing.done());
    EXPECT_LT(ends.client.writer.transport().get_write_buffer_size(), 400'000U);
    EXPECT_LT(ends.served.reader.buffered().size(), 300'000U);
    const Whole whole = co_await read_whole(ends.served.reader);
    EXPECT_EQ(whole.data.size(), 20'000'000U);
    EXPECT_EQ(whole.error, "");
    co_await writing;
  }());
}

TEST(TlsStreams, a_cancelled_read_loses_no_byte) {
  run([]() -> Coro<> {
    Ends ends = co_await connected_tls();
    Task<std::string> read = create_task(ends.served.reader.readexactly(8));
    ends.client.writer.write("abcd");
    EXPECT_TRUE(co_await eventually([&] { return !ends.served.reader.buffered().empty(); }));
    read.cancel();
    co_await pass();
    EXPECT_TRUE(read.cancelled());
    ends.client.writer.write("efgh");
    EXPECT_EQ(co_await ends.served.reader.readexactly(8), "abcdefgh");
  }());
}

TEST(TlsStreams, a_file_is_sent_through_the_encryption) {
  run([]() -> Coro<> {
    Ends ends = co_await connected_tls();
    const std::size_t sent = co_await ends.client.writer.sendfile(authority().cafile());
    EXPECT_EQ(co_await ends.served.reader.readexactly(sent), authority().cadata());
  }());
}

// ---- what goes wrong with time and cancellation

TEST(TlsHandshake, a_peer_that_says_nothing_is_given_up_after_the_handshake_timeout) {
  run([]() -> Coro<> {
    Listening silent = co_await listening({});
    ConnectOptions to;
    to.ssl = client_context();
    to.ssl_handshake_timeout = 30ms;
    const std::string error = co_await error_of(open_connection("localhost", silent.port, to));
    EXPECT_EQ(error.substr(0, error.find('\n')),
              "ConnectionAbortedError: SSL handshake is taking longer than 0.0 seconds: aborting "
              "the connection");
  }());
}

TEST(TlsHandshake, a_client_that_says_nothing_is_dropped_by_the_server) {
  run([]() -> Coro<> {
    ServerOptions options;
    options.ssl = server_context();
    options.ssl_handshake_timeout = 30ms;
    Listening there = co_await listening(options);
    Connection silent = co_await open_connection("127.0.0.1", there.port);
    const Whole whole = co_await read_whole(silent.reader);
    EXPECT_EQ(whole.data, "");
    EXPECT_FALSE(there.arrived.done());
  }());
}

TEST(TlsHandshake, a_peer_that_hangs_up_in_the_middle_is_a_reset) {
  run([]() -> Coro<> {
    Server rude = co_await start_server([](StreamReader, StreamWriter) {}, "127.0.0.1", 0);
    const std::string error = co_await error_of(
        open_connection("localhost", rude.sockets()[0].port(), {.ssl = client_context()}));
    EXPECT_EQ(error.substr(0, 21), "ConnectionResetError:");
  }());
}

TEST(TlsHandshake, a_peer_that_does_not_speak_tls_is_named_with_the_cure) {
  run([]() -> Coro<> {
    Server plain = co_await start_server(
        [](StreamReader reader, StreamWriter writer) -> Coro<> {
          static_cast<void>(co_await reader.read(1));
          writer.write("HTTP/1.0 400 Bad Request\r\n\r\n");
          static_cast<void>(co_await reader.read());
        },
        "127.0.0.1", 0);
    const std::string error = co_await error_of(
        open_connection("localhost", plain.sockets()[0].port(), {.ssl = client_context()}));
    EXPECT_EQ(error.substr(0, error.find('\n')),
              "SslError: [SSL: WRONG_VERSION_NUMBER] wrong version number");
    EXPECT_NE(error.find("the peer does not speak TLS here"), std::string::npos) << error;
  }());
}

TEST(TlsHandshake, cancelling_it_at_every_point_leaks_nothing) {
  const int before = open_files();
  RunOptions every_pass;  // looks at the kernel
  every_pass.loop_factory = [] { return std::make_unique<Loop>(LoopOptions{.poll_interval = 1}); };
  run(
      []() -> Coro<> {
        ServerOptions options;
        options.ssl = server_context();
        Listening there = co_await listening(options);
        const ssl::Context client = client_context();
        bool finished = false;
        for (int steps = 0; !finished && steps < 200; ++steps) {
          Task<Connection> task =
              create_task(open_connection("127.0.0.1", there.port, {.ssl = client}));
          for (int i = 0; i < steps && !task.done(); ++i) co_await pass();
          finished = task.done();
          task.cancel();
          co_await wait_for(error_of(std::move(task)), 10s);
        }
        EXPECT_TRUE(finished);
      }(),
      every_pass);
  EXPECT_EQ(open_files(), before);
}

TEST(TlsShutdown, a_peer_that_never_says_goodbye_is_given_up_after_the_shutdown_timeout) {
  run([]() -> Coro<> {
    ServerOptions options;
    options.ssl = server_context();
    options.ssl_shutdown_timeout = 30ms;
    Listening there = co_await listening(options);
    Connection client =
        co_await open_connection("localhost", there.port, {.ssl = client_context()});
    Connection served = co_await std::move(there.arrived);
    client.writer.transport().pause_reading();  // it never sees our goodbye
    served.writer.close();
    EXPECT_EQ(co_await error_of(served.writer.wait_closed()),
              "TimeoutError: SSL shutdown timed out");
  }());
}

TEST(TlsShutdown, closing_a_server_s_clients_says_goodbye_to_each) {
  run([]() -> Coro<> {
    Ends ends = co_await connected_tls();
    ends.server.close();
    ends.server.close_clients();
    const Whole whole = co_await read_whole(ends.client.reader);
    EXPECT_EQ(whole.error, "");
    co_await ends.server.wait_closed();
  }());
}

TEST(TlsShutdown, what_the_peer_still_sends_after_our_close_is_dropped_and_holds_up_nobody) {
  run([]() -> Coro<> {
    Ends ends = co_await connected_tls();
    ends.served.writer.write(std::string(3'000'000, 'z'));
    ends.client.writer.close();
    EXPECT_EQ(co_await error_of(ends.client.writer.wait_closed()), "");
  }());
}

TEST(TlsStreams, a_connection_outlives_its_loop_harmlessly) {
  std::unique_ptr<Ends> kept;
  run([](std::unique_ptr<Ends>& keep) -> Coro<> {
    keep = std::make_unique<Ends>(co_await connected_tls());
  }(kept));
  EXPECT_TRUE(kept->client.writer.is_closing());
  kept->client.writer.write("x");
  kept->client.writer.close();
}

TEST(TlsStreams, no_file_descriptor_stays_open) {
  const int before = open_files();
  run([]() -> Coro<> {
    for (int i = 0; i < 10; ++i) {
      Ends ends = co_await connected_tls();
      ends.client.writer.write("x");
      ends.server.close();
    }
  }());
  EXPECT_EQ(open_files(), before);
}

// ---- protocols

struct Recorder : Protocol {
  void connection_made(Transport& made) override {
    transport = &made;
    log += "made:" + made.ssl_object().version() + " ";
  }
  void data_received(std::string_view data) override {
    log += "data:" + std::string(data) + " ";
    if (throws) throw RuntimeError("a bug");
  }
  bool eof_received() override {
    log += "eof ";
    return false;
  }
  void connection_lost(std::exception_ptr error) override {
    log += "lost:" + (error ? describe(error) : "");
    if (!lost.done()) lost.set_result();
  }
  Transport* transport = nullptr;
  std::string log;
  bool throws = false;
  Future<> lost;
};

struct Buffered final : BufferedProtocol {
  std::span<char> get_buffer(std::size_t) override { return {data.data() + filled, 3}; }
  void buffer_updated(std::size_t received) override { filled += received; }
  std::array<char, 64> data{};
  std::size_t filled = 0;
};

TEST(TlsProtocols, a_protocol_hears_what_it_would_hear_over_a_plain_socket) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    ServerOptions options;
    options.ssl = server_context();
    auto serving = std::make_shared<Recorder>();
    Server server = co_await loop.create_server([&] { return std::shared_ptr<Protocol>(serving); },
                                                "127.0.0.1", 0, options);
    auto [transport, protocol] =
        co_await loop.create_connection([] { return std::make_shared<Recorder>(); }, "localhost",
                                        server.sockets()[0].port(), {.ssl = client_context()});
    EXPECT_EQ(protocol->log, "made:TLSv1.3 ");
    EXPECT_EQ(protocol->transport, transport.get());
    transport->write("hello");
    EXPECT_TRUE(co_await eventually([&] { return serving->log.ends_with("data:hello "); }));
    transport->close();
    co_await serving->lost;
    EXPECT_EQ(serving->log, "made:TLSv1.3 data:hello eof lost:");
    co_await protocol->lost;
    EXPECT_EQ(protocol->log, "made:TLSv1.3 lost:");
  }());
}

TEST(TlsProtocols, an_exception_of_a_protocol_closes_its_connection_and_is_reported) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    std::string reported;
    loop.set_exception_handler(
        [&](Loop&, const ExceptionContext& context) { reported = describe(context.exception); });
    Listening there = co_await listening({.ssl = server_context()});
    auto [transport, protocol] =
        co_await loop.create_connection([] { return std::make_shared<Recorder>(); }, "localhost",
                                        there.port, {.ssl = client_context()});
    protocol->throws = true;
    Connection served = co_await std::move(there.arrived);
    served.writer.write("x");
    co_await protocol->lost;
    EXPECT_EQ(reported, "RuntimeError: a bug");
    EXPECT_EQ(protocol->log, "made:TLSv1.3 data:x lost:RuntimeError: a bug");
  }());
}

TEST(TlsProtocols, a_buffered_protocol_gets_its_bytes_where_it_wants_them) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    Listening there = co_await listening({.ssl = server_context()});
    auto [transport, protocol] =
        co_await loop.create_connection([] { return std::make_shared<Buffered>(); }, "localhost",
                                        there.port, {.ssl = client_context()});
    Connection served = co_await std::move(there.arrived);
    served.writer.write("eleven char");
    EXPECT_TRUE(co_await eventually([&, p = protocol] { return p->filled == 11; }));
    EXPECT_EQ(std::string_view(protocol->data.data(), 11), "eleven char");
    transport->abort();
  }());
}

TEST(TlsProtocols, nothing_is_delivered_while_reading_is_paused) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    Listening there = co_await listening({.ssl = server_context()});
    auto [transport, protocol] =
        co_await loop.create_connection([] { return std::make_shared<Recorder>(); }, "localhost",
                                        there.port, {.ssl = client_context()});
    Connection served = co_await std::move(there.arrived);
    transport->pause_reading();
    served.writer.write("late");
    served.writer.close();
    co_await sleep(20ms);
    EXPECT_EQ(protocol->log, "made:TLSv1.3 ");
    transport->resume_reading();
    co_await protocol->lost;
    EXPECT_EQ(protocol->log, "made:TLSv1.3 data:late eof lost:");
  }());
}

struct Pausable final : Recorder {
  void pause_writing() override { log += "pause "; }
  void resume_writing() override { log += "resume "; }
};

TEST(TlsProtocols, back_pressure_of_the_socket_reaches_the_protocol) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    Listening there = co_await listening({.ssl = server_context()});
    auto [transport, protocol] =
        co_await loop.create_connection([] { return std::make_shared<Pausable>(); }, "localhost",
                                        there.port, {.ssl = client_context()});
    Connection served = co_await std::move(there.arrived);
    transport->set_write_buffer_limits({.high = 100'000, .low = 1'000});
    EXPECT_EQ(transport->get_write_buffer_limits(),
              (std::pair<std::size_t, std::size_t>{1'000, 100'000}));
    transport->write(std::string(20'000'000, 'w'));
    EXPECT_EQ(protocol->log, "made:TLSv1.3 pause ");
    EXPECT_EQ((co_await served.reader.readexactly(20'000'000)).size(), 20'000'000U);
    EXPECT_TRUE(co_await eventually([&, p = protocol] { return p->log.ends_with("resume "); }));
    transport->abort();
  }());
}

TEST(TlsProtocols, streams_can_be_made_of_the_transport) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    Listening there = co_await listening({.ssl = server_context()});
    auto streams = std::make_shared<StreamReaderProtocol>();
    StreamReader reader = streams->reader();
    static_cast<void>(co_await loop.create_connection([&] { return streams; }, "localhost",
                                                      there.port, {.ssl = client_context()}));
    Connection served = co_await std::move(there.arrived);
    streams->writer().write("up\n");
    EXPECT_EQ(co_await served.reader.readline(), "up\n");
    served.writer.write("down\n");
    EXPECT_EQ(co_await reader.readline(), "down\n");
  }());
}

TEST(TlsServers, a_unix_socket_speaks_tls_too) {
  run([]() -> Coro<> {
    const std::string path = authority().folder() + "/tls.sock";
    Server server = co_await start_unix_server(
        [](StreamReader reader, StreamWriter writer) -> Coro<> {
          writer.write(co_await reader.readline());
          writer.close();
          co_await writer.wait_closed();
        },
        path, {.ssl = server_context()});
    ConnectOptions to;
    to.ssl = client_context();
    EXPECT_EQ(co_await error_of(open_unix_connection(path, to)),
              "ValueError: You must set server_hostname when using ssl without a host");
    to.server_hostname = "localhost";
    Connection client = co_await open_unix_connection(path, to);
    client.writer.write("echo\n");
    EXPECT_EQ(co_await client.reader.read(), "echo\n");
  }());
}

TEST(TlsServers, options_that_make_no_sense_are_refused_at_once) {
  run([]() -> Coro<> {
    const auto refuse = [](StreamReader, StreamWriter) {};
    EXPECT_EQ(co_await error_of(open_connection("localhost", 1, {.server_hostname = "x"})),
              "ValueError: server_hostname is only meaningful with ssl");
    EXPECT_EQ(co_await error_of(open_connection("localhost", 1, {.ssl_handshake_timeout = 1s})),
              "ValueError: ssl_handshake_timeout is only meaningful with ssl");
    EXPECT_EQ(error_of([&] {
                static_cast<void>(start_server(refuse, "127.0.0.1", 0, {.ssl = client_context()}));
              }),
              "ValueError: Cannot create a server socket with a PROTOCOL_TLS_CLIENT context");
    ServerOptions hasty;
    hasty.ssl = server_context();
    hasty.ssl_handshake_timeout = 0s;
    EXPECT_EQ(error_of([&] { static_cast<void>(start_server(refuse, "127.0.0.1", 0, hasty)); }),
              "ValueError: ssl_handshake_timeout should be a positive number, got 0.000000");
  }());
}

// ---- renegotiation

// A client by OpenSSL's own means, in a thread: TLS 1.2, then a second handshake. What became of
// the second: "refused", "done", or why there was no first.
std::string renegotiate(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const detail::SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  const detail::SslPtr ssl(SSL_new(context.get()));
  std::string result = "no connection";
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    SSL_set_fd(ssl.get(), fd);
    result = "no handshake";
    if (SSL_connect(ssl.get()) == 1) {
      SSL_renegotiate(ssl.get());
      result = SSL_do_handshake(ssl.get()) == 1 ? "done" : "refused";
      if (ERR_GET_REASON(ERR_peek_last_error()) != SSL_R_NO_RENEGOTIATION) result += " otherwise";
      ERR_clear_error();
    }
  }
  ::close(fd);
  return result;
}

TEST(Renegotiation, is_refused) {
  run([]() -> Coro<> {
    ServerOptions options;
    options.ssl = server_context();
    Listening there = co_await listening(options);
    Task<std::string> client = create_task(to_thread(renegotiate, there.port));
    Connection served = co_await std::move(there.arrived);
    const Whole whole = co_await read_whole(served.reader);
    EXPECT_EQ(whole.data, "");
    EXPECT_EQ(co_await client, "refused");
  }());
}

// ---- deadlines

TEST(TlsConnect, the_timeout_covers_the_handshake) {
  const int before = open_files();
  run([]() -> Coro<> {
    // It never answers a hello.
    auto silent = [](StreamReader reader, StreamWriter) -> Coro<> { co_await reader.read(); };
    Server server = co_await start_server(silent, "127.0.0.1", 0);
    const int port = server.sockets()[0].port();
    ConnectOptions to{.timeout = 20ms, .ssl = client_context(), .server_hostname = "localhost"};
    const std::string error = co_await error_of(open_connection("127.0.0.1", port, to));
    EXPECT_EQ(error.substr(0, 45), "TimeoutError: timed out: TLS handshake with (");
    auto factory = [] { return std::make_shared<Protocol>(); };
    Loop& loop = get_running_loop();
    EXPECT_EQ(
        (co_await error_of(loop.create_connection(factory, "127.0.0.1", port, to))).substr(0, 23),
        "TimeoutError: timed out");
    server.close();
    co_await server.wait_closed();
  }());
  EXPECT_EQ(open_files(), before);
}

}  // namespace
}  // namespace asyncio
