#include "asyncio/os/pipes.hpp"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "asyncio/combinators/gather.hpp"
#include "asyncio/combinators/timeouts.hpp"
#include "asyncio/os/internal/owned_fd.hpp"
#include "asyncio/os/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace os_test;

class Recorder : public Protocol {
 public:
  void connection_made(Transport& made) override {
    transport = &made;
    events += "made ";
  }
  void data_received(std::string_view data) override { received += data; }
  bool eof_received() override {
    events += "eof ";
    return false;
  }
  void connection_lost(std::exception_ptr error) override {
    events += error ? describe(error) : "closed";
    closed.set_result();
  }
  void pause_writing() override { events += "pause "; }
  void resume_writing() override { events += "resume "; }
  Transport* transport = nullptr;
  std::string events;
  std::string received;
  Future<> closed;
};

std::shared_ptr<Recorder> recorder() { return std::make_shared<Recorder>(); }

std::string read_now(int fd) {
  detail::set_fd_nonblocking(fd);
  std::string text(1 << 20, '\0');
  const ssize_t got = ::read(fd, text.data(), text.size());
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

void write_now(int fd, std::string_view data) {
  EXPECT_EQ(::write(fd, data.data(), data.size()), static_cast<ssize_t>(data.size()));
}

// ---- protocols

TEST(ReadPipe, data_end_and_loss_come_in_order) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    auto [transport, protocol] =
        co_await get_running_loop().connect_read_pipe(recorder, ends.reading.release());
    EXPECT_EQ(protocol->transport, transport.get());
    EXPECT_TRUE(transport->is_reading());

    write_now(ends.writing.get(), "hello");
    ends.writing = {};
    co_await protocol->closed;

    EXPECT_EQ(protocol->received, "hello");
    EXPECT_EQ(protocol->events, "made eof closed");
    EXPECT_TRUE(transport->is_closing());
    EXPECT_EQ(transport->fileno(), -1);
  });
}

TEST(ReadPipe, nothing_is_received_while_reading_is_paused) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    auto [transport, protocol] =
        co_await get_running_loop().connect_read_pipe(recorder, ends.reading.release());
    transport->pause_reading();
    transport->pause_reading();
    write_now(ends.writing.get(), "later");
    co_await pass(5);
    EXPECT_EQ(protocol->received, "");

    transport->resume_reading();
    EXPECT_TRUE(co_await eventually([&] { return protocol->received == "later"; }));
    transport->close();
    co_await protocol->closed;
    EXPECT_EQ(protocol->events, "made closed");
  });
}

TEST(ReadPipe, it_cannot_be_written) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    auto [transport, protocol] =
        co_await get_running_loop().connect_read_pipe(recorder, ends.reading.release());
    const auto refused = [](const std::string& error) {
      return error.ends_with("is the reading end of a pipe: it cannot be written");
    };
    EXPECT_TRUE(refused(error_of([&, &to = transport] { to->write("x"); })));
    EXPECT_TRUE(refused(error_of([&, &to = transport] { to->writelines({"x"}); })));
    EXPECT_TRUE(refused(error_of([&, &to = transport] { to->write_eof(); })));
    EXPECT_FALSE(transport->can_write_eof());
    transport->close();
    co_await protocol->closed;
  });
}

TEST(ReadPipe, a_regular_file_is_refused_and_left_to_its_owner) {
  run_clean([]() -> Coro<> {
    const TemporaryFile file;
    EXPECT_EQ(co_await error_of(get_running_loop().connect_read_pipe(recorder, file.fd())),
              "ValueError: Pipe transport is for pipes/sockets only.");
    EXPECT_EQ(co_await error_of(get_running_loop().connect_write_pipe(recorder, file.fd())),
              "ValueError: Pipe transport is for pipes/sockets only.");
    EXPECT_EQ(co_await error_of(get_running_loop().connect_read_pipe(recorder, 9999)),
              "OSError: [Errno 9] Bad file descriptor: '9999'");
    EXPECT_GE(::fcntl(file.fd(), F_GETFD), 0);
  });
}

TEST(ReadPipe, cancelling_the_connect_closes_the_pipe) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    auto protocol = recorder();
    auto connecting = create_task(
        get_running_loop().connect_read_pipe([&] { return protocol; }, ends.reading.release()));
    co_await pass();
    connecting.cancel();
    EXPECT_EQ(co_await error_of(connecting), "CancelledError");
    co_await protocol->closed;
  });
}

TEST(WritePipe, what_is_written_arrives_and_closing_ends_it) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    auto [transport, protocol] =
        co_await get_running_loop().connect_write_pipe(recorder, ends.writing.release());
    transport->write("one ");
    transport->writelines({"two ", "three"});
    EXPECT_EQ(read_now(ends.reading.get()), "one two three");
    EXPECT_TRUE(transport->can_write_eof());
    transport->write_eof();
    co_await protocol->closed;
    EXPECT_EQ(protocol->events, "made closed");
    EXPECT_EQ(read_now(ends.reading.get()), "");
  });
}

