// test_support.hpp: what the tests of this folder share: counts of fds and children before and
// after, files to write to, and what was logged.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/base/logging.hpp"
#include "asyncio/core/runners.hpp"
#include "asyncio/core/sleep.hpp"
#include "tests/support.hpp"

namespace asyncio::os_test {

using namespace std::chrono_literals;
using tests::error_of;
using tests::eventually;
using tests::LogCapture;
using tests::open_files;
using tests::pass;

// Zombies included.
inline int children() {
  int count = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream list(thread.path() / "children");
    count += static_cast<int>(
        std::distance(std::istream_iterator<int>(list), std::istream_iterator<int>()));
  }
  return count;
}

// Runs the coroutine function in a loop of its own; no fd and no child may be left of it.
template <class F>
void run_clean(F body) {
  const int files = open_files();
  const int processes = children();
  run(body());
  EXPECT_EQ(open_files(), files);
  EXPECT_EQ(children(), processes);
}

// While it stands, fds of this number and above cannot be had.
class FdLimit {
 public:
  explicit FdLimit(int count) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(count - 1);  // open_files() has one open itself
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  FdLimit(const FdLimit&) = delete;
  FdLimit& operator=(const FdLimit&) = delete;
  ~FdLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

class TemporaryFile {
 public:
  TemporaryFile() : path_((std::filesystem::temp_directory_path() / "asyncio-XXXXXX").string()) {
    fd_ = ::mkostemp(path_.data(), O_CLOEXEC);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  int fd() const noexcept { return fd_; }
  const std::string& path() const noexcept { return path_; }
  std::string content() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
  int fd_ = -1;
};

class TemporaryFolder {
 public:
  TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "asyncio-XXXXXX").string()) {
    EXPECT_NE(::mkdtemp(path_.data()), nullptr);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const noexcept { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace asyncio::os_test
