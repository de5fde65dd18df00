#include "asyncio/os/internal/child.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/base/logging.hpp"
#include "asyncio/os/internal/pipe_transport.hpp"
#include "asyncio/os/internal/spawn.hpp"
#include "asyncio/sync/threads.hpp"

namespace asyncio::detail {
namespace {

int pidfd_open(pid_t pid) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U));  // CLOEXEC by itself
}

constexpr auto kPidfd = static_cast<idtype_t>(3);  // P_PIDFD, which glibc before 2.36 lacks

// What a pipe tells its child's protocol.
class PipeProtocol final : public Protocol {
 public:
  PipeProtocol(std::shared_ptr<ChildProcess> child, int fd) : child_(std::move(child)), fd_(fd) {}
  void data_received(std::string_view data) override {
    child_->tell([&](SubprocessProtocol& to) { to.pipe_data_received(fd_, data); });
  }
  void connection_lost(std::exception_ptr error) override {
    child_->pipe_lost(fd_, std::move(error));
  }
  void pause_writing() override {
    child_->tell([](SubprocessProtocol& to) { to.pause_writing(); });
  }
  void resume_writing() override {
    child_->tell([](SubprocessProtocol& to) { to.resume_writing(); });
  }

 private:
  std::shared_ptr<ChildProcess> child_;
  int fd_;
};

// The ends of a child's three streams: `theirs` as spawn() takes it, `ours` where it is a pipe.
class Streams {
 public:
  explicit Streams(const ProcessOptions& options) {
    const Redirect* const redirects[3] = {&options.in, &options.out, &options.err};
    for (int fd = 0; fd < 3; ++fd) open(fd, *redirects[fd]);
  }
  const int (&theirs() const noexcept)[3] { return theirs_; }
  std::array<OwnedFd, 3> ours;

 private:
  void open(int fd, const Redirect& redirect) {
    if (redirect.fd()) {
      if (*redirect.fd() < 0) throw ValueError("a child cannot have a negative fd");
      theirs_[fd] = *redirect.fd();
      return;
    }
    switch (redirect.kind()) {
      case Pipe::inherit:
        break;
      case Pipe::devnull:
        theirs_[fd] = kDevNull;
        break;
      case Pipe::to_stdout:
        if (fd != 2) throw ValueError("STDOUT can only be used for err");
        theirs_[fd] = kSameAsOut;
        break;
      case Pipe::pipe:
        PipeEnds ends = make_pipe();
        if (fd != 0) std::swap(ends.reading, ends.writing);
        set_fd_nonblocking(ends.writing.get());
        theirs_[fd] = ends.reading.get();
        kept_[static_cast<std::size_t>(fd)] = std::move(ends.reading);
        ours[static_cast<std::size_t>(fd)] = std::move(ends.writing);
    }
  }

  std::array<OwnedFd, 3> kept_;  // the child's ends, closed here once it runs
  int theirs_[3] = {kInherit, kInherit, kInherit};
};

}  // namespace

ChildProcess::ChildProcess(Loop& loop) : scheduler_(loop.scheduler()), exited_(loop) {
  exited_.state()->set_purpose(FuturePurpose::process);
  scheduler_.add_reference();
}

ChildProcess::~ChildProcess() { scheduler_.drop_reference(); }

std::shared_ptr<ChildProcess> ChildProcess::start(Loop& loop,
                                                  std::shared_ptr<SubprocessProtocol> protocol,
                                                  const std::vector<std::string>& argv,
                                                  const ProcessOptions& options) {
  auto child = std::make_shared<ChildProcess>(loop);
  child->protocol_ = std::move(protocol);
  child->context_ = current_context();
  Streams streams(options);
  child->pid_ = loop.backend().reported(IoOperation::spawn, -1,
                                        [&] { return spawn(argv, options, streams.theirs()); });
  child->name_ = argv.front();
  child->self_ = child;
  loop.services().members.push_back(*child);
  child->watch_exit();
  child->connect(std::move(streams.ours));
  child->queue(kMade);
  child->show_open();
  return child;
}

