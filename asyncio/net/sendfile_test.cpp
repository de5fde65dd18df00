#include <fcntl.h>

#include <cstdlib>

#include "asyncio/net/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace net_test;

// A file with `content`, removed at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) : path_("/tmp/asyncio_sendfile_XXXXXX") {
    fd_ = ::mkstemp(path_.data());
    EXPECT_EQ(::write(fd_, content.data(), content.size()), static_cast<ssize_t>(content.size()));
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }
  int fd() const { return fd_; }

 private:
  std::string path_;
  int fd_ = -1;
};

std::string numbered(std::size_t size) {
  std::string data(size, '\0');
  for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<char>(i * 7 >> 4);
  return data;
}

TEST(Sendfile, stands_in_its_place_between_writes) {
  const std::string content = numbered(12'000'000);
  const TemporaryFile file(content);
  run([](const TemporaryFile& from, const std::string& expected) -> Coro<> {
    Ends ends = co_await connected();
    Task<std::string> received = create_task(ends.served.reader.read());
    ends.client.writer.write(std::string(9'000'000, 'h'));
    EXPECT_EQ(co_await ends.client.writer.sendfile(from.path()), expected.size());
    ends.client.writer.write("tail");
    ends.client.writer.write_eof();
    const std::string all = co_await received;
    EXPECT_EQ(all.size(), 9'000'000 + expected.size() + 4);
    EXPECT_TRUE(all.substr(9'000'000) == expected + "tail");
  }(file, content));
}

TEST(Sendfile, sends_the_part_that_is_asked_for) {
  const TemporaryFile file("0123456789");
  run([](const TemporaryFile& from) -> Coro<> {
    Ends ends = co_await connected();
    EXPECT_EQ(co_await ends.client.writer.sendfile(from.fd(), 2, 3), 3U);
    EXPECT_EQ(co_await ends.client.writer.sendfile(from.fd(), 8, 100), 2U);
    EXPECT_EQ(co_await ends.served.reader.readexactly(5), "23489");
  }(file));
}

TEST(Sendfile, refuses_writes_while_it_runs_and_takes_them_after_its_cancellation) {
  const TemporaryFile file(numbered(30'000'000));
  run([](const TemporaryFile& from) -> Coro<> {
    Ends ends = co_await connected();
    StreamWriter& writer = ends.client.writer;
    Task<std::size_t> sending = create_task(writer.sendfile(from.path()));
    co_await sleep(5ms);
    EXPECT_EQ(error_of([&] { writer.write("x"); }),
              "RuntimeError: unable to write; sendfile is in progress");
    sending.cancel();
    EXPECT_EQ(co_await error_of(std::move(sending)), "CancelledError");
    writer.write("end");
    writer.write_eof();
    EXPECT_TRUE((co_await ends.served.reader.read()).ends_with("end"));
  }(file));
}

TEST(Sendfile, fails_when_the_connection_is_lost) {
  const TemporaryFile file(numbered(30'000'000));
  run([](const TemporaryFile& from) -> Coro<> {
    Ends ends = co_await connected();
    Task<std::size_t> sending = create_task(ends.client.writer.sendfile(from.path()));
    co_await sleep(5ms);
    ends.served.writer.abort();
    EXPECT_NE(co_await error_of(std::move(sending)), "");
  }(file));
}

TEST(Sendfile, copies_what_sendfile_does_not_take) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    const int fd = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);  // has no pages to send
    const std::size_t sent = co_await ends.client.writer.sendfile(fd);
    ::close(fd);
    EXPECT_GT(sent, 100U);
    EXPECT_EQ((co_await ends.served.reader.readexactly(sent)).find("Name:"), 0U);
  }());
}

TEST(Sendfile, a_missing_file_is_named) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    EXPECT_EQ(error_of([&] { static_cast<void>(ends.client.writer.sendfile("/no/file")); }),
              "FileNotFoundError: [Errno 2] No such file or directory: '/no/file'");
  }());
}

}  // namespace
}  // namespace asyncio
