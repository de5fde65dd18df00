// tsan
#include "asyncio/os/files.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "asyncio/combinators/gather.hpp"
#include "asyncio/combinators/timeouts.hpp"
#include "asyncio/combinators/with.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/os/internal/owned_fd.hpp"
#include "asyncio/os/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace os_test;
using detail::OwnedFd;

// The threads of the executor are gone with the loop; one run for all that a test does.
template <class F>
void run_in_folder(F body) {
  const TemporaryFolder folder;
  run_clean([&]() -> Coro<> { co_await body(folder); });
}

TEST(Files, what_is_written_is_read_again) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    const std::string path = folder.file("a");
    auto file = co_await open_file(path, "w");
    EXPECT_EQ(co_await file.write("first\nsecond\n"), 13U);
    EXPECT_EQ(co_await file.write(""), 0U);
    co_await file.close();
    EXPECT_TRUE(file.closed());

    file = co_await open_file(path);
    EXPECT_EQ(co_await file.read(3), "fir");
    EXPECT_EQ(co_await file.read(), "st\nsecond\n");
    EXPECT_EQ(co_await file.read(), "");
    co_await file.close();
    EXPECT_EQ(co_await read_file(path), "first\nsecond\n");
  });
}

TEST(Files, a_large_file_comes_whole) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    std::string data(std::size_t{3} << 20, 'x');
    data.back() = 'y';
    co_await write_file(folder.file("big"), data);
    EXPECT_TRUE(co_await read_file(folder.file("big")) == data);
    EXPECT_FALSE((co_await read_file("/proc/self/status")).empty());  // whose size is 0
  });
}

TEST(Files, lines_are_told_apart_and_mixed_with_reads_and_writes) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    const std::string path = folder.file("lines");
    const std::string longest(200000, 'l');
    co_await write_file(path, "one\n\nthree\n" + longest + "\nlast");
    auto file = co_await open_file(path, "r+");
    EXPECT_EQ(co_await file.readline(), "one\n");
    EXPECT_EQ(co_await file.tell(), 4);
    EXPECT_EQ(co_await file.readline(), "\n");
    EXPECT_EQ(co_await file.read(2), "th");
    EXPECT_EQ(co_await file.write("RE"), 2U);  // right behind what was read
    EXPECT_EQ(co_await file.readline(), "e\n");
    EXPECT_EQ((co_await file.readline()).size(), 200001U);
    EXPECT_EQ(co_await file.next(), "last");
    EXPECT_EQ(co_await file.next(), std::nullopt);
    EXPECT_EQ(co_await file.seek(0), 0);
    EXPECT_EQ(co_await file.read(11), "one\n\nthREe\n");
    co_await file.close();
  });
}

TEST(Files, seek_tell_and_truncate_count_what_is_read_ahead) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    const std::string path = folder.file("a");
    co_await write_file(path, "ab\ncdefgh\n");
    auto file = co_await open_file(path, "r+");
    static_cast<void>(co_await file.readline());
    EXPECT_EQ(co_await file.seek(2, SEEK_CUR), 5);
    EXPECT_EQ(co_await file.read(1), "e");
    EXPECT_EQ(co_await file.truncate(), 6);
    EXPECT_EQ(co_await file.seek(0, SEEK_END), 6);
    EXPECT_EQ(co_await file.truncate(2), 2);
    co_await file.fsync();
    co_await file.flush();
    co_await file.close();
    EXPECT_EQ(co_await read_file(path), "ab");
  });
}

TEST(Files, what_is_appended_moves_the_position_to_the_end) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    const std::string path = folder.file("a");
    co_await write_file(path, "12345");
    auto file = co_await open_file(path, "a+");
    EXPECT_EQ(co_await file.tell(), 5);
    EXPECT_EQ(co_await file.seek(1), 1);
    EXPECT_EQ(co_await file.read(2), "23");
    EXPECT_EQ(co_await file.write("67"), 2U);
    EXPECT_EQ(co_await file.tell(), 7);
    EXPECT_EQ(co_await file.read(), "");
    co_await file.close();
    EXPECT_EQ(co_await read_file(path), "1234567");
  });
}

// io_uring has a ring of its own for files, which takes an fd.
TEST(Files, are_asked_for_by_threads_where_the_backend_cannot) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    const FdLimit limit(open_files());
    std::vector<OwnedFd> all;
    while (all.empty() || all.back()) all.emplace_back(::dup(2));
    EXPECT_TRUE((co_await os::stat(folder.path())).is_directory());
    EXPECT_EQ(co_await error_of(open_file("/dev/null")),
              "OSError: [Errno 24] Too many open files: '/dev/null'");
  });
}

