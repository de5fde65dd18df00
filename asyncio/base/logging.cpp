#include "asyncio/base/logging.hpp"

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

namespace asyncio::logging {
namespace {

std::atomic<int> lowest_level{static_cast<int>(LogLevel::warning)};

struct SinkSlot {
  std::mutex mutex;
  std::shared_ptr<const Sink> sink;
};

SinkSlot& slot() {
  static SinkSlot* const instance = new SinkSlot;  // never destroyed: used during exit
  return *instance;
}

void write_to_stderr(LogLevel level, std::string_view message) {
  std::string line(level_name(level));
  line.append(": ").append(message).push_back('\n');
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

const char* level_name(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug:
      return "DEBUG";
    case LogLevel::info:
      return "INFO";
    case LogLevel::warning:
      return "WARNING";
    case LogLevel::error:
      return "ERROR";
  }
  return "ERROR";
}

void set_sink(Sink sink) {
  auto replacement = sink ? std::make_shared<const Sink>(std::move(sink)) : nullptr;
  std::lock_guard lock(slot().mutex);
  slot().sink = std::move(replacement);
}

void set_level(LogLevel lowest) { lowest_level.store(static_cast<int>(lowest)); }

bool is_enabled(LogLevel level) noexcept {
  return static_cast<int>(level) >= lowest_level.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view message) noexcept {
  if (!is_enabled(level)) return;
  try {
    std::shared_ptr<const Sink> sink;
    {
      std::lock_guard lock(slot().mutex);
      sink = slot().sink;
    }
    if (sink)
      (*sink)(level, message);
    else
      write_to_stderr(level, message);
  } catch (...) {  // a log line must never break the program it reports on
  }
}

}  // namespace asyncio::logging
