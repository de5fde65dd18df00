// subprocess.hpp: running other programs: create_subprocess_exec, create_subprocess_shell, Process;
// and below them SubprocessTransport and SubprocessProtocol.
// Source: docs.python.org/3/library/asyncio-subprocess.html
//
//   auto tr = co_await asyncio::create_subprocess_exec(
//       {"tr", "a-z", "A-Z"}, {.in = asyncio::PIPE, .out = asyncio::PIPE});
//   auto output = co_await tr.communicate("shout");  // output.out is "SHOUT"
//
// A child is always reaped, by the loop that started it, through a pidfd; SIGCHLD is not touched.
#pragma once
#include <cstddef>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/core/events.hpp"
#include "asyncio/net/protocols.hpp"
#include "asyncio/net/streams.hpp"
#include "asyncio/net/transports.hpp"

namespace asyncio {

enum class Pipe { inherit, pipe, devnull, to_stdout };
inline constexpr Pipe PIPE = Pipe::pipe;         // a new pipe, with us at the other end
inline constexpr Pipe DEVNULL = Pipe::devnull;   // /dev/null
inline constexpr Pipe STDOUT = Pipe::to_stdout;  // for err: the same as out

// What a child has as stdin, stdout or stderr: one of the above, or an fd of ours, which is copied.
class Redirect {
 public:
  constexpr Redirect(Pipe kind = Pipe::inherit) noexcept : kind_(kind) {}  // NOLINT: implicit
  constexpr Redirect(int fd) noexcept : kind_(Pipe::inherit), fd_(fd) {}   // NOLINT: implicit
  constexpr Pipe kind() const noexcept { return kind_; }
  constexpr std::optional<int> fd() const noexcept { return fd_; }

 private:
  Pipe kind_;
  std::optional<int> fd_;
};

struct ProcessOptions {
  Redirect in = Pipe::inherit, out = Pipe::inherit, err = Pipe::inherit;
  std::string cwd = {};                                        // where it runs; empty: here
  std::optional<std::map<std::string, std::string>> env = {};  // all of its environment
  std::size_t limit = kDefaultStreamLimit;                     // of the readers
  std::string executable = {};            // the program, where it is not argv[0]
  bool start_new_session = false;         // setsid(2)
  std::optional<int> process_group = {};  // setpgid(2); 0: a new one
  std::vector<int> pass_fds = {};  // stay open under their numbers; all others beyond 2 do not
  bool restore_signals = true;     // SIGPIPE and SIGXFSZ act as they do by default
};

struct ProcessOutput {
  std::string out, err;  // empty where it is not a pipe
};

namespace detail {
class ProcessState;
}

// A child process; a shared handle.
//
// Order:        all who wait for its end are woken in the order they came.
// Cancellation: cancelling wait() or communicate() leaves the child running; what was read so far
//               stays in the reader. See stop(), and with(process, body).
// Threads:      its loop's thread only.
// Lifetime:     free. Dropping the last handle closes the pipes and leaves the child running; the
//               loop reaps it. A child that runs when its loop is destroyed is killed.
class Process {
 public:
  Process() noexcept = default;  // empty: to be assigned
  explicit Process(std::shared_ptr<detail::ProcessState> state) noexcept
      : state_(std::move(state)) {}

  int pid() const;
  // Nothing while it runs; -N where signal N ended it.
  std::optional<int> returncode() const;
  // Until it ends. C++: does not wait for whoever else has its pipes open.
  Coro<int> wait() const;
  // Writes the input and closes stdin, reads both outputs to their ends, and waits. Ignores that
  // the child does not read its input to the end, as Python does.
  Coro<ProcessOutput> communicate(std::string input = {}) const;

  // The pipes. Throw RuntimeError where the stream is not a PIPE.
  StreamWriter& in() const;
  StreamReader& out() const;
  StreamReader& err() const;
  bool has_in() const noexcept;
  bool has_out() const noexcept;
  bool has_err() const noexcept;

  // Nothing happens to a child that has ended already; once its pipes are closed too, throws
  // ProcessLookupError. Throws PermissionError and the like.
  void send_signal(int signal) const;
  void terminate() const;  // SIGTERM
  void kill() const;       // SIGKILL
  // C++: SIGTERM, SIGKILL after the grace period, and waits in any case, also through a
  // cancellation, which comes after the child is reaped. Gives the returncode.
  Coro<int> stop(Duration grace = std::chrono::seconds(5)) const;