// In debug mode the loop names it where it goes on still when the loop is closed.
void ChildProcess::show_open() {
  if (!scheduler_.debug) return;
  resource_ = std::make_unique<OpenResource>(scheduler_, [this] {
    return closed_ || returncode_ ? std::string() : "transport " + repr();
  });
}

void ChildProcess::connect(std::array<OwnedFd, 3> ours) {
  for (int fd = 0; fd < 3; ++fd) {
    OwnedFd& end = ours[static_cast<std::size_t>(fd)];
    if (!end) continue;
    PipeEnd& pipe = pipes_[static_cast<std::size_t>(fd)];
    pipe.connected = true;
    auto protocol = std::make_shared<PipeProtocol>(shared_from_this(), fd);
    if (fd == 0) {
      auto writer = std::make_shared<PipeWriter>(scheduler_, std::move(end));
      pipe.transport = writer;
      writer->open(std::move(protocol));
    } else {
      auto reader = std::make_shared<PipeReader>(scheduler_, std::move(end));
      pipe.transport = reader;
      reader->open(std::move(protocol));
    }
  }
}

void ChildProcess::queue(Work work) noexcept {
  work_ |= work;
  if (!Node::is_linked()) scheduler_.push_ready(*this);
}

template <class Call>
void ChildProcess::tell(Call call) {
  const std::shared_ptr<SubprocessProtocol> protocol = protocol_;
  if (!protocol) return;
  ContextScope scope(&context_);
  try {
    call(*protocol);
  } catch (const KeyboardInterrupt&) {
    throw;
  } catch (const SystemExit&) {
    throw;
  } catch (...) {
    scheduler_.report({.message = "Exception in a callback of a SubprocessProtocol",
                       .exception = std::current_exception()});
  }
}

void ChildProcess::run() {
  const std::shared_ptr<ChildProcess> alive = self_;
  const std::uint8_t work = std::exchange(work_, std::uint8_t{0});
  if ((work & kMade) != 0) tell([this](SubprocessProtocol& to) { to.connection_made(*this); });
  if ((work & kExited) != 0) reap();
  if ((work & kLost) != 0) {
    self_.reset();
    LoopMember::unlink();
    tell([](SubprocessProtocol& to) { to.connection_lost(nullptr); });
    protocol_.reset();
  }
}

// ---- the end

void ChildProcess::watch_exit() {
  pidfd_ = OwnedFd(pidfd_open(pid_));
  if (!pidfd_) {
    watch_in_thread();
    return;
  }
  try {
    scheduler_.backend->watch_level(pidfd_.get(), *this, true, false);
    watching_ = true;
    scheduler_.poll_in_next_pass();
  } catch (...) {
    watch_in_thread();
  }
}

// Where there is no pidfd (a kernel before 5.3, no fd left): a thread waits, and leaves the reaping
// to the loop, so that the pid stays ours while somebody may send it a signal.
void ChildProcess::watch_in_thread() {
  ConcurrentFuture<> ended;
  std::thread([ended, pid = pid_] {
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 &&
           errno == EINTR) {}
    ended.state()->set_value();
  }).detach();
  Future<> seen = future_of(*scheduler_.loop, ended, false);
  seen.add_done_callback([child = std::weak_ptr(shared_from_this())](const Future<>&) {
    if (const auto alive = child.lock()) alive->reap();
  });
}

void ChildProcess::stop_watching() noexcept {
  if (std::exchange(watching_, false)) scheduler_.backend->forget(pidfd_.get());
  pidfd_ = OwnedFd();
}