TEST(WritePipe, a_slow_reader_pauses_the_protocol_and_all_is_sent_before_the_end) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    auto [transport, protocol] =
        co_await get_running_loop().connect_write_pipe(recorder, ends.writing.release());
    const std::string data(1000000, 'x');
    transport->write(data);
    EXPECT_EQ(protocol->events, "made pause ");
    EXPECT_GT(transport->get_write_buffer_size(), 800000U);
    transport->close();
    std::size_t got = 0;
    while (got < data.size()) {
      got += read_now(ends.reading.get()).size();
      co_await pass();
    }
    co_await protocol->closed;
    EXPECT_EQ(protocol->events, "made pause resume closed");
    EXPECT_EQ(read_now(ends.reading.get()), "");
  });
}

TEST(WritePipe, it_hears_at_once_that_nobody_reads_any_more) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    auto [transport, protocol] =
        co_await get_running_loop().connect_write_pipe(recorder, ends.writing.release());
    ends.reading = {};
    co_await protocol->closed;
    EXPECT_EQ(protocol->events, "made closed");
    for (int i = 0; i < 10; ++i) transport->write("ignored");
  });
}

TEST(WritePipe, with_data_left_that_is_a_broken_pipe) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    auto [transport, protocol] =
        co_await get_running_loop().connect_write_pipe(recorder, ends.writing.release());
    transport->write(std::string(200000, 'x'));
    ends.reading = {};
    co_await protocol->closed;
    EXPECT_TRUE(protocol->events.find("BrokenPipeError") != std::string::npos);
  });
}

TEST(WritePipe, a_broken_pipe_raises_no_signal) {
  ASSERT_NE(::signal(SIGPIPE, SIG_DFL), SIG_ERR);  // it would end the test
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    auto [transport, protocol] =
        co_await get_running_loop().connect_write_pipe(recorder, ends.writing.release());
    ends.reading = {};
    transport->write("x");
    co_await protocol->closed;
    EXPECT_TRUE(protocol->events.starts_with("made BrokenPipeError")) << protocol->events;
    sigset_t pending;
    sigpending(&pending);
    EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
  });
}

TEST(WritePipe, limits_are_those_of_python) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    auto [transport, protocol] =
        co_await get_running_loop().connect_write_pipe(recorder, ends.writing.release());
    using Limits = std::pair<std::size_t, std::size_t>;
    EXPECT_EQ(transport->get_write_buffer_limits(), Limits(16384, 65536));
    transport->set_write_buffer_limits({.low = 10});
    EXPECT_EQ(transport->get_write_buffer_limits(), Limits(10, 40));
    EXPECT_EQ(
        error_of([&, &to = transport] { to->set_write_buffer_limits({.high = 1, .low = 2}); }),
        "ValueError: high (1) must be >= low (2) must be >= 0");
    transport->abort();
    co_await protocol->closed;
  });
}

TEST(WritePipe, a_socket_that_talks_back_stays_open) {
  run_clean([]() -> Coro<> {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
    auto [transport, protocol] = co_await get_running_loop().connect_write_pipe(recorder, fds[0]);
    write_now(fds[1], "hello");
    co_await pass(5);
    EXPECT_FALSE(transport->is_closing());
    transport->write("still there");
    EXPECT_EQ(read_now(fds[1]), "still there");
    transport->close();
    co_await protocol->closed;
    ::close(fds[1]);
  });
}

TEST(Pipe, a_loop_that_ends_closes_the_pipes_of_those_that_were_forgotten) {
  const int before = open_files();
  detail::PipeEnds one = detail::make_pipe();
  detail::PipeEnds two = detail::make_pipe();
  run([&]() -> Coro<> {
    auto reader = co_await get_running_loop().connect_read_pipe(recorder, one.reading.release());
    auto writer = co_await get_running_loop().connect_write_pipe(recorder, two.writing.release());
    reader.first->pause_reading();  // not watched
    writer.first->write(std::string(200000, 'x'));
  }());
  EXPECT_EQ(open_files(), before + 2);
}

// ---- streams

TEST(PipeStreams, lines_go_through_a_pipe) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    StreamReader reader = open_read_pipe(ends.reading.release());
    StreamWriter writer = open_write_pipe(ends.writing.release());
    writer.write("first\nsecond\n");
    EXPECT_EQ(co_await reader.readline(), "first\n");
    writer.close();
    EXPECT_EQ(co_await reader.read(), "second\n");
    EXPECT_TRUE(reader.at_eof());
    co_await writer.wait_closed();
  });
}

TEST(PipeStreams, a_megabyte_waits_for_its_reader) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    StreamReader reader = open_read_pipe(ends.reading.release());
    StreamWriter writer = open_write_pipe(ends.writing.release());
    auto send = [&]() -> Coro<> {
      for (int i = 0; i < 16; ++i) {
        writer.write(std::string(65536, static_cast<char>('a' + i)));
        co_await writer.drain();
      }
      writer.close();
    };
    auto results = co_await gather(send(), reader.read());
    EXPECT_EQ(std::get<1>(results).size(), std::size_t{1} << 20);
  });
}

