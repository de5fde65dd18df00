// support.hpp: what tests of several folders share: the words of what is thrown, passes of the
// loop, counts of fds, and what was logged.
#pragma once
#include <chrono>
#include <concepts>
#include <exception>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/base/logging.hpp"
#include "asyncio/core/coroutines.hpp"
#include "asyncio/core/sleep.hpp"

namespace asyncio::tests {

// "TypeName: words" of what the call throws, "" where it throws nothing.
template <std::invocable F>
std::string error_of(F&& call) {
  try {
    static_cast<void>(std::forward<F>(call)());
  } catch (...) {
    return describe(std::current_exception());
  }
  return "";
}

// The same of what awaiting throws.
template <class A>
  requires(!std::invocable<A>)
Coro<std::string> error_of(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (...) {
    co_return describe(std::current_exception());
  }
  co_return "";
}

inline Coro<> pass(int times = 1) {
  for (int i = 0; i < times; ++i) co_await sleep(std::chrono::seconds(0));
}

// Waits, for at most five seconds, until condition() holds: for what the kernel does on its own.
template <class Condition>
Coro<bool> eventually(Condition condition) {
  for (int i = 0; i < 5000; ++i) {
    if (condition()) co_return true;
    co_await sleep(std::chrono::milliseconds(1));
  }
  co_return false;
}

// The one that counts them included.
inline int open_files() {
  const std::filesystem::directory_iterator fds("/proc/self/fd");
  return static_cast<int>(std::distance(begin(fds), end(fds)));
}

// Keeps what the library logs while it stands, a line each.
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
  bool has(std::string_view words) const { return text().find(words) != std::string::npos; }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace asyncio::tests