  // C++: async with process: a child that still runs at the end of the body is killed and reaped.
  Coro<> aenter() const;
  Coro<bool> aexit(std::exception_ptr error) const;
  std::string repr() const;

 private:
  detail::ProcessState& state() const;
  std::shared_ptr<detail::ProcessState> state_;
};

// Starts a program: argv[0], looked for along PATH. Throws FileNotFoundError, PermissionError and
// their like; ValueError where the options make no sense.
Coro<Process> create_subprocess_exec(std::vector<std::string> argv);
Coro<Process> create_subprocess_exec(std::vector<std::string> argv, ProcessOptions options);
// /bin/sh -c command. What comes from outside must be quoted: prefer create_subprocess_exec().
Coro<Process> create_subprocess_shell(std::string command);
Coro<Process> create_subprocess_shell(std::string command, ProcessOptions options);

// ---- the callback layer

// A child as its protocol sees it. Lifetime: the loop keeps it until connection_lost().
class SubprocessTransport {
 public:
  SubprocessTransport() = default;
  SubprocessTransport(const SubprocessTransport&) = delete;
  SubprocessTransport& operator=(const SubprocessTransport&) = delete;
  virtual ~SubprocessTransport() = default;

  virtual int get_pid() const = 0;
  virtual std::optional<int> get_returncode() const = 0;
  // Of 0, 1 or 2; null where it is not a pipe.
  virtual std::shared_ptr<Transport> get_pipe_transport(int fd) const = 0;
  virtual void send_signal(int signal) = 0;  // throws ProcessLookupError after connection_lost()
  virtual void terminate() = 0;
  virtual void kill() = 0;
  virtual void close() = 0;  // kills a child that runs, and closes the pipes
  virtual bool is_closing() const = 0;
  virtual void set_protocol(std::shared_ptr<class SubprocessProtocol> protocol) = 0;
  virtual std::shared_ptr<class SubprocessProtocol> get_protocol() const = 0;
  virtual std::string repr() const = 0;
};

//   connection_made  (pipe_data_received | pipe_connection_lost | process_exited)*  connection_lost
class SubprocessProtocol : public BaseProtocol {
 public:
  virtual void connection_made(SubprocessTransport&) {}
  virtual void pipe_data_received(int, std::string_view) {}  // fd 1 or 2; valid during the call
  virtual void pipe_connection_lost(int, std::exception_ptr) {}
  virtual void process_exited() {}  // data of the pipes may come after it
};

namespace subprocess {  // asyncio.subprocess.PIPE
using asyncio::DEVNULL;
using asyncio::PIPE;
using asyncio::Process;
using asyncio::STDOUT;
}  // namespace subprocess

// ---- the members of Loop

namespace detail {

Coro<std::shared_ptr<SubprocessTransport>> subprocess_exec(
    Loop& loop, std::shared_ptr<SubprocessProtocol> protocol, std::vector<std::string> argv,
    ProcessOptions options);
std::vector<std::string> shell_argv(std::string command);

template <class P>
Coro<std::pair<std::shared_ptr<SubprocessTransport>, P>> with_subprocess_protocol(
    Coro<std::shared_ptr<SubprocessTransport>> starting, P protocol) {
  auto transport = co_await std::move(starting);
  co_return std::pair(std::move(transport), std::move(protocol));
}

}  // namespace detail

template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Loop::SubprocessAndProtocol<Factory>> Loop::subprocess_exec(
    Factory factory, std::vector<std::string> argv, ProcessOptions options) {
  auto protocol = factory();
  return detail::with_subprocess_protocol(
      detail::subprocess_exec(*this, protocol, std::move(argv), std::move(options)), protocol);
}
template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Loop::SubprocessAndProtocol<Factory>> Loop::subprocess_exec(
    Factory factory, std::vector<std::string> argv) {
  return subprocess_exec(std::move(factory), std::move(argv),
                         ProcessOptions{.in = PIPE, .out = PIPE, .err = PIPE});
}
template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Loop::SubprocessAndProtocol<Factory>> Loop::subprocess_shell(
    Factory factory, std::string command, ProcessOptions options) {
  return subprocess_exec(std::move(factory), detail::shell_argv(std::move(command)),
                         std::move(options));
}
template <class Factory>
ASYNCIO_CORO_WRAPPER Coro<Loop::SubprocessAndProtocol<Factory>> Loop::subprocess_shell(
    Factory factory, std::string command) {
  return subprocess_exec(std::move(factory), detail::shell_argv(std::move(command)));
}

}  // namespace asyncio