TEST(PipeStreams, cancelling_a_read_or_a_drain_loses_nothing) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    StreamReader reader = open_read_pipe(ends.reading.release());
    StreamWriter writer = open_write_pipe(ends.writing.release());
    EXPECT_FALSE(co_await move_on_after(1ms, reader.readexactly(1)));
    const std::string data(500000, 'x');
    writer.write(data);
    auto draining = create_task([&]() -> Coro<> { co_await writer.drain(); });
    co_await pass();
    draining.cancel();
    EXPECT_EQ(co_await error_of(draining), "CancelledError");
    EXPECT_EQ((co_await reader.readexactly(data.size())), data);
  });
}

TEST(PipeStreams, dropping_the_handles_closes_the_pipe) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    {
      StreamWriter writer = open_write_pipe(ends.writing.release());
      writer.write("left");
    }
    co_await pass(2);
    EXPECT_EQ(read_now(ends.reading.get()), "left");
    EXPECT_EQ(read_now(ends.reading.get()), "");
  });
}

TEST(PipeStreams, a_protocol_made_by_hand_feeds_the_reader_it_was_given) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds ends = detail::make_pipe();
    StreamReader reader;
    co_await get_running_loop().connect_read_pipe(
        [&] { return std::make_shared<StreamReaderProtocol>(reader); }, ends.reading.release());
    write_now(ends.writing.get(), "line\n");
    EXPECT_EQ(co_await reader.readline(), "line\n");
  });
}

// Puts another fd in the place of 0, 1 or 2 for a scope.
class StandardFd {
 public:
  StandardFd(int number, int fd) : number_(number), saved_(::fcntl(number, F_DUPFD_CLOEXEC, 3)) {
    ::dup2(fd, number);
  }
  StandardFd(const StandardFd&) = delete;
  StandardFd& operator=(const StandardFd&) = delete;
  ~StandardFd() {
    ::dup2(saved_, number_);
    ::close(saved_);
  }

 private:
  int number_;
  int saved_;
};

TEST(PipeStreams, stdin_and_stdout_are_streams_and_stay_blocking_for_others) {
  run_clean([]() -> Coro<> {
    detail::PipeEnds to = detail::make_pipe();
    detail::PipeEnds from = detail::make_pipe();
    const StandardFd in(0, to.reading.get());
    const StandardFd out(1, from.writing.get());
    StreamReader reader = open_stdin();
    StreamWriter writer = open_stdout();
    write_now(to.writing.get(), "typed\n");
    EXPECT_EQ(co_await reader.readline(), "typed\n");
    writer.write("shown\n");
    co_await writer.drain();
    EXPECT_EQ(read_now(from.reading.get()), "shown\n");
    EXPECT_EQ(::fcntl(0, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(::fcntl(1, F_GETFL) & O_NONBLOCK, 0);
  });
}

TEST(PipeStreams, stdin_may_be_a_file_and_stdout_another) {
  run_clean([]() -> Coro<> {
    const TemporaryFile from;
    const TemporaryFile to;
    write_now(from.fd(), std::string(200000, 'a') + "\nlast\n");
    ::lseek(from.fd(), 0, SEEK_SET);
    const StandardFd in(0, from.fd());
    const StandardFd out(1, to.fd());
    StreamReader reader = open_stdin();
    StreamWriter writer = open_stdout();
    EXPECT_EQ((co_await reader.readexactly(200001)).size(), 200001U);
    EXPECT_EQ(co_await reader.read(), "last\n");
    writer.write("written");
    writer.close();
    co_await writer.wait_closed();
    EXPECT_EQ(to.content(), "written");
  });
}

TEST(PipeStreams, stdin_may_be_a_terminal) {
  run_clean([]() -> Coro<> {
    int ours = -1;
    int terminal = -1;
    EXPECT_EQ(::openpty(&ours, &terminal, nullptr, nullptr, nullptr), 0);
    {
      const StandardFd in(0, terminal);
      StreamReader reader = open_stdin();
      write_now(ours, "typed\n");
      EXPECT_EQ(co_await reader.readline(), "typed\n");
      write_now(ours, "\x04");  // Ctrl-D
      EXPECT_EQ(co_await reader.read(), "");
      EXPECT_EQ(::fcntl(0, F_GETFL) & O_NONBLOCK, 0);
    }
    ::close(ours);
    ::close(terminal);
  });
}

TEST(PipeStreams, an_empty_stdin_ends_at_once) {
  run_clean([]() -> Coro<> {
    const detail::OwnedFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const StandardFd in(0, null.get());
    StreamReader reader = open_stdin();
    EXPECT_EQ(co_await reader.read(), "");
  });
}

}  // namespace
}  // namespace asyncio
