// subprocess.cpp: Process, over the transport in internal/child.cpp.
#include "asyncio/os/subprocess.hpp"

#include <signal.h>

#include <array>
#include <cstddef>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/base/logging.hpp"
#include "asyncio/combinators/gather.hpp"
#include "asyncio/combinators/timeouts.hpp"
#include "asyncio/core/instrument.hpp"
#include "asyncio/core/when_done.hpp"
#include "asyncio/net/stream_protocol.hpp"
#include "asyncio/os/internal/child.hpp"

#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // of classes with bases: all compilers give it

namespace asyncio {
namespace detail {
namespace {

// Leads what the child says into streams. Python: SubprocessStreamProtocol.
class ProcessStreams final : public SubprocessProtocol {
 public:
  StreamReaderProtocol& add(int fd, std::size_t limit) {
    auto& slot = streams_[static_cast<std::size_t>(fd)];
    slot = std::make_unique<StreamReaderProtocol>(limit);
    return *slot;
  }
  void pipe_data_received(int fd, std::string_view data) override {
    streams_[static_cast<std::size_t>(fd)]->data_received(data);
  }
  void pipe_connection_lost(int fd, std::exception_ptr error) override {
    streams_[static_cast<std::size_t>(fd)]->connection_lost(std::move(error));
  }
  void pause_writing() override { streams_[0]->pause_writing(); }
  void resume_writing() override { streams_[0]->resume_writing(); }

 private:
  std::array<std::unique_ptr<StreamReaderProtocol>, 3> streams_;
};

}  // namespace

class ProcessState {
 public:
  explicit ProcessState(std::shared_ptr<ChildProcess> child_process)
      : child(std::move(child_process)) {}
  ProcessState(const ProcessState&) = delete;
  ProcessState& operator=(const ProcessState&) = delete;
  ~ProcessState() {
    if (child->is_debugged() && !child->get_returncode())
      logging::log(LogLevel::warning,
                   child->repr() +
                       " was dropped while it runs; its pipes are closed, and it is "
                       "reaped when it ends\n  instead: wait(), or stop()");
  }

  std::shared_ptr<ChildProcess> child;
  std::optional<StreamWriter> in;
  std::optional<StreamReader> out, err;
};

// The end of a child; says its pid to who looks.
class ExitWait final : public WhenDone {
 public:
  explicit ExitWait(const ChildProcess& child)
      : WhenDone(*child.exited().state()), pid_(child.get_pid()) {}

