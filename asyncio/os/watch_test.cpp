#include "asyncio/os/watch.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "asyncio/combinators/timeouts.hpp"
#include "asyncio/os/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace os_test;

std::string shown(const FileChange& change) {
  std::string text = to_string(change.kind);
  if (!change.name.empty()) text += " " + change.name;
  return change.is_directory ? text + "/" : text;
}

Coro<std::vector<std::string>> next_changes(AsyncGenerator<FileChange>& changes, int count) {
  std::vector<std::string> seen;
  while (count-- > 0) {
    auto change = co_await changes.next();
    if (!change) break;
    seen.push_back(shown(*change));
  }
  co_return seen;
}

TEST(Watch, changes_come_in_order_also_those_before_the_first_question) {
  run_clean([]() -> Coro<> {
    const TemporaryFolder folder;
    auto changes = watch_directory(folder.path());
    std::ofstream(folder.file("a")) << "text";
    EXPECT_EQ(co_await next_changes(changes, 3),
              (std::vector<std::string>{"created a", "modified a", "closed a"}));
    std::filesystem::create_directory(folder.file("below"));
    std::filesystem::permissions(folder.file("a"), std::filesystem::perms::owner_read);
    std::filesystem::remove(folder.file("a"));
    EXPECT_EQ(co_await next_changes(changes, 3),
              (std::vector<std::string>{"created below/", "attributes a", "deleted a"}));
    co_await changes.aclose();
  });
}

TEST(Watch, the_halves_of_a_rename_share_their_cookie) {
  run_clean([]() -> Coro<> {
    const TemporaryFolder folder;
    std::ofstream(folder.file("old")) << "";
    auto changes = watch_directory(folder.path());
    std::filesystem::rename(folder.file("old"), folder.file("new"));
    const auto from = co_await changes.next();
    const auto to = co_await changes.next();
    EXPECT_EQ(shown(*from), "moved_from old");
    EXPECT_EQ(shown(*to), "moved_to new");
    EXPECT_EQ(from->cookie, to->cookie);
    EXPECT_NE(from->cookie, 0U);
    co_await changes.aclose();
  });
}

TEST(Watch, it_wakes_a_task_that_waits_and_ends_with_the_folder) {
  run_clean([]() -> Coro<> {
    const TemporaryFolder folder;
    const std::string path = folder.file("inner");
    std::filesystem::create_directory(path);
    auto changes = watch_directory(path);
    auto waiting = create_task([&]() -> Coro<std::string> {
      const auto change = co_await changes.next();
      co_return shown(*change);
    });
    co_await pass(2);
    std::filesystem::remove(path);
    EXPECT_EQ(co_await waiting, "gone");
    EXPECT_FALSE(co_await changes.next());
  });
}

TEST(Watch, cancelling_the_wait_leaves_no_fd) {
  run_clean([]() -> Coro<> {
    const TemporaryFolder folder;
    auto changes = watch_directory(folder.path());
    EXPECT_FALSE(co_await move_on_after(1ms, next_changes(changes, 1)));
  });
}

TEST(Watch, a_folder_that_is_none_throws_at_once) {
  const TemporaryFile file;
  EXPECT_EQ(error_of([] { static_cast<void>(watch_directory("/no/such")); }),
            "FileNotFoundError: [Errno 2] No such file or directory: '/no/such'");
  EXPECT_EQ(error_of([&] { static_cast<void>(watch_directory(file.path())); }),
            "NotADirectoryError: [Errno 20] Not a directory: '" + file.path() + "'");
}

}  // namespace
}  // namespace asyncio
