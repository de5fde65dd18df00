// `asyncio trace PID` and `asyncio trace COMMAND...`: records what the loops of a process do, and
// writes it down for Perfetto and as a flame graph.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "apps/cli/commands.hpp"
#include "asyncio/base/config.hpp"
#include "asyncio/core/recording.hpp"
#include "asyncio/debug/chrome_trace.hpp"
#include "asyncio/debug/flame.hpp"

namespace cli {
namespace {

namespace fs = std::filesystem;
using asyncio::debug::Trace;
using asyncio::debug::TraceReader;
using Clock = std::chrono::steady_clock;

struct TraceOptions {
  std::string target;  // a PID or a command
  std::vector<std::string> arguments;
  std::string output;
  std::string flame;
  double seconds = 0;  // 0: as long as the command takes, 5 of a process
};

constexpr double kSecondsOfProcess = 5;

volatile std::sig_atomic_t asked_to_stop = 0;  // the signal

void stop_at_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP})
    std::signal(number, [](int which) { asked_to_stop = which; });
}

bool is_pid(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789") == word.npos;
}

std::string name_of_process(int pid) {
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", error);
  return error ? "process " + std::to_string(pid) : path.filename().string();
}

// ---- what is written

class OutputFile {
 public:
  explicit OutputFile(const std::string& path) : path_(path) {
    file_ = std::fopen(path.c_str(), "w");
    if (file_ == nullptr) fail();
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile() {
    if (file_ != nullptr) std::fclose(file_);
  }
  std::FILE* get() const noexcept { return file_; }
  void close() {
    if (std::fclose(std::exchange(file_, nullptr)) != 0) fail();
  }

 private:
  [[noreturn]] void fail() const {
    throw std::runtime_error("cannot write " + path_ + ": " + std::strerror(errno));
  }
  std::string path_;
  std::FILE* file_ = nullptr;
};

void write_all(const Trace& trace, const TraceOptions& options, const std::string& program,
               double seconds) {
  std::size_t steps = 0, operations = 0, tasks = 0, lost = 0;
  for (const auto& loop : trace.loops) {
    steps += loop.steps.size();
    operations += loop.operations.size();
    tasks += loop.tasks.size();
    lost += loop.lost;
  }
  if (!options.output.empty()) {
    OutputFile file(options.output);
    write_chrome_trace(trace, program, file.get());
    file.close();
  }
  if (!options.flame.empty()) {
    OutputFile file(options.flame);
    const std::string svg = flame_svg(flames_of(trace), program);
    std::fwrite(svg.data(), 1, svg.size(), file.get());
    file.close();
  }
  std::fprintf(stderr,
               "asyncio trace: %.1f s of %s: %zu loop%s, %zu tasks, %zu steps, %zu operations\n",
               seconds, program.c_str(), trace.loops.size(), trace.loops.size() == 1 ? "" : "s",
               tasks, steps, operations);
  if (lost > 0)
    std::fprintf(stderr, "  %zu records were lost: the process was faster than this command\n",
                 lost);
}

// ---- a process that runs

int trace_process(const TraceOptions& options) {
  if (!options.arguments.empty())
    throw std::runtime_error("a process takes no arguments\n  instead: ./" + options.target +
                             " for a command of that name");
  const int pid = std::atoi(options.target.c_str());
  const double seconds = options.seconds > 0 ? options.seconds : kSecondsOfProcess;
  const std::string program = name_of_process(pid);
  const Clock::time_point start = Clock::now();
  const auto patience =
      std::chrono::duration_cast<asyncio::Duration>(std::chrono::duration<double>(seconds));
  const int fd = asyncio::debug::record(pid, patience);
  if (fd < 0)
    throw std::runtime_error("no loop of process " + options.target + " made a step within " +
                             fmt::format("{:g}", seconds) +
                             " seconds\n  instead: `asyncio pstree` shows what its tasks wait for");
  stop_at_signals();
  TraceReader reader(fd);
  const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  while (passed() < seconds && asked_to_stop == 0 && !reader.is_over()) {
    ::usleep(5'000);
    reader.read();
  }
  write_all(reader.take(), options, program, passed());
  return 0;
}

// ---- a command

int start_command(const TraceOptions& options, int recording) {
  std::vector<char*> words{const_cast<char*>(options.target.c_str())};
  for (const std::string& word : options.arguments)
    words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const std::string path =
      "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(recording);
  ::setenv(asyncio::detail::kRecordingVariable, path.c_str(), 1);
  int report[2];  // of execvp's errno; closed by it otherwise
  if (::pipe2(report, O_CLOEXEC) != 0) throw std::runtime_error(std::strerror(errno));
  const int child = ::fork();
  if (child == 0) {
    ::execvp(words[0], words.data());
    const int error = errno;
    static_cast<void>(!::write(report[1], &error, sizeof(error)));
    ::_exit(127);
  }
  ::close(report[1]);
  int error = child < 0 ? errno : 0;
  if (child > 0 && ::read(report[0], &error, sizeof(error)) > 0) ::waitpid(child, nullptr, 0);
  ::close(report[0]);
  if (error != 0)
    throw std::runtime_error("cannot run " + options.target + ": " + std::strerror(error));
  return child;
}

// As a shell has it.
int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int trace_command(const TraceOptions& options) {
  const int recording = asyncio::debug::make_recording();
  TraceReader reader(recording);  // before the command, which finds a reader that waits for it
  const Clock::time_point start = Clock::now();
  const int child = start_command(options, recording);
  stop_at_signals();
  int status = 0;
  bool is_done = false;
  const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  while (!is_done && (options.seconds <= 0 || passed() < options.seconds)) {
    ::usleep(5'000);
    is_done = ::waitpid(child, &status, WNOHANG) == child;
    reader.read();
    // Ctrl-C goes to the command by itself, which ends as it likes.
    const int number = asked_to_stop;
    asked_to_stop = 0;
    if (number != 0 && number != SIGINT) ::kill(child, number);
  }
  const Trace trace = reader.take();
  if (trace.loops.empty())
    std::fprintf(stderr,
                 "asyncio trace: nothing was recorded: %s ran no loop of asyncio for C++ %s\n",
                 options.target.c_str(), ASYNCIO_VERSION);
  else
    write_all(trace, options, fs::path(options.target).filename().string(), passed());
  if (!is_done) ::waitpid(child, &status, 0);
  return exit_code_of(status);
}

}  // namespace

void add_trace(CLI::App& app, int& result, std::vector<std::string> arguments) {
  auto options = std::make_shared<TraceOptions>();
  CLI::App* command = app.add_subcommand(
      "trace", "Record the steps, waits and operations of a process, or of a command");
  command->add_option("PID|COMMAND", options->target, "The process, or the program to start")
      ->required();
  command->add_option("-o,--output", options->output, "JSON for ui.perfetto.dev");
  command->add_option("--flame", options->flame, "A flame graph by asynchronous stack, SVG");
  command
      ->add_option("-d,--duration", options->seconds,
                   "Seconds; 5 for a process, for a command until it ends")
      ->check(CLI::Range(0.01, 86400.0));
  command->footer("What stands behind COMMAND goes to it; the result is its exit code.");
  command->callback([options, arguments = std::move(arguments), &result] {
    options->arguments = arguments;
    if (options->output.empty() && options->flame.empty()) options->output = "trace.json";
    result = is_pid(options->target) ? trace_process(*options) : trace_command(*options);
  });
}

}  // namespace cli
