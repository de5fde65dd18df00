// `asyncio top PID`: a live view of the tasks of a process. What a screen looks like is in
// top_view.hpp; here are the terminal, the clock and /proc.
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "apps/cli/commands.hpp"
#include "apps/cli/top_view.hpp"

namespace cli {
namespace {

using asyncio::debug::SeenLoop;
using asyncio::debug::SeenProcess;
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

// What the loops did between two looks.
class Meter {
 public:
  explicit Meter(int pid) : pid_(pid) {}
  std::vector<LoopLoad> measure(const SeenProcess& process) {
    const Clock::time_point now = Clock::now();
    const double passed = std::chrono::duration<double>(now - last_).count();
    std::vector<LoopLoad> loads;
    for (const SeenLoop& loop : process.loops) {
      const double cpu = cpu_seconds(pid_, loop.thread);
      Before& before = before_[loop.id];
      if (before.known && passed > 0)
        loads.push_back({100 * (cpu - before.cpu) / passed,
                         static_cast<double>(loop.passes - before.passes) / passed});
      else
        loads.push_back({});
      before = {true, cpu, loop.passes};
    }
    last_ = now;
    return loads;
  }

 private:
  struct Before {
    bool known = false;
    double cpu = 0;
    std::uint64_t passes = 0;
  };
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

// The keys pressed within the time; false where it is to end.
bool read_keys(TopSettings& settings, double seconds) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (::poll(&input, 1, static_cast<int>(seconds * 1000)) <= 0) return true;
  char keys[64];
  const ssize_t got = ::read(STDIN_FILENO, keys, sizeof(keys));
  for (ssize_t i = 0; i < got; ++i)
    if (!press(settings, keys[i])) return false;
  return got > 0;
}

int watch(const TopOptions& options) {
  SeenProcess process = asyncio::debug::inspect(options.pid);  // throws before the screen changes
  Meter meter(options.pid);
  std::vector<LoopLoad> loads = meter.measure(process);
  TopSettings settings;
  if (options.once) {
    std::fputs(screen_of(process, loads, settings, 400, 10'000).c_str(), stdout);
    return 0;
  }
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0)
    throw std::runtime_error("top needs a terminal\n  instead: --once prints one screen");
  for (const int number : {SIGTERM, SIGHUP}) std::signal(number, [](int) { asked_to_end = 1; });
  RawTerminal terminal;
  Clock::time_point next = Clock::now();
  while (asked_to_end == 0) {
    const double left = std::chrono::duration<double>(next - Clock::now()).count();
    if (left <= 0) {
      if (!settings.paused) {
        process = asyncio::debug::inspect(options.pid);
        loads = meter.measure(process);
      }
      next = Clock::now() + std::chrono::milliseconds(static_cast<int>(options.delay * 1000));
    }
    winsize size{};
    ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    const std::size_t columns = size.ws_col > 0 ? size.ws_col : 80;
    const std::size_t lines = size.ws_row > 1 ? size.ws_row - 1u : 23;
    draw(screen_of(process, loads, settings, columns, lines));
    if (!read_keys(settings, left > 0 ? left : options.delay)) break;
  }
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