 private:
  template <class>
  friend struct Shape;
  int pid_;
};
template <>
struct Shape<ExitWait> {
  static constexpr const char* kLabel = "Process.wait";
  static inline constinit WaitKind kind{.type = &typeid(ExitWait),
                                        .labels = &kLabel,
                                        .told = offsetof(ExitWait, task_),
                                        .awaited = offsetof(ExitWait, future_),
                                        .number_at = offsetof(ExitWait, pid_),
                                        .number_name = "pid"};
};

namespace {

const ShownKind kShowExitWait(Shape<ExitWait>::kind);

using ProcessPtr = std::shared_ptr<ProcessState>;

ProcessPtr start_process(Loop& loop, const std::vector<std::string>& argv,
                         const ProcessOptions& options) {
  auto streams = std::make_shared<ProcessStreams>();
  auto state = std::make_shared<ProcessState>(ChildProcess::start(loop, streams, argv, options));
  for (int fd = 0; fd < 3; ++fd) {
    std::shared_ptr<Transport> pipe = state->child->get_pipe_transport(fd);
    if (!pipe) continue;
    StreamReaderProtocol& stream = streams->add(fd, options.limit);
    stream.set_transport(std::move(pipe));
    if (fd == 0)
      state->in.emplace(stream.writer());
    else
      (fd == 1 ? state->out : state->err).emplace(stream.reader());
  }
  return state;
}

Coro<int> wait_for_exit(std::shared_ptr<ChildProcess> child) {
  if (!child->get_returncode()) co_await ExitWait(*child);
  co_return *child->get_returncode();
}

Coro<> feed(ProcessPtr state, std::string input) {
  if (!state->in) co_return;
  try {
    if (!input.empty()) state->in->write(input);
    std::string().swap(input);
    co_await state->in->drain();
  } catch (const BrokenPipeError&) {  // the child has read enough
  } catch (const ConnectionResetError&) {}
  state->in->close();
}

Coro<std::string> read_all(ProcessPtr state, std::optional<StreamReader> ProcessState::* member) {
  std::optional<StreamReader>& reader = (*state).*member;
  if (!reader) co_return std::string();
  co_return co_await reader->read();
}

Coro<ProcessOutput> talk(ProcessPtr state, std::string input) {
  auto results = co_await gather(feed(state, std::move(input)), read_all(state, &ProcessState::out),
                                 read_all(state, &ProcessState::err));
  co_await wait_for_exit(state->child);
  co_return ProcessOutput{std::move(std::get<1>(results)), std::move(std::get<2>(results))};
}

// To the end; a cancellation of the caller comes after it.
Coro<int> until_reaped(std::shared_ptr<ChildProcess> child) {
  std::exception_ptr interrupted;
  while (!child->get_returncode()) {
    try {
      co_await ExitWait(*child);
    } catch (const CancelledError&) {
      interrupted = std::current_exception();
    }
  }
  if (interrupted) std::rethrow_exception(interrupted);
  co_return *child->get_returncode();
}

Coro<int> stop_child(std::shared_ptr<ChildProcess> child, Duration grace) {
  if (child->get_returncode()) co_return *child->get_returncode();
  child->terminate();
  std::exception_ptr interrupted;
  try {
    const auto code = co_await move_on_after(grace, wait_for_exit(child));
    if (code) co_return *code;
  } catch (const CancelledError&) {
    interrupted = std::current_exception();
  }
  child->kill();
  const int code = co_await until_reaped(child);
  if (interrupted) std::rethrow_exception(interrupted);
  co_return code;
}

[[noreturn]] void throw_no_pipe(const char* name, const ChildProcess& child) {
  throw RuntimeError(child.repr() + " has no pipe for " + name + "\n  instead: {." + name +
                     " = asyncio::PIPE} where it is created");
}

}  // namespace

std::vector<std::string> shell_argv(std::string command) {
  return {"/bin/sh", "-c", std::move(command)};
}

// connection_made() is called before this returns, as in Python.
Coro<std::shared_ptr<SubprocessTransport>> subprocess_exec(
    Loop& loop, std::shared_ptr<SubprocessProtocol> protocol, std::vector<std::string> argv,
    ProcessOptions options) {
  std::shared_ptr<ChildProcess> child =
      ChildProcess::start(loop, std::move(protocol), argv, options);
  Future<> made(loop);
  loop.call_soon([made] {
    if (!made.done()) made.set_result();
  });
  std::exception_ptr error;
  try {
    co_await made;
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    child->close();
    static_cast<void>(co_await until_reaped(child));
    std::rethrow_exception(error);
  }
  co_return child;
}

}  // namespace detail

using detail::ProcessState;

ProcessState& Process::state() const {
  if (!state_) throw RuntimeError("this Process is empty: nothing was assigned to it");
  return *state_;
}

int Process::pid() const { return state().child->get_pid(); }
std::optional<int> Process::returncode() const { return state().child->get_returncode(); }

ASYNCIO_CORO_WRAPPER Coro<int> Process::wait() const {
  return detail::wait_for_exit(state().child);
}
ASYNCIO_CORO_WRAPPER Coro<ProcessOutput> Process::communicate(std::string input) const {
  state();
  return detail::talk(state_, std::move(input));
}
ASYNCIO_CORO_WRAPPER Coro<int> Process::stop(Duration grace) const {
  return detail::stop_child(state().child, grace);
}

StreamWriter& Process::in() const {
  if (!state().in) detail::throw_no_pipe("in", *state().child);
  return *state().in;
}
StreamReader& Process::out() const {
  if (!state().out) detail::throw_no_pipe("out", *state().child);
  return *state().out;
}
StreamReader& Process::err() const {
  if (!state().err) detail::throw_no_pipe("err", *state().child);
  return *state().err;
}
bool Process::has_in() const noexcept { return state_ && state_->in; }
bool Process::has_out() const noexcept { return state_ && state_->out; }
bool Process::has_err() const noexcept { return state_ && state_->err; }

void Process::send_signal(int signal) const { state().child->send_signal(signal); }
void Process::terminate() const { send_signal(SIGTERM); }
void Process::kill() const { send_signal(SIGKILL); }

Coro<> Process::aenter() const { co_return; }
Coro<bool> Process::aexit(std::exception_ptr) const {
  if (returncode()) co_return false;
  kill();
  static_cast<void>(co_await detail::until_reaped(state().child));
  co_return false;
}

std::string Process::repr() const {
  return state_ ? "<Process " + std::to_string(pid()) + ">" : "<Process empty>";
}

Coro<Process> create_subprocess_exec(std::vector<std::string> argv, ProcessOptions options) {
  co_return Process(detail::start_process(get_running_loop(), argv, options));
}
ASYNCIO_CORO_WRAPPER Coro<Process> create_subprocess_exec(std::vector<std::string> argv) {
  return create_subprocess_exec(std::move(argv), ProcessOptions{});
}
ASYNCIO_CORO_WRAPPER Coro<Process> create_subprocess_shell(std::string command,
                                                           ProcessOptions options) {
  return create_subprocess_exec(detail::shell_argv(std::move(command)), std::move(options));
}
ASYNCIO_CORO_WRAPPER Coro<Process> create_subprocess_shell(std::string command) {
  return create_subprocess_shell(std::move(command), ProcessOptions{});
}

}  // namespace asyncio
