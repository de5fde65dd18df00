// How many sends writes become. What a transport is to its users is in streams_test.cpp and
// servers_test.cpp.
#include "asyncio/net/internal/socket_transport.hpp"

#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "asyncio/core/events.hpp"
#include "asyncio/io/forwarding.hpp"
#include "asyncio/io/io_uring.hpp"
#include "asyncio/net/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace net_test;

// Counts what goes to the kernel.
class CountingBackend final : public ForwardingBackend {
 public:
  CountingBackend(std::unique_ptr<IoBackend> inner, int& sends)
      : ForwardingBackend(std::move(inner)), sends_(sends) {}
  std::int64_t send(int fd, const char* data, std::size_t size) noexcept override {
    ++sends_;
    return ForwardingBackend::send(fd, data, size);
  }
  std::int64_t send_vectored(int fd, const iovec* parts, std::size_t count) noexcept override {
    ++sends_;
    return ForwardingBackend::send_vectored(fd, parts, count);
  }

 private:
  int& sends_;
};

std::unique_ptr<IoBackend> make_backend() {
  const char* const name = std::getenv("ASYNCIO_BACKEND");
  if (name != nullptr && std::string_view(name) == "io_uring")
    return detail::make_io_uring_backend();
  return make_epoll_backend();
}

// A stream whose other end is a plain socket, on a loop that counts its sends.
class Sends : public ::testing::Test {
 public:
  void start(Coro<> (Sends::*body)(), int buffer_size = 0) {
    pair_ = make_pair(buffer_size);
    Loop loop({.make_backend = [this] {
      return std::make_unique<CountingBackend>(make_backend(), count_);
    }});
    loop.run_until_complete(with_stream(body));
  }
  ~Sends() override {
    if (pair_.peers >= 0) ::close(pair_.peers);
  }
  Coro<> with_stream(Coro<> (Sends::*body)()) {
    Connection connection = co_await open_connection({.sock = pair_.ours});
    stream_ = &connection;
    co_await (this->*body)();
    connection.writer.close();
    co_await connection.writer.wait_closed();
  }
  StreamWriter& writer() { return stream_->writer; }
  std::string received() const { return drain_fd(pair_.peers); }
  int sends() { return std::exchange(count_, 0); }

  Coro<> small_writes();
  Coro<> single_writes();
  Coro<> large_writes();
  Coro<> limits();
  Coro<> endings();
  Coro<> a_full_socket();
  Coro<> last_words();

  SocketPair pair_;
  int count_ = 0;
  Connection* stream_ = nullptr;
};

Coro<> Sends::small_writes() {
  for (int i = 0; i < 10; ++i) writer().write("x");
  EXPECT_EQ(received(), "x") << "the first is not delayed";
  EXPECT_EQ(writer().transport().get_write_buffer_size(), 0U);
  co_await pass();
  EXPECT_EQ(received(), "xxxxxxxxx");
  EXPECT_EQ(sends(), 2);

  for (int i = 0; i < 10; ++i) writer().write("y");
  writer().writelines({"z", "z"});
  co_await writer().drain();  // does not wait: the kernel has room
  EXPECT_EQ(received(), "") << "now that there were many, the first is gathered, too";
  co_await pass();
  EXPECT_EQ(received(), "yyyyyyyyyyzz");
  EXPECT_EQ(sends(), 1);
}
TEST_F(Sends, small_writes_of_one_pass_are_one) { start(&Sends::small_writes); }

Coro<> Sends::single_writes() {
  for (int i = 0; i < 3; ++i) {
    writer().write("a");
    EXPECT_EQ(received(), "a");
    co_await pass();
  }
  writer().write("b");
  writer().write("b");
  co_await pass();
  writer().write("c");  // gathered, since there might be more
  co_await pass();
  EXPECT_EQ(received(), "bbc");
  writer().write("d");  // there were not
  EXPECT_EQ(received(), "d");
}
TEST_F(Sends, a_write_that_comes_alone_goes_out_at_once) { start(&Sends::single_writes); }

Coro<> Sends::large_writes() {
  const std::string large(10'000, 'l');
  for (int i = 0; i < 2; ++i) {
    writer().write("head");
    writer().write(large);
    EXPECT_EQ(received(), "head" + large);
    EXPECT_EQ(sends(), i == 0 ? 2 : 1) << "one for both, where a head was expected";
    co_await pass();
  }
  for (int i = 0; i < 100; ++i) writer().write(std::string(1000, 's'));
  co_await pass();
  EXPECT_EQ(received().size(), 100'000U);
  EXPECT_LE(sends(), 5);
}
TEST_F(Sends, large_writes_take_what_is_gathered_along) { start(&Sends::large_writes); }

Coro<> Sends::limits() {
  writer().transport().set_write_buffer_limits({.high = 0});
  writer().write("a");
  writer().write("b");
  co_await writer().drain();
  EXPECT_EQ(received(), "ab") << "nothing is gathered where nothing may be buffered";
}
TEST_F(Sends, what_is_gathered_stays_under_the_high_water_mark) { start(&Sends::limits); }

Coro<> Sends::endings() {
  writer().write("a");
  writer().write("b");
  writer().write_eof();
  EXPECT_EQ(received(), "ab");
  std::array<char, 1> byte{};
  EXPECT_EQ(::recv(pair_.peers, byte.data(), 1, MSG_DONTWAIT), 0);
  co_return;
}
TEST_F(Sends, the_end_comes_behind_what_is_gathered) { start(&Sends::endings); }

Coro<> Sends::a_full_socket() {
  std::string written;
  for (int i = 0; i < 2000; ++i) {
    const std::string line = std::to_string(i) + std::string(50, '.');
    writer().write(line);
    written += line;
    if (i % 100 == 0) co_await pass();
  }
  EXPECT_GT(writer().transport().get_write_buffer_size(), 0U);
  std::string got;
  while (got.size() < written.size()) {
    got += received();
    co_await sleep(0s);
  }
  EXPECT_EQ(got, written);
}
TEST_F(Sends, nothing_is_lost_or_swapped_where_the_socket_is_full) {
  start(&Sends::a_full_socket, 4096);
}

Coro<> Sends::last_words() {
  writer().write("a");
  writer().write("b");
  writer().transport().abort();
  EXPECT_EQ(received(), "ab");
  co_return;
}
TEST_F(Sends, abort_drops_only_what_the_kernel_does_not_take) { start(&Sends::last_words); }

TEST(SendsAtTheEnd, what_is_gathered_is_sent_where_the_loop_is_closed_at_once) {
  const SocketPair pair = make_pair();
  {
    std::optional<Connection> kept;
    Loop loop({.make_backend = [] { return make_backend(); }});
    loop.run_until_complete([&]() -> Coro<> {
      kept = co_await open_connection({.sock = pair.ours});
      kept->writer.write("a");
      kept->writer.write("b");
    }());
  }
  EXPECT_EQ(drain_fd(pair.peers), "ab");
  ::close(pair.peers);
}

}  // namespace
}  // namespace asyncio
