#include "asyncio/net/streams.hpp"

#include <memory>
#include <optional>
#include <vector>

#include "asyncio/combinators/timeouts.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/net/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace net_test;

StreamReader fed(std::string_view data, std::size_t limit = kDefaultStreamLimit) {
  StreamReader reader(limit);
  reader.feed_data(data);
  return reader;
}

std::exception_ptr broken() { return std::make_exception_ptr(RuntimeError("broken")); }

// ---- a reader that is fed by hand

TEST(StreamReader, read_gives_what_is_there_and_never_more_than_asked_for) {
  run([]() -> Coro<> {
    StreamReader reader = fed("hello world");
    EXPECT_EQ(co_await reader.read(5), "hello");
    EXPECT_EQ(co_await reader.read(0), "");
    EXPECT_EQ(co_await reader.read(100), " world");
    reader.feed_data("tail");
    reader.feed_eof();
    EXPECT_FALSE(reader.at_eof());
    EXPECT_EQ(co_await reader.read(), "tail");
    EXPECT_TRUE(reader.at_eof());
    EXPECT_EQ(co_await reader.read(7), "");
  }());
}

TEST(StreamReader, a_read_that_is_satisfied_by_the_buffer_does_not_suspend) {
  run([]() -> Coro<> {
    StreamReader reader = fed("one\ntwo\nthree");
    bool others_ran = false;
    Task<> other = create_task([&]() -> Coro<> {
      others_ran = true;
      co_return;
    });
    static_cast<void>(co_await reader.readline());
    static_cast<void>(co_await reader.readuntil("\n"));
    static_cast<void>(co_await reader.readexactly(2));
    static_cast<void>(co_await reader.read(1));
    EXPECT_FALSE(others_ran);
    co_await other;
  }());
}

TEST(StreamReader, a_reader_that_is_always_ready_lets_the_others_run) {
  run([]() -> Coro<> {
    StreamReader reader = fed(std::string(1000, 'x'));
    int left_when_others_ran = 0;
    int left = 1000;
    Task<> other = create_task([&]() -> Coro<> {
      left_when_others_ran = left;
      co_return;
    });
    for (; left > 0; --left) static_cast<void>(co_await reader.readexactly(1));
    EXPECT_GT(left_when_others_ran, 0);
    co_await other;
  }());
}

TEST(StreamReader, readuntil_takes_the_shortest_of_several_separators) {
  run([]() -> Coro<> {
    StreamReader reader = fed("a--b;c\r\n.rest");
    const std::array<std::string_view, 3> ends{"--", ";", "\r\n."};
    EXPECT_EQ(co_await reader.readuntil(ends), "a--");
    EXPECT_EQ(co_await reader.readuntil(ends), "b;");
    EXPECT_EQ(co_await reader.readuntil(ends), "c\r\n.");
    reader.feed_eof();
    const std::string error = co_await error_of(reader.readuntil(ends));
    EXPECT_EQ(error, "IncompleteReadError: 4 bytes read on a total of undefined expected bytes");
    EXPECT_EQ(error_of([&] { static_cast<void>(reader.readuntil("")); }),
              "ValueError: Separator should be at least one-byte string");
  }());
}

TEST(StreamReader, next_gives_line_after_line_and_then_nothing) {
  run([]() -> Coro<> {
    StreamReader reader = fed("one\n\nlast");
    reader.feed_eof();
    std::vector<std::string> lines;
    while (auto line = co_await reader.next()) lines.push_back(*line);
    EXPECT_EQ(lines, (std::vector<std::string>{"one\n", "\n", "last"}));
  }());
}

TEST(StreamReader, a_separator_that_arrives_in_pieces_is_found) {
  run([]() -> Coro<> {
    StreamReader reader;
    Task<std::string> line = create_task(reader.readuntil("ABAC"));
    for (const char* piece : {"xAB", "A", "BA", "Cy"}) {
      co_await pass();
      EXPECT_FALSE(line.done());
      reader.feed_data(piece);
    }
    EXPECT_EQ(co_await line, "xABABAC");
    EXPECT_EQ(co_await reader.read(9), "y");
  }());
}

