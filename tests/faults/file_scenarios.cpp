// Files: what was acknowledged is there, whatever failed besides.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "scenarios.hpp"

namespace asyncio::fault_test {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A write that failed may have left a part of itself; nothing that succeeded may be missing, and
// nothing else be there.
Coro<> a_log_keeps_what_was_acknowledged() {
  const Folder folder;
  const std::string path = folder.file("log");
  File log = co_await open_file(path, "a");
  std::string acknowledged;
  std::exception_ptr failed;
  std::string line;
  for (int i = 0; i < 5 && !failed; ++i) {
    line = std::to_string(i) + " " + pattern(100) + "\n";
    try {
      co_await log.write(line);
      acknowledged += line;
      if (i % 2 == 0) co_await log.fsync();
    } catch (const OSError&) {
      failed = std::current_exception();
    }
  }
  co_await log.close();
  const std::string written = content_of(path);
  expect(written.starts_with(acknowledged), "what write() returned for is in the file");
  expect((acknowledged + line).starts_with(written), "nothing else is in the file");
  expect(failed || written == acknowledged, "a write that left a part of itself has failed");
  if (failed) std::rethrow_exception(failed);
}

Coro<> a_file_is_copied() {
  const Folder folder;
  const std::string copied = co_await read_file(sample_file().path);
  expect(copied == sample_file().content, "all of the file is read");
  co_await write_file(folder.file("new"), copied);
  expect(content_of(folder.file("new")) == copied, "all of the file is written");
  co_await os::rename(folder.file("new"), folder.file("copy"));
  expect(std::filesystem::exists(folder.file("copy")), "the file has its new name");
}

Coro<> lines_are_read_and_overwritten() {
  const Folder folder;
  co_await write_file(folder.file("a"), "one\ntwo\nthree\n");
  File file = co_await open_file(folder.file("a"), "r+");
  expect(co_await file.readline() == "one\n", "the first line");
  co_await file.write("TWO");
  expect(co_await file.read() == "\nthree\n", "the rest");
  expect(co_await file.tell() == 14, "the place behind it");
  co_await file.close();
  expect(content_of(folder.file("a")) == "one\nTWO\nthree\n", "what was overwritten");
}

Coro<> folders_are_made_and_removed() {
  const Folder folder;
  const std::string path = folder.file("sub");
  co_await os::mkdir(path);
  expect((co_await os::stat(path)).is_directory(), "the folder is there");
  co_await write_file(path + "/a", "x");
  expect((co_await os::stat(path + "/a")).size == 1, "the file has its size");
  co_await os::remove(path + "/a");
  co_await os::rmdir(path);
  expect(!std::filesystem::exists(path), "the folder is gone");
}

}  // namespace

std::vector<Scenario> file_scenarios() {
  return {
      {"a_log_keeps_what_was_acknowledged", a_log_keeps_what_was_acknowledged},
      {"a_file_is_copied", a_file_is_copied},
      {"lines_are_read_and_overwritten", lines_are_read_and_overwritten},
      {"folders_are_made_and_removed", folders_are_made_and_removed},
  };
}

}  // namespace asyncio::fault_test
