// progress.hpp: Progress, how far a harvest is: a bar on a terminal, a line now and then otherwise.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "asyncio/base/clock.hpp"
#include "asyncio/core/coroutines.hpp"

namespace harvest {

struct ProgressNow {
  std::size_t done = 0;
  std::size_t failed = 0;
  std::size_t running = 0;
  std::size_t waiting = 0;
  std::uint64_t bytes = 0;
  double seconds = 0;  // Since the beginning.
};

// Pure: what is shown. `rate` in pages a second, of the last moments.
std::string progress_bar(const ProgressNow& now, double rate, std::size_t columns);
std::string progress_line(const ProgressNow& now, double rate);

// Writes to stderr until it is cancelled; then wipes the bar.
asyncio::Coro<> show_progress(std::function<ProgressNow()> look);

}  // namespace harvest