TEST(StreamReader, the_limit_counts_what_stands_before_the_separator) {
  run([]() -> Coro<> {
    StreamReader exact = fed("12345\r\n", 5);
    EXPECT_EQ(co_await exact.readuntil("\r\n"), "12345\r\n");
    StreamReader slow = fed("12345", 5);
    Task<std::string> line = create_task(slow.readline());
    co_await pass();
    slow.feed_data("\n");
    EXPECT_EQ(co_await line, "12345\n");
    StreamReader over = fed("123456\r\n", 5);
    try {
      static_cast<void>(co_await over.readuntil("\r\n"));
      ADD_FAILURE() << "nothing was thrown";
    } catch (const LimitOverrunError& error) {
      EXPECT_EQ(error.consumed(), 6U);
    }
    EXPECT_EQ(co_await over.read(100), "123456\r\n");
  }());
}

TEST(StreamReader, a_line_over_the_limit_is_dropped_and_the_next_one_is_read) {
  run([]() -> Coro<> {
    StreamReader reader = fed("too long for this\nok\n", 4);
    EXPECT_EQ(co_await error_of(reader.readline()),
              "ValueError: Separator is found, but chunk is longer than limit");
    EXPECT_EQ(co_await reader.readline(), "ok\n");
  }());
}

// Otherwise a reset would hide what the peer had sent before it.
TEST(StreamReader, what_came_before_an_error_is_delivered_before_it) {
  run([]() -> Coro<> {
    StreamReader reader = fed("one\ntwo");
    reader.set_exception(broken());
    EXPECT_EQ(co_await reader.readline(), "one\n");
    EXPECT_EQ(co_await error_of(reader.readline()), "RuntimeError: broken");
    EXPECT_EQ(co_await error_of(reader.readexactly(4)), "RuntimeError: broken");
    EXPECT_EQ(co_await reader.readexactly(3), "two");
    EXPECT_EQ(co_await error_of(reader.read(1)), "RuntimeError: broken");
  }());
}

TEST(StreamReader, a_cancelled_read_loses_no_byte) {
  run([]() -> Coro<> {
    StreamReader reader;
    for (const bool woken_first : {false, true}) {
      Task<std::string> read = create_task(reader.readexactly(4));
      co_await pass();
      reader.feed_data("ab");
      if (woken_first) reader.feed_data("cd");  // complete, but cancel comes before its turn
      read.cancel();
      co_await pass();
      EXPECT_TRUE(read.cancelled());
      if (!woken_first) reader.feed_data("cd");
      EXPECT_EQ(co_await reader.readexactly(4), "abcd");
    }
  }());
}

TEST(StreamReader, a_second_reader_is_refused_while_the_first_waits) {
  run([]() -> Coro<> {
    StreamReader reader;
    Task<std::string> first = create_task(reader.read(1));
    co_await pass();
    EXPECT_EQ(co_await error_of(reader.read(1)),
              "RuntimeError: read() called while another coroutine is already waiting for "
              "incoming data");
    reader.feed_data("x");
    EXPECT_EQ(co_await first, "x");
  }());
}

TEST(StreamReader, read_view_lends_the_buffer_until_it_is_consumed) {
  run([]() -> Coro<> {
    StreamReader reader = fed("abcdef");
    EXPECT_EQ(co_await reader.read_view(), "abcdef");
    reader.consume(4);
    EXPECT_EQ(reader.buffered(), "ef");
    EXPECT_EQ(error_of([&] { reader.consume(3); }),
              "ValueError: consume() of more bytes than are buffered");
    Task<std::size_t> size = create_task(
        [](StreamReader& from) -> Coro<std::size_t> {
          co_return (co_await from.read_view(4)).size();
        },
        std::ref(reader));
    co_await pass();
    reader.feed_data("g");
    co_await pass();
    EXPECT_FALSE(size.done());
    reader.feed_eof();
    EXPECT_EQ(co_await size, 3U);
    reader.consume(3);
    EXPECT_EQ(co_await reader.read_view(), "");
  }());
}

