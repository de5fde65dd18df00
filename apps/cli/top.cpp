// `asyncio top PID`: a live view of the tasks of a process. What a screen looks like is in
// top_view.hpp; here are the terminal, the clock and /proc.
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "apps/cli/commands.hpp"
#include "apps/cli/top_view.hpp"

namespace cli {
namespace {

using asyncio::LoopStats;
using asyncio::debug::SeenLoop;
using asyncio::debug::SeenProcess;
using asyncio::detail::IoCounts;
using asyncio::detail::IoOperation;
using Clock = std::chrono::steady_clock;

struct TopOptions {
  int pid = 0;
  double delay = 1;
  bool once = false;
};

// The terminal without echo and line editing, on its other screen; as it was afterwards.
class RawTerminal {
 public:
  RawTerminal() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios raw = before_;
    raw.c_lflag &= static_cast<tcflag_t>(~(ECHO | ICANON | ISIG));
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    is_raw_ = true;
    std::fputs("\x1b[?1049h\x1b[?25l", stdout);  // the other screen, no cursor
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal() {
    if (!is_raw_) return;
    std::fputs("\x1b[?25h\x1b[?1049l", stdout);
    std::fflush(stdout);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }

 private:
  termios before_{};
  bool is_raw_ = false;
};

volatile std::sig_atomic_t asked_to_end = 0;

// Seconds of CPU that a thread has used; 0 where it is gone.
double cpu_seconds(int pid, int thread) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(thread) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t end_of_name = line.rfind(')');
  if (end_of_name == line.npos) return 0;
  std::istringstream words(line.substr(end_of_name + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) words >> skipped;  // state ... cmajflt
  double user = 0, system = 0;
  words >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// What was counted since the look before.
template <class Counts>
Counts since(const Counts& now, const Counts& before) {
  Counts grown = now;
  for (std::size_t i = 0; i < grown.size(); ++i) grown[i] -= std::min(before[i], grown[i]);
  return grown;
}

std::vector<std::pair<std::string, double>> rates_of(const IoCounts& counts, double seconds) {
  std::vector<std::pair<std::string, double>> rates;
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0 && i != static_cast<std::size_t>(IoOperation::wait))
      rates.emplace_back(name_of(static_cast<IoOperation>(i)),
                         static_cast<double>(counts[i]) / seconds);
  std::stable_sort(rates.begin(), rates.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return rates;
}

// What the loops did between two looks.
class Meter {
 public:
  explicit Meter(int pid) : pid_(pid) {}
  std::vector<LoopLoad> measure(const SeenProcess& process) {
    const Clock::time_point now = Clock::now();
    const double passed = std::chrono::duration<double>(now - last_).count();
    std::vector<LoopLoad> loads;
    for (const SeenLoop& loop : process.loops) {
      Before now_of_it{true, cpu_seconds(pid_, loop.thread), loop.passes, loop.operations,
                       loop.latency};
      Before& before = before_[loop.id];
      loads.push_back(before.known && passed > 0 ? load_of(before, now_of_it, passed) : LoopLoad{});
      before = now_of_it;
    }
    last_ = now;
    return loads;
  }

 private:
  struct Before {
    bool known = false;
    double cpu = 0;
    std::uint64_t passes = 0;
    IoCounts operations{};
    LoopStats::Histogram latency{};
  };

  static LoopLoad load_of(const Before& before, const Before& now, double seconds) {
    const LoopStats::Histogram latency = since(now.latency, before.latency);
    return {100 * (now.cpu - before.cpu) / seconds,
            static_cast<double>(now.passes - before.passes) / seconds,
            LoopStats::quantile(latency, 0.5), LoopStats::quantile(latency, 0.99),
            rates_of(since(now.operations, before.operations), seconds)};
  }

  int pid_;
  Clock::time_point last_ = Clock::now();
  std::map<std::uint64_t, Before> before_;
};

void draw(const std::string& screen) {
  std::string text = "\x1b[H";
  for (const char c : screen) text += c == '\n' ? std::string("\x1b[K\r\n") : std::string(1, c);
  text += "\x1b[J";
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

enum class Input { none, keys, end };

// The keys pressed within the time. The end of the terminal is ours, too.
Input read_keys(TopSettings& settings, double seconds) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (::poll(&input, 1, static_cast<int>(seconds * 1000)) <= 0) return Input::none;
  char keys[64];
  const ssize_t got = ::read(STDIN_FILENO, keys, sizeof(keys));
  for (ssize_t i = 0; i < got; ++i)
    if (!press(settings, keys[i])) return Input::end;
  return got > 0 ? Input::keys : Input::end;
}

constexpr double kSecondsBetweenSamples = 0.01;

class Screen {
 public:
  explicit Screen(const TopOptions& options)
      : options_(options),
        process_(asyncio::debug::inspect(options.pid)),
        meter_(options.pid),
        sampler_(options.pid) {}

  void look() {
    // Longer than to the next look, so that what it does is measured all the time.
    const auto time = std::chrono::duration<double>(options_.delay * 2 + 2);
    asyncio::debug::measure(options_.pid, std::chrono::duration_cast<asyncio::Duration>(time));
    process_ = asyncio::debug::inspect(options_.pid);
    loads_ = meter_.measure(process_);
    samples_ = std::exchange(new_samples_, {});
  }
  void sample() { new_samples_.add(sampler_.running()); }
  std::string text(std::size_t columns, std::size_t lines) const {
    return screen_of(process_, loads_, samples_, settings, columns, lines);
  }

  TopSettings settings;

 private:
  const TopOptions& options_;
  SeenProcess process_;
  Meter meter_;
  asyncio::debug::Sampler sampler_;
  std::vector<LoopLoad> loads_;
  Samples samples_, new_samples_;
};

// False once the process is gone.
bool look_again(Screen& screen) {
  try {
    screen.look();
    return true;
  } catch (const asyncio::debug::InspectError& error) {
    if (error.why() != asyncio::debug::InspectError::Reason::missing) throw;
    return false;
  }
}

// Until it is ended by a key or a signal; false where the process ended first.
bool show_until_the_end(Screen& screen, std::chrono::milliseconds delay) {
  const RawTerminal terminal;
  Clock::time_point next = Clock::now();
  winsize drawn{};
  bool is_changed = true;
  while (asked_to_end == 0) {
    if (Clock::now() >= next) {
      if (!screen.settings.paused && !look_again(screen)) return false;
      next = Clock::now() + delay;
      is_changed = true;
    }
    winsize size{};
    ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    if (is_changed || size.ws_col != drawn.ws_col || size.ws_row != drawn.ws_row) {
      draw(
          screen.text(size.ws_col > 0 ? size.ws_col : 80, size.ws_row > 1 ? size.ws_row - 1u : 23));
      drawn = size;
    }
    if (!screen.settings.paused) screen.sample();
    const Input input = read_keys(screen.settings, kSecondsBetweenSamples);
    if (input == Input::end) break;
    is_changed = input == Input::keys;
  }
  return true;
}

int watch(const TopOptions& options) {
  Screen screen(options);  // throws before the terminal changes
  if (options.once) {
    screen.look();
    std::fputs(screen.text(400, 10'000).c_str(), stdout);
    return 0;
  }
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0)
    throw std::runtime_error("top needs a terminal\n  instead: --once prints one screen");
  for (const int number : {SIGTERM, SIGHUP}) std::signal(number, [](int) { asked_to_end = 1; });
  std::signal(SIGWINCH, [](int) {});  // ends the wait for keys, so that it is drawn anew
  if (!show_until_the_end(screen,
                          std::chrono::milliseconds(static_cast<int>(options.delay * 1000))))
    std::printf("asyncio top: process %d has ended\n", options.pid);
  return 0;
}

}  // namespace

void add_top(CLI::App& app, int& result) {
  auto options = std::make_shared<TopOptions>();
  CLI::App* command = app.add_subcommand("top", "A live view of the tasks of a process");
  command->add_option("PID", options->pid, "The process to look into")->required();
  command->add_option("-d,--delay", options->delay, "Seconds between two looks")
      ->check(CLI::Range(0.05, 3600.0))
      ->capture_default_str();
  command->add_flag("--once", options->once, "Print one screen and end");
  command->callback([options, &result] { result = watch(*options); });
}

}  // namespace cli
