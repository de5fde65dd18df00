#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "asyncio/os/files.hpp"
#include "asyncio/os/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace os_test;

TEST(Paths, stat_tells_size_kind_and_time) {
  const TemporaryFolder folder;
  run_clean([&]() -> Coro<> {
    const std::string path = folder.file("a");
    co_await write_file(path, "12345");
    EXPECT_EQ(::symlink("a", folder.file("link").c_str()), 0);
    const FileStatus status = co_await os::stat(path);
    EXPECT_EQ(status.size, 5U);
    EXPECT_TRUE(status.is_file());
    EXPECT_LT(std::chrono::abs(std::chrono::system_clock::now() - status.modified), 1h);
    EXPECT_TRUE((co_await os::stat(folder.path())).is_directory());
    EXPECT_TRUE((co_await os::stat(folder.file("link"))).is_file());
    EXPECT_TRUE((co_await os::lstat(folder.file("link"))).is_symlink());
    EXPECT_EQ((co_await os::stat(folder.file("link"))).inode, status.inode);
    EXPECT_EQ(co_await error_of(os::stat("no/such")),
              "FileNotFoundError: [Errno 2] No such file or directory: 'no/such'");
  });
}

TEST(Paths, files_are_renamed_and_removed) {
  const TemporaryFolder folder;
  run_clean([&]() -> Coro<> {
    const std::string from = folder.file("a");
    const std::string to = folder.file("b");
    co_await write_file(from, "x");
    co_await os::rename(from, to);
    EXPECT_FALSE(co_await os::exists(from));
    EXPECT_TRUE(co_await os::exists(to));
    EXPECT_EQ(
        co_await error_of(os::rename(from, to)),
        "FileNotFoundError: [Errno 2] No such file or directory: '" + from + "' -> '" + to + "'");
    co_await os::remove(to);
    EXPECT_EQ(co_await error_of(os::remove(to)),
              "FileNotFoundError: [Errno 2] No such file or directory: '" + to + "'");
  });
}

TEST(Paths, folders_are_made_listed_and_removed) {
  const TemporaryFolder folder;
  run_clean([&]() -> Coro<> {
    const std::string deep = folder.file("x/y/z");
    co_await os::makedirs(deep);
    EXPECT_EQ(co_await error_of(os::makedirs(deep)),
              "FileExistsError: [Errno 17] File exists: '" + deep + "'");
    co_await os::makedirs(deep, true);
    co_await os::mkdir(folder.file("b"));
    co_await write_file(folder.file("a"), "");
    EXPECT_EQ(co_await os::listdir(folder.path()), (std::vector<std::string>{"a", "b", "x"}));
    EXPECT_EQ(co_await error_of(os::rmdir(folder.file("x"))),
              "OSError: [Errno 39] Directory not empty: '" + folder.file("x") + "'");
    co_await os::rmdir(folder.file("b"));
    EXPECT_EQ(co_await error_of(os::listdir(folder.file("a"))),
              "NotADirectoryError: [Errno 20] Not a directory: '" + folder.file("a") + "'");
  });
}

}  // namespace
}  // namespace asyncio