TEST(Files, modes_are_those_of_python) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    const std::string path = folder.file("a");
    for (const char* mode : {"w", "a", "ab", "at"}) {
      auto file = co_await open_file(path, mode);
      co_await file.write("x");
      co_await file.close();
    }
    EXPECT_EQ(co_await read_file(path), "xxxx");
    EXPECT_EQ(co_await error_of(open_file(path, "x")),
              "FileExistsError: [Errno 17] File exists: '" + path + "'");
    EXPECT_EQ(co_await error_of(open_file(path, "q")), "ValueError: invalid mode: 'q'");
    EXPECT_EQ(co_await error_of(open_file(path, "rr")), "ValueError: invalid mode: 'rr'");
    EXPECT_EQ(co_await error_of(open_file(path, "rw")),
              "ValueError: must have exactly one of create/read/write/append mode");
    EXPECT_EQ(co_await error_of(open_file(path, "+")),
              "ValueError: must have exactly one of create/read/write/append mode");
    auto file = co_await open_file(path, "w+");
    co_await file.write("abc");
    EXPECT_EQ(co_await file.seek(1), 1);
    EXPECT_EQ(co_await file.read(), "bc");
    co_await file.close();
  });
}

TEST(Files, errors_are_pythons_with_its_words) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    EXPECT_EQ(co_await error_of(open_file("no/such/file")),
              "FileNotFoundError: [Errno 2] No such file or directory: 'no/such/file'");
    EXPECT_EQ(co_await error_of(open_file(folder.path())),
              "IsADirectoryError: [Errno 21] Is a directory: '" + folder.path() + "'");
    EXPECT_EQ(co_await error_of(read_file("/etc/passwd/x")),
              "NotADirectoryError: [Errno 20] Not a directory: '/etc/passwd/x'");
    EXPECT_EQ(co_await error_of(open_file(std::string("a\0b", 3))),
              "ValueError: embedded null byte");
    auto file = co_await open_file(folder.file("a"), "w");
    EXPECT_EQ(co_await error_of(file.read()), "ValueError: not readable");
    co_await file.close();
    co_await file.close();
    EXPECT_EQ(co_await error_of(file.write("x")), "ValueError: I/O operation on closed file.");
    EXPECT_EQ(co_await error_of(file.read()), "ValueError: I/O operation on closed file.");
    EXPECT_EQ(error_of([&] { static_cast<void>(file.fileno()); }),
              "ValueError: I/O operation on closed file.");
    file = co_await open_file(folder.file("a"));
    EXPECT_EQ(co_await error_of(file.write("x")), "ValueError: not writable");
    EXPECT_EQ(co_await error_of(file.seek(-5)), "OSError: [Errno 22] Invalid argument");
    EXPECT_EQ(error_of([] { static_cast<void>(File().read()); }),
              "RuntimeError: this File is empty: nothing was assigned to it");
  });
}

TEST(Files, with_closes_the_file_at_the_end) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    auto file = co_await open_file(folder.file("a"), "w");
    co_await with(file, [](File& open) -> Coro<> { co_await open.write("in"); });
    EXPECT_TRUE(file.closed());
    auto dropped = co_await open_file(folder.file("a"));  // closed by the last handle
  });
}

TEST(Files, operations_are_done_in_the_order_of_the_calls) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    auto file = co_await open_file(folder.file("a"), "w");
    std::vector<Coro<std::size_t>> writes;
    std::string expected;
    for (int i = 0; i < 100; ++i) {
      const std::string line = "line " + std::to_string(i) + "\n";
      expected += line;
      writes.push_back(file.write(line));
    }
    static_cast<void>(co_await gather(std::move(writes)));
    co_await file.close();
    EXPECT_EQ(co_await read_file(folder.file("a")), expected);
  });
}

TEST(Files, the_loop_goes_on_while_a_thread_works) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    int passes = 0;
    auto counting = create_task([&]() -> Coro<> {
      for (;; ++passes) co_await sleep(0s);
    });
    co_await write_file(folder.file("a"), std::string(1 << 20, 'x'));
    EXPECT_GT(passes, 0);
    counting.cancel();
  });
}

// ---- cancellation. A FIFO blocks its thread for as long as the test wants.

TEST(FilesCancelled, a_read_gives_its_bytes_to_the_next) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    const std::string path = folder.file("fifo");
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const int peer = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    auto file = co_await open_file(path);
    auto reading = create_task(file.readline());
    co_await pass(2);
    reading.cancel();
    EXPECT_EQ(co_await error_of(reading), "CancelledError");
    EXPECT_EQ(::write(peer, "late\nnext\n", 10), 10);
    EXPECT_EQ(co_await file.readline(), "late\n");
    EXPECT_EQ(co_await file.readline(), "next\n");
    ::close(peer);
    co_await file.close();
  });
}

TEST(FilesCancelled, one_that_waits_for_its_turn_never_begins) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    const std::string path = folder.file("fifo");
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const int peer = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    auto file = co_await open_file(path);
    auto first = create_task(file.readline());
    auto second = create_task(file.readline());
    co_await pass(2);
    second.cancel();
    EXPECT_EQ(co_await error_of(second), "CancelledError");
    EXPECT_EQ(::write(peer, "one\ntwo\n", 8), 8);
    EXPECT_EQ(co_await first, "one\n");
    EXPECT_EQ(co_await file.readline(), "two\n");
    ::close(peer);
  });
}

