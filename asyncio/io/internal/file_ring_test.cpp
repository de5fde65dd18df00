// tsan
// Calls on files through the backend; what users do with them is in os/files_test.cpp.
#include "asyncio/io/internal/file_ring.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "asyncio/base/errors.hpp"
#include "asyncio/io/io_uring.hpp"

namespace asyncio::detail {
namespace {

class Call final : public FileCall {
 public:
  using FileCall::FileCall;
  void on_done(std::int64_t value) noexcept override { result = value; }
  void on_backend_closed() noexcept override { closed = true; }
  std::optional<std::int64_t> result;
  bool closed = false;
};

class FileRingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      backend_ = make_io_uring_backend();
    } catch (const OSError&) {
      GTEST_SKIP() << "the kernel forbids io_uring here";
    }
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    name_ = folder_ + "/file";
  }
  ~FileRingTest() override { std::filesystem::remove_all(folder_); }

  // Waits for it, in the backend.
  std::int64_t result_of(Call& call) {
    for (int i = 0; i < 1000 && !call.result; ++i) backend_->wait(10'000'000);
    return call.result.value_or(INT64_MIN);
  }
  int open_file(int flags) {
    Call call(FileCall::Kind::open);
    call.path = name_.c_str();
    call.flags = flags | O_CLOEXEC;
    call.mode = 0600;
    backend_->start(call);
    return static_cast<int>(result_of(call));
  }
  // To open one that has no writer yet, which takes until it has.
  void aim_at_fifo(Call& open) {
    ASSERT_EQ(::mkfifo(name_.c_str(), 0600), 0);
    ASSERT_TRUE(backend_->offers(FileCall::Kind::open));
    open.path = name_.c_str();
    open.flags = O_RDONLY | O_CLOEXEC;
  }

  std::unique_ptr<IoBackend> backend_;
  std::string folder_ = (std::filesystem::temp_directory_path() / "asyncio-XXXXXX").string();
  std::string name_;
};

TEST_F(FileRingTest, offers_every_kind_of_call_on_a_kernel_of_today) {
  for (std::size_t kind = 0; kind < FileCall::kKinds; ++kind)
    EXPECT_TRUE(backend_->offers(static_cast<FileCall::Kind>(kind))) << kind;
}

TEST_F(FileRingTest, writes_where_it_is_told_and_reads_it_again) {
  ASSERT_TRUE(backend_->offers(FileCall::Kind::open));
  const int fd = open_file(O_RDWR | O_CREAT);
  ASSERT_GE(fd, 0);
  std::string text = "text";
  Call write(FileCall::Kind::write);
  write.fd = fd;
  write.data = text.data();
  write.size = text.size();
  write.offset = 3;
  backend_->start(write);
  EXPECT_EQ(result_of(write), 4);
  std::string room(10, '\0');
  Call read(FileCall::Kind::read);
  read.fd = fd;
  read.data = room.data();
  read.size = room.size();
  backend_->start(read);
  EXPECT_EQ(result_of(read), 7);
  EXPECT_EQ(room.substr(0, 7), std::string("\0\0\0text", 7));
  EXPECT_EQ(::lseek(fd, 0, SEEK_CUR), 0);
  Call close(FileCall::Kind::close);
  close.fd = fd;
  backend_->start(close);
  EXPECT_EQ(result_of(close), 0);
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

TEST_F(FileRingTest, more_calls_than_the_ring_has_room_for_are_all_made) {
  ASSERT_TRUE(backend_->offers(FileCall::Kind::status));
  struct stat unused{};
  ASSERT_EQ(::stat(folder_.c_str(), &unused), 0);
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<struct statx> answers(1000);
  for (struct statx& answer : answers) {
    calls.push_back(std::make_unique<Call>(FileCall::Kind::status));
    calls.back()->path = folder_.c_str();
    calls.back()->status = &answer;
    backend_->start(*calls.back());
  }
  for (const auto& call : calls) EXPECT_EQ(result_of(*call), 0);
  for (const struct statx& answer : answers) EXPECT_EQ(answer.stx_ino, unused.st_ino);
}

// Whoever sleeps in wait() for ever must be woken by what a worker of the kernel has done.
TEST_F(FileRingTest, a_call_that_takes_long_wakes_the_loop) {
  Call call(FileCall::Kind::open);
  ASSERT_NO_FATAL_FAILURE(aim_at_fifo(call));
  backend_->start(call);
  std::thread other([&] { ::close(::open(name_.c_str(), O_WRONLY | O_CLOEXEC)); });
  while (!call.result) backend_->wait(IoBackend::kForever);
  other.join();
  EXPECT_GE(*call.result, 0);
  ::close(static_cast<int>(*call.result));
}

TEST_F(FileRingTest, a_call_that_would_never_end_ends_with_the_backend) {
  Call blocked(FileCall::Kind::open);
  ASSERT_NO_FATAL_FAILURE(aim_at_fifo(blocked));
  backend_->start(blocked);
  backend_->wait(0);
  Call never_begun(FileCall::Kind::close);
  never_begun.fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  backend_->start(never_begun);
  backend_.reset();
  EXPECT_TRUE(blocked.closed);
  EXPECT_FALSE(blocked.result);
  EXPECT_TRUE(never_begun.closed);
  EXPECT_EQ(::fcntl(never_begun.fd, F_GETFD), -1) << "what was to be closed is closed";
}

// The backend's own ring is replaced then; a call on a file must not be lost with it.
TEST_F(FileRingTest, a_call_outlives_the_move_of_its_loop_to_another_thread) {
  Call call(FileCall::Kind::open);
  ASSERT_NO_FATAL_FAILURE(aim_at_fifo(call));
  std::promise<void> begun;
  std::promise<void> done;
  std::thread first([&] {
    backend_->start(call);
    backend_->wait(0);
    begun.set_value();
    done.get_future().wait();  // the kernel would end the call with its thread
  });
  begun.get_future().wait();
  EXPECT_FALSE(call.result);
  const int peer = ::open(name_.c_str(), O_RDWR | O_CLOEXEC);
  const std::int64_t fd = result_of(call);
  ::close(peer);
  done.set_value();
  first.join();
  EXPECT_GE(fd, 0);
  ::close(static_cast<int>(fd));
}

TEST_F(FileRingTest, a_forked_child_leaves_the_calls_to_its_parent) {
  Call call(FileCall::Kind::open);
  ASSERT_NO_FATAL_FAILURE(aim_at_fifo(call));
  backend_->start(call);
  backend_->wait(0);
  const pid_t child = ::fork();
  if (child == 0) {
    backend_.reset();
    ::_exit(call.closed ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  std::thread other([&] { ::close(::open(name_.c_str(), O_WRONLY | O_CLOEXEC)); });
  const std::int64_t fd = result_of(call);
  other.join();
  EXPECT_GE(fd, 0);
  ::close(static_cast<int>(fd));
}

}  // namespace
}  // namespace asyncio::detail