TEST(StreamReader, misuse_is_named) {
  run([]() -> Coro<> {
    EXPECT_EQ(error_of([] { StreamReader none(0); }), "ValueError: Limit cannot be <= 0");
    StreamReader reader;
    reader.feed_eof();
    EXPECT_EQ(error_of([&] { reader.feed_data("x"); }), "RuntimeError: feed_data after feed_eof");
    StreamReader moved = std::move(reader);
    EXPECT_NE(error_of([&] { static_cast<void>(reader.at_eof()); }), "");
    EXPECT_TRUE(moved.at_eof());
    co_return;
  }());
}

// ---- over sockets

TEST(Streams, what_one_side_writes_the_other_reads) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    ends.client.writer.write("hello ");
    ends.client.writer.writelines({"to", " the ", "server\n"});
    EXPECT_EQ(co_await ends.served.reader.readline(), "hello to the server\n");
    ends.served.writer.write("hi\n");
    EXPECT_EQ(co_await ends.client.reader.readline(), "hi\n");
    EXPECT_EQ(ends.client.writer.peername(), ends.served.writer.sockname());
    EXPECT_EQ(ends.client.writer.sockname(), ends.served.writer.peername());
  }());
}

TEST(Streams, megabytes_arrive_whole_and_in_order_both_ways) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    std::string data(5'000'000, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31 >> 3);
    const auto send = [&](StreamWriter& writer) -> Coro<> {
      for (std::size_t i = 0; i < data.size(); i += 70'001) {
        writer.write(std::string_view(data).substr(i, 70'001));
        co_await writer.drain();
      }
      writer.write_eof();
    };
    Task<> to_server = create_task(send(ends.client.writer));
    Task<> to_client = create_task(send(ends.served.writer));
    Task<std::string> at_server = create_task(ends.served.reader.read());
    EXPECT_TRUE(co_await ends.client.reader.readexactly(data.size()) == data);
    EXPECT_TRUE(co_await at_server == data);
    co_await to_server;
    co_await to_client;
  }());
}

// Otherwise a fast sender fills our memory while the reader sleeps.
TEST(Streams, a_slow_reader_holds_no_more_than_twice_its_limit_and_one_buffer) {
  run([]() -> Coro<> {
    Ends ends = co_await connected({.limit = 1000});
    ends.client.writer.write(std::string(20'000'000, 'x'));
    EXPECT_TRUE(co_await eventually([&] { return ends.served.reader.buffered().size() > 0; }));
    co_await sleep(20ms);
    EXPECT_LE(ends.served.reader.buffered().size(), 2000 + 64 * 1024);
    EXPECT_GT(ends.client.writer.transport().get_write_buffer_size(), 0U);
    std::size_t got = 0;
    while (got < 20'000'000) got += (co_await ends.served.reader.read(100'000)).size();
    EXPECT_EQ(got, 20'000'000U);
  }());
}

TEST(Streams, drain_waits_for_the_low_mark_and_not_for_an_empty_buffer) {
  run([]() -> Coro<> {
    const SocketPair pair = make_pair(8192);
    auto [reader, writer] = co_await open_connection({.sock = pair.ours});
    writer.transport().set_write_buffer_limits({.high = 50'000});
    EXPECT_EQ(writer.transport().get_write_buffer_limits(),
              (std::pair<std::size_t, std::size_t>(12'500, 50'000)));
    while (writer.transport().get_write_buffer_size() <= 50'000)
      writer.write(std::string(1000, 'y'));
    Task<> first = create_task(writer.drain());
    Task<> second = create_task(writer.drain());
    co_await sleep(5ms);
    EXPECT_FALSE(first.done());
    while (!first.done()) {
      char some[2000];
      static_cast<void>(::recv(pair.peers, some, sizeof some, MSG_DONTWAIT));
      co_await sleep(0s);
    }
    const std::size_t left = writer.transport().get_write_buffer_size();
    EXPECT_GT(left, 0U);
    EXPECT_LE(left, 12'500U);
    co_await second;
    ::close(pair.peers);
  }());
}

// More parts than one system call takes, while the socket is watched for writability already: the
// kernel would never say again that it takes more.
TEST(Streams, writelines_of_very_many_parts_needs_no_edge_to_go_on) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    ends.served.writer.write(std::string(8'000'000, 'x'));  // fills the socket
    std::size_t got = 0;
    while (got < 8'000'000) got += (co_await ends.client.reader.read(1'000'000)).size();
    co_await ends.served.writer.drain();
    const std::vector<std::string> views(500, "ab");
    ends.served.writer.writelines(views);
    ends.served.writer.writelines(std::vector<std::string>(500, "cd"));
    const auto all = co_await move_on_after(5s, ends.client.reader.readexactly(2000));
    EXPECT_TRUE(all.has_value());
    if (all) EXPECT_EQ(all->substr(998, 4), "abcd");
  }());
}

TEST(Streams, strings_that_were_given_away_arrive_whole_and_in_order) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    std::vector<std::string> parts;
    std::string all;
    for (int i = 0; i < 100; ++i) {
      parts.emplace_back(static_cast<std::size_t>(i) * 1000, static_cast<char>('a' + i % 26));
      all += parts.back();
    }
    ends.served.writer.writelines(std::move(parts));
    EXPECT_TRUE(co_await ends.client.reader.readexactly(all.size()) == all);
    co_await ends.served.writer.drain();
  }());
}