TEST(FilesCancelled, the_error_of_a_write_is_told_by_the_next) {
  run_in_folder([](const TemporaryFolder&) -> Coro<> {
    for (int which = 0; which < 3; ++which) {
      auto file = co_await open_file("/dev/full", "w");
      auto writing = create_task(file.write("x"));
      co_await pass();
      writing.cancel();
      const std::string lost = co_await error_of(writing);
      if (!lost.starts_with("Cancelled")) continue;  // the thread was faster
      const std::string told = which == 0   ? co_await error_of(file.write("y"))
                               : which == 1 ? co_await error_of(file.fsync())
                                            : co_await error_of(file.close());
      EXPECT_EQ(told, "OSError: [Errno 28] No space left on device");
    }
  });
}

TEST(FilesCancelled, an_open_that_blocks_leaves_no_fd_behind) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    const std::string path = folder.file("fifo");
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_FALSE(co_await move_on_after(5ms, open_file(path, "r")));
    const int peer = ::open(path.c_str(), O_RDWR | O_CLOEXEC);  // lets the thread go on
    ::close(peer);
  });
}

// A thread could not be called back, and the loop would wait for it.
TEST(FilesCancelled, a_loop_that_ends_while_its_backend_opens_leaves_nothing) {
  const TemporaryFolder folder;
  const std::string path = folder.file("fifo");
  EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int files = open_files();
  {
    Loop loop;
    if (!loop.backend().offers(detail::FileCall::Kind::open)) GTEST_SKIP() << "threads open files";
    loop.run_until_complete([&]() -> Coro<> {
      auto opening = create_task(open_file(path));
      co_await pass(2);
      opening.cancel();
      EXPECT_EQ(co_await error_of(opening), "CancelledError");
    }());
  }
  EXPECT_EQ(open_files(), files);
}

// Each operation is cancelled after each number of passes; whatever was done, no fd is left and the
// file works on.
TEST(FilesCancelled, every_operation_at_every_pass) {
  run_in_folder([](const TemporaryFolder& folder) -> Coro<> {
    const std::string path = folder.file("a");
    for (int passes = 0; passes < 12; ++passes) {
      co_await write_file(path, "some\nlines\nof text\n");
      auto file = co_await open_file(path, "r+");
      std::vector<AnyTask> tasks{
          create_task(file.read(4)),    create_task(file.readline()),
          create_task(file.write("X")), create_task(file.seek(1)),
          create_task(file.truncate()), create_task(file.fsync()),
          create_task(open_file(path)), create_task(read_file(path)),
          create_task(os::stat(path)),  create_task(os::listdir(folder.path()))};
      co_await pass(passes);
      for (AnyTask& task : tasks) task.cancel();
      co_await pass(2);
      EXPECT_EQ(co_await file.seek(0), 0);
      co_await file.write("fresh");
      EXPECT_EQ(co_await file.seek(0), 0);
      EXPECT_EQ(co_await file.read(5), "fresh");
      co_await file.close();
    }
  });
}

// ---- full disks

TEST(FilesFull, no_space_is_told_by_every_way_of_writing) {
  run_in_folder([](const TemporaryFolder&) -> Coro<> {
    const std::string full = "OSError: [Errno 28] No space left on device";
    EXPECT_EQ(co_await error_of(write_file("/dev/full", "x")), full);
    auto file = co_await open_file("/dev/full", "w");
    EXPECT_EQ(co_await error_of(file.write("x")), full);
    co_await file.close();
  });
}

TEST(FilesFull, a_full_file_system_fails_the_write_and_keeps_what_went_before) {
  const TemporaryFolder folder;
  if (::mount("none", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "mounting needs to be root";
  run_clean([&]() -> Coro<> {
    auto file = co_await open_file(folder.file("a"), "w");
    EXPECT_EQ(co_await file.write("kept"), 4U);
    EXPECT_EQ(co_await error_of(file.write(std::string(100000, 'x'))),
              "OSError: [Errno 28] No space left on device");
    const auto position = static_cast<std::uint64_t>(co_await file.tell());
    EXPECT_GT(position, 4U);  // a part of it went in
    EXPECT_EQ(position, (co_await os::stat(folder.file("a"))).size);
    EXPECT_EQ(co_await file.truncate(4), 4);
    co_await file.close();
    EXPECT_EQ(co_await read_file(folder.file("a")), "kept");
    EXPECT_EQ(co_await error_of(write_file(folder.file("b"), std::string(100000, 'x'))),
              "OSError: [Errno 28] No space left on device");
  });
  ::umount(folder.path().c_str());
}

TEST(FilesFull, a_size_limit_is_an_error_and_not_a_signal) {
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit limit = before;
  limit.rlim_cur = 1000;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::string error;
  run_in_folder([&](const TemporaryFolder& folder) -> Coro<> {
    error = co_await error_of(write_file(folder.file("a"), std::string(2000, 'x')));
  });
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(error, "OSError: [Errno 27] File too large");
}

}  // namespace
}  // namespace asyncio
