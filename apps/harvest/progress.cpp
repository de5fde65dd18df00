#include "apps/harvest/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "apps/harvest/summary.hpp"
#include "asyncio/asyncio.hpp"

namespace harvest {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBar = 24;  // Columns of the bar itself.

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// Pages a second, with what is long ago forgotten.
class Rate {
 public:
  double update(const ProgressNow& now) {
    const double passed = now.seconds - last_.seconds;
    if (passed > 0.02) {
      const double fresh = static_cast<double>(now.done - last_.done) / passed;
      const double weight = last_.seconds == 0 ? 1 : std::min(1.0, passed / 2);
      rate_ += (fresh - rate_) * weight;
      last_ = now;
    }
    return rate_;
  }

 private:
  ProgressNow last_;
  double rate_ = 0;
};

}  // namespace

std::string progress_bar(const ProgressNow& now, double rate, std::size_t columns) {
  const std::size_t all = now.done + now.running + now.waiting;
  const double part = all == 0 ? 0 : static_cast<double>(now.done) / static_cast<double>(all);
  const auto filled = static_cast<std::size_t>(part * static_cast<double>(kBar));
  const std::size_t left = now.running + now.waiting;
  std::string line = fmt::format("[{}{}] {}/{}  {:.0f}/s", std::string(filled, '#'),
                                 std::string(kBar - filled, '.'), now.done, all, rate);
  if (rate > 0.5 && left > 0) line += "  ETA " + human_time(static_cast<double>(left) / rate);
  line +=
      fmt::format("  {} in flight  {}", now.running, human_bytes(static_cast<double>(now.bytes)));
  if (now.failed != 0) line += fmt::format("  {} failed", now.failed);
  // A line that wraps could not be wiped.
  if (columns > 1 && line.size() >= columns) line.resize(columns - 1);
  return line;
}

std::string progress_line(const ProgressNow& now, double rate) {
  return fmt::format("harvest: {} pages, {} waiting, {} in flight, {} failed, {:.0f} pages/s, {}\n",
                     now.done, now.waiting, now.running, now.failed, rate,
                     human_bytes(static_cast<double>(now.bytes)));
}

asyncio::Coro<> show_progress(std::function<ProgressNow()> look) {
  const bool is_terminal = ::isatty(STDERR_FILENO) != 0;
  const asyncio::Duration pause = is_terminal ? 100ms : 2s;
  Rate rate;
  std::exception_ptr end;
  try {
    for (;;) {
      co_await asyncio::sleep(pause);
      const ProgressNow now = look();
      const std::string text =
          is_terminal ? "\r\x1b[K" + progress_bar(now, rate.update(now), terminal_columns())
                      : progress_line(now, rate.update(now));
      std::fputs(text.c_str(), stderr);
      std::fflush(stderr);
    }
  } catch (...) {
    end = std::current_exception();
  }
  if (is_terminal) std::fputs("\r\x1b[K", stderr);
  std::rethrow_exception(end);
}

}  // namespace harvest