TEST(Streams, a_cancelled_drain_changes_nothing) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    StreamWriter& writer = ends.client.writer;
    writer.write(std::string(8'000'000, 'z'));
    Task<> drain = create_task(writer.drain());
    co_await pass(2);
    drain.cancel();
    co_await pass(2);
    EXPECT_TRUE(drain.cancelled());
    EXPECT_EQ((co_await ends.served.reader.readexactly(8'000'000)).size(), 8'000'000U);
    co_await writer.drain();
  }());
}

TEST(Streams, close_sends_what_is_buffered_and_abort_drops_it) {
  run([]() -> Coro<> {
    for (const bool flushes : {true, false}) {
      const SocketPair pair = make_pair();
      auto [reader, writer] = co_await open_connection({.sock = pair.ours});
      writer.write(std::string(2'000'000, 'z'));
      EXPECT_GT(writer.transport().get_write_buffer_size(), 0U);
      flushes ? writer.close() : writer.abort();
      EXPECT_TRUE(writer.is_closing());
      writer.write("ignored");
      std::size_t got = 0;
      Task<> closed = create_task(writer.wait_closed());
      while (!closed.done()) {
        got += drain_fd(pair.peers).size();
        co_await sleep(0s);
      }
      got += drain_fd(pair.peers).size();
      EXPECT_EQ(got == 2'000'000, flushes) << got;
      EXPECT_EQ(co_await error_of(writer.drain()), "ConnectionResetError: Connection lost");
      EXPECT_EQ(writer.fileno(), -1);
      ::close(pair.peers);
    }
  }());
}

TEST(Streams, drains_that_wait_return_when_we_abort_and_later_ones_throw) {
  run([]() -> Coro<> {
    const SocketPair pair = make_pair();
    auto [reader, writer] = co_await open_connection({.sock = pair.ours});
    writer.write(std::string(2'000'000, 'z'));
    Task<> first = create_task(writer.drain());
    Task<> second = create_task(writer.drain());
    co_await pass();
    writer.abort();
    EXPECT_EQ(co_await error_of(std::move(first)), "");
    EXPECT_EQ(co_await error_of(std::move(second)), "");
    EXPECT_EQ(co_await error_of(writer.drain()), "ConnectionResetError: Connection lost");
    ::close(pair.peers);
  }());
}

TEST(Streams, dropping_both_handles_closes_the_connection_and_loses_nothing) {
  run([]() -> Coro<> {
    const SocketPair pair = make_pair();
    {
      Connection connection = co_await open_connection({.sock = pair.ours});
      connection.writer.write(std::string(1'000'000, 'q'));
    }
    std::string got;
    char one = 0;
    while (::recv(pair.peers, &one, 1, MSG_DONTWAIT | MSG_PEEK) != 0) {
      got += drain_fd(pair.peers);
      co_await sleep(0s);
    }
    EXPECT_EQ(got.size(), 1'000'000U);
    ::close(pair.peers);
  }());
}

