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

namespace asyncio::os_test {

using namespace std::chrono_literals;

// "TypeName: words" of what the awaitable throws, "" where it throws nothing.
template <class A>
Coro<std::string> error_of(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (...) {
    co_return describe(std::current_exception());
  }
  co_return "";
}

template <class F>
std::string sentence(F function) {
  try {
    function();
  } catch (...) {
    return describe(std::current_exception());
  }
  return "";
}

inline Coro<> pass(int times = 1) {
  for (int i = 0; i < times; ++i) co_await sleep(0s);
}

// Waits, for at most five seconds, until condition() holds: for what the kernel does on its own.
template <class Condition>
Coro<bool> eventually(Condition condition) {
  for (int i = 0; i < 5000; ++i) {
    if (condition()) co_return true;
    co_await sleep(1ms);
  }
  co_return false;
}

inline int open_files() {
  const std::filesystem::directory_iterator fds("/proc/self/fd");
  return static_cast<int>(std::distance(begin(fds), end(fds)));
}

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

// Keeps what the library logs while it stands.
class LogCapture {
 public:
  LogCapture() {
    logging::set_sink([this](LogLevel, std::string_view message) {
      const std::lock_guard held(mutex_);
      text_.append(message).append("\n");
    });
  }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  ~LogCapture() { logging::set_sink({}); }
  std::string text() const {
    const std::lock_guard held(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace asyncio::os_test