// True where the child is gone; sets returncode_.
bool ChildProcess::try_wait(bool block) noexcept {
  siginfo_t info{};
  int result = 0;
  IoObserver* const observer =
      scheduler_.backend != nullptr ? scheduler_.backend->observer() : nullptr;
  const std::int64_t start = observer != nullptr ? observer->now() : 0;
  do {
    const idtype_t type = pidfd_ ? kPidfd : P_PID;
    const auto id = static_cast<id_t>(pidfd_ ? pidfd_.get() : pid_);
    result = ::waitid(type, id, &info, WEXITED | (block ? 0 : WNOHANG));
  } while (result != 0 && errno == EINTR);
  if (scheduler_.backend != nullptr && info.si_pid != 0)
    scheduler_.backend->report(IoOperation::wait_child, -1, pid_, start, false);
  if (result != 0) {               // SIGCHLD is ignored, or others reap what is not theirs
    constexpr int kUnknown = 255;  // as in Python
    returncode_ = kUnknown;
    logging::log(LogLevel::warning, "Unknown child process pid " + std::to_string(pid_) +
                                        ", will report returncode 255");
    return true;
  }
  if (info.si_pid == 0) return false;
  returncode_ = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
  return true;
}

void ChildProcess::reap() {
  if (returncode_ || !try_wait(false)) return;
  stop_watching();
  exited_.set_result();
  tell([](SubprocessProtocol& to) { to.process_exited(); });
  finish_if_done();
}

void ChildProcess::pipe_lost(int fd, std::exception_ptr error) {
  const std::shared_ptr<ChildProcess> alive = shared_from_this();
  tell([&](SubprocessProtocol& to) { to.pipe_connection_lost(fd, std::move(error)); });
  pipes_[static_cast<std::size_t>(fd)].connected = false;
  finish_if_done();
}

void ChildProcess::finish_if_done() {
  if (!returncode_ || finished_) return;
  for (const PipeEnd& pipe : pipes_)
    if (pipe.connected) return;
  finished_ = closed_ = true;
  queue(kLost);
}

// The loop is gone: nobody would reap the child, so it must not go on.
void ChildProcess::on_loop_destroyed() noexcept {
  const std::shared_ptr<ChildProcess> alive = std::move(self_);
  if (Node::is_linked()) Node::unlink();
  if (!returncode_) {
    const int error = signal_child(SIGKILL);
    const bool reaped = try_wait(error == 0);
    logging::log(LogLevel::warning,
                 repr() + (reaped ? " was killed: its event loop was closed"
                                  : " goes on without its event loop, and cannot be killed"));
  }
  stop_watching();
  finished_ = closed_ = true;
  protocol_.reset();
  for (PipeEnd& pipe : pipes_) pipe.transport.reset();
}

// ---- the transport

std::shared_ptr<Transport> ChildProcess::get_pipe_transport(int fd) const {
  return fd < 0 || fd > 2 ? nullptr : pipes_[static_cast<std::size_t>(fd)].transport;
}

int ChildProcess::signal_child(int signal) noexcept {
  if (returncode_) return 0;
  const long result = pidfd_ ? ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0U)
                             : ::kill(pid_, signal);
  return result == 0 ? 0 : errno;
}

void ChildProcess::send_signal(int signal) {
  if (finished_)
    std::rethrow_exception(make_os_error(ESRCH, ErrorText{""}, "kill", std::to_string(pid_)));
  const int error = signal_child(signal);
  if (error != 0 && error != ESRCH) throw_os_error(error, "kill");
}

void ChildProcess::terminate() { send_signal(SIGTERM); }
void ChildProcess::kill() { send_signal(SIGKILL); }

void ChildProcess::close() {
  if (closed_) return;
  closed_ = true;
  for (const PipeEnd& pipe : pipes_)
    if (pipe.transport) pipe.transport->close();
  signal_child(SIGKILL);  // one that may not be killed is left running, as in Python
}

void ChildProcess::set_protocol(std::shared_ptr<SubprocessProtocol> protocol) {
  protocol_ = std::move(protocol);
}

std::string ChildProcess::repr() const {
  std::string text = "<SubprocessTransport '" + name_ + "' pid=" + std::to_string(pid_);
  text += returncode_ ? " returncode=" + std::to_string(*returncode_) : " running";
  return text + ">";
}

}  // namespace asyncio::detail