TEST(Streams, one_of_the_two_handles_keeps_the_connection) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    { const StreamWriter dropped = std::move(ends.client.writer); }
    ends.served.writer.write("still\n");
    EXPECT_EQ(co_await ends.client.reader.readline(), "still\n");
  }());
}

TEST(Streams, after_a_half_close_the_peer_reads_to_the_end_and_can_answer) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    ends.client.writer.write(std::string(20'000'000, '?'));
    EXPECT_GT(ends.client.writer.transport().get_write_buffer_size(), 0U);
    ends.client.writer.write_eof();
    EXPECT_EQ((co_await ends.served.reader.read()).size(), 20'000'000U);
    ends.served.writer.write("answer");
    ends.served.writer.close();
    EXPECT_EQ(co_await ends.client.reader.read(), "answer");
    EXPECT_EQ(error_of([&] { ends.client.writer.write("more"); }),
              "RuntimeError: Cannot call write() after write_eof()");
  }());
}

TEST(Streams, a_reset_reaches_read_drain_and_wait_closed) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    const linger at_once{1, 0};
    get_running_loop().backend().set_option(ends.served.writer.fileno(), SOL_SOCKET, SO_LINGER,
                                            &at_once, sizeof at_once);
    ends.served.writer.abort();
    const std::string reset = "ConnectionResetError: [Errno 104] Connection reset by peer";
    EXPECT_EQ(co_await error_of(ends.client.reader.read(1)), reset);
    EXPECT_EQ(co_await error_of(ends.client.writer.drain()), reset);
    EXPECT_EQ(co_await error_of(ends.client.writer.wait_closed()), reset);
  }());
}

// SIGPIPE would end the process.
TEST(Streams, writing_to_a_peer_that_is_gone_is_an_error_and_no_signal) {
  run([]() -> Coro<> {
    const SocketPair pair = make_pair();
    auto [reader, writer] = co_await open_connection({.sock = pair.ours});
    ::close(pair.peers);
    writer.write("x");
    writer.write("y");
    EXPECT_EQ(co_await error_of(writer.wait_closed()), "BrokenPipeError: [Errno 32] Broken pipe");
  }());
}

TEST(Streams, a_connection_outlives_its_loop_harmlessly) {
  std::unique_ptr<Connection> kept;
  const SocketPair pair = make_pair();
  run([](std::unique_ptr<Connection>& keep, int fd) -> Coro<> {
    keep = std::make_unique<Connection>(co_await open_connection({.sock = fd}));
  }(kept, pair.ours));
  EXPECT_TRUE(kept->writer.is_closing());
  EXPECT_EQ(kept->writer.fileno(), -1);
  kept->writer.write("x");
  kept->writer.close();
  kept.reset();
  char one = 0;
  EXPECT_EQ(::recv(pair.peers, &one, 1, 0), 0);
  ::close(pair.peers);
}

TEST(Streams, no_file_descriptor_stays_open) {
  const int before = open_files();
  run([]() -> Coro<> {
    for (int i = 0; i < 20; ++i) {
      Ends ends = co_await connected();
      ends.client.writer.write("x");
      ends.server.close();
    }
  }());
  EXPECT_EQ(open_files(), before);
}

// ---- large messages are received where they stay

TEST(LargeMessages, of_all_sizes_arrive_whole_in_order_and_by_every_way_of_reading) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    std::string sent;
    const auto send = [&](std::size_t size) {
      std::string part(size, '\0');
      for (std::size_t i = 0; i < size; ++i) part[i] = static_cast<char>('a' + (i + size) % 26);
      ends.client.writer.write(part);
      sent += part;
    };
    std::string got;
    for (const std::size_t size : {10U, 9000U, 16384U, 32768U, 40000U, 100U, 65536U, 20000U, 1U}) {
      send(size);
      while (got.size() < sent.size()) {
        if (size % 3 == 0) {
          const std::string_view view = co_await ends.served.reader.read_view();
          const std::size_t some = (view.size() + 1) / 2;
          got += view.substr(0, some);
          ends.served.reader.consume(some);
        } else if (size % 3 == 1) {
          got += co_await ends.served.reader.read(100000);
        } else {
          got += co_await ends.served.reader.readexactly(sent.size() - got.size());
        }
      }
      EXPECT_TRUE(got == sent) << size;
    }
  }());
}

// Otherwise a program that keeps short messages would keep the room of long ones.
TEST(LargeMessages, leave_no_room_behind_in_short_ones) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    for (const std::size_t size : {20000U, 20000U, 50U}) {
      ends.client.writer.write(std::string(size, 'x'));
      const std::string got = co_await ends.served.reader.readexactly(size);
      EXPECT_LE(got.capacity(), 4 * size + 64);
    }
  }());
}

constexpr int kPasses = 6;  // in one of them the message is there, and its reader's turn to come

// A reader that waits for a large message on a plain socket; before, one has come already.
struct LargeReads {
  SocketPair pair = make_pair(1 << 18);
  std::optional<Connection> connection;
  std::string message = std::string(20'000, 'm');

  Coro<> begin() {
    connection = co_await open_connection({.sock = pair.ours});
    send(message);
    EXPECT_TRUE(co_await connection->reader.readexactly(message.size()) == message);
  }
  void send(std::string_view data) const {
    EXPECT_EQ(::send(pair.peers, data.data(), data.size(), 0), static_cast<ssize_t>(data.size()));
    get_running_loop().scheduler().poll_in_next_pass();
  }
  // It reads; the next message is sent, and so many passes go by.
  Coro<Task<std::string>> reader_after(int count) {
    co_await begin();
    Task<std::string> reader = create_task(read());
    co_await pass();
    send(message);
    for (int i = 0; i < count; ++i) co_await sleep(0s);
    co_return reader;
  }
  Coro<std::string> read() { co_return std::string(co_await connection->reader.read(100'000)); }
  LargeReads() = default;
  LargeReads(const LargeReads&) = delete;
  LargeReads& operator=(const LargeReads&) = delete;
  ~LargeReads() { ::close(pair.peers); }
};

TEST(LargeMessages, lose_no_byte_whenever_their_reader_is_cancelled) {
  for (int count = 0; count < kPasses; ++count) {
    run([](int wait) -> Coro<> {
      LargeReads reads;
      Task<std::string> reader = co_await reads.reader_after(wait);
      reader.cancel();
      std::string got;
      try {
        got = co_await reader;
      } catch (const CancelledError&) {}
      if (got.empty()) got = co_await reads.connection->reader.readexactly(reads.message.size());
      EXPECT_TRUE(got == reads.message) << wait;
    }(count));
  }
}

TEST(LargeMessages, that_another_process_takes_leave_their_reader_waiting) {
  for (int count = 0; count < kPasses; ++count) {
    run([](int wait) -> Coro<> {
      LargeReads reads;
      Task<std::string> reader = co_await reads.reader_after(wait);
      const std::string taken = drain_fd(reads.pair.ours);
      for (int i = 0; i < kPasses; ++i) co_await sleep(0s);
      if (!taken.empty()) {
        EXPECT_FALSE(reader.done()) << "nothing is not the end";
        reads.send(reads.message);
      }
      EXPECT_TRUE(co_await reader == reads.message) << wait;
    }(count));
  }
}

TEST(LargeMessages, do_not_mind_that_the_loop_is_closed_before_their_reader_s_turn) {
  for (int count = 0; count < kPasses; ++count) {
    std::optional<LargeReads> reads;
    {
      Loop loop;
      loop.run_until_complete([](std::optional<LargeReads>& kept, int wait) -> Coro<> {
        static_cast<void>(co_await kept.emplace().reader_after(wait));
      }(reads, count));
    }
    EXPECT_TRUE(reads->connection->writer.is_closing());
  }
}

}  // namespace
}  // namespace asyncio
