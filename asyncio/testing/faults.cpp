#include "asyncio/testing/faults.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "asyncio/base/errors.hpp"

namespace asyncio::testing {

using detail::FdWatcher;
using detail::FileCall;
using detail::IoBackend;
using detail::NameAnswer;
using detail::Received;
using detail::SocketAddress;

const std::vector<FaultOperation>& fault_operations() {
  static const std::vector<FaultOperation> operations{
      {"wait", {EINTR}},
      {"watch", {ENOMEM, ENOSPC}},
      {"watch_writable", {ENOMEM, ENOSPC}},
      {"watch_level", {ENOMEM, ENOSPC}},
      {"receive", {kShort, EAGAIN, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENETDOWN, ENOBUFS, ENOMEM}},
      {"receive_into", {kShort, EAGAIN, ECONNRESET, ETIMEDOUT, ENOMEM}},
      {"receive_from", {EAGAIN, ECONNREFUSED, EHOSTUNREACH, ENOMEM}},
      {"send",
       {kShort, EAGAIN, EPIPE, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENETDOWN, ENOBUFS, ENOMEM}},
      {"send_vectored", {kShort, EAGAIN, EPIPE, ECONNRESET, ENOBUFS, ENOMEM}},
      {"send_to",
       {EAGAIN, ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, EMSGSIZE, EPERM, ENOBUFS, ENOMEM}},
      {"send_file", {kShort, EAGAIN, EPIPE, ECONNRESET, EIO, EINVAL, ENOSYS, ENOMEM}},
      {"accept", {EAGAIN, ECONNABORTED, EPROTO, EPERM, EMFILE, ENFILE, ENOBUFS, ENOMEM}},
      {"connect",
       {EINPROGRESS, ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EADDRNOTAVAIL, EACCES, ECONNRESET}},
      {"connect_result", {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ECONNRESET}},
      {"shutdown_write", {ENOTCONN, ENOBUFS}},
      {"open_socket", {EMFILE, ENFILE, ENOBUFS, ENOMEM, EAFNOSUPPORT, EACCES}},
      {"open_socket_pair", {EMFILE, ENFILE}},
      {"bind", {EADDRINUSE, EADDRNOTAVAIL, EACCES}},
      {"listen", {EADDRINUSE, ENOBUFS}},
      {"set_nonblocking", {EPERM}},
      {"set_option", {ENOPROTOOPT, ENOMEM, EINVAL}},
      {"get_option", {ENOPROTOOPT, ENOBUFS}},
      {"socket_name", {ENOBUFS, ENOTCONN}},
      {"peer_name", {ENOBUFS, ENOTCONN}},
      {"file_open", {EINTR, EMFILE, ENFILE, ENOMEM, EACCES, ENOSPC, EROFS, EIO}},
      {"file_read", {kShort, EINTR, EIO, ENOMEM}},
      {"file_write", {kShort, EINTR, ENOSPC, EDQUOT, EFBIG, EIO, ENOMEM}},
      {"file_sync", {EINTR, EIO, ENOSPC, EDQUOT}},
      {"file_status", {EINTR, EACCES, ENOMEM, EIO}},
      {"file_rename", {EINTR, ENOSPC, EXDEV, EROFS, EACCES}},
      {"file_remove", {EINTR, EBUSY, EROFS, EACCES}},
      {"file_make_folder", {EINTR, ENOSPC, EROFS, EACCES, EMLINK}},
      {"file_close", {EINTR, EIO, ENOSPC, EDQUOT}},
  };
  return operations;
}

// ---- the plan

bool FaultPlan::is_harmless() const noexcept {
  switch (fault_.error) {
    case kShort:
    case EAGAIN:
    case EINTR:
    case EINPROGRESS:
      return true;
    default:
      return false;
  }
}

bool FaultPlan::strikes(std::string_view operation) noexcept {
  ++calls_;
  if (operation != fault_.operation || ++seen_ != fault_.call) return false;
  injected_ = true;
  return true;
}

std::string FaultPlan::describe() const {
  if (fault_.operation.empty()) return "no fault";
  return "call " + std::to_string(fault_.call) + " of " + fault_.operation + ": " +
         (fault_.error == kShort ? "short" : std::strerror(fault_.error));
}

// ---- the backend

namespace {

// By FileCall::Kind.
constexpr std::array<const char*, FileCall::kKinds> kFileOperations{
    "file_open",   "file_read",   "file_write",       "file_sync", "file_status",
    "file_rename", "file_remove", "file_make_folder", "file_close"};

class FaultyBackend final : public IoBackend {
 public:
  FaultyBackend(std::unique_ptr<IoBackend> backend, std::shared_ptr<FaultPlan> plan)
      : plan_(std::move(plan)), inner_(std::move(backend)) {}
  FaultyBackend(const FaultyBackend&) = delete;
  FaultyBackend& operator=(const FaultyBackend&) = delete;
  ~FaultyBackend() override {
    for (const FileOutcome& each : files_) drop(each);
  }

  void wait(std::int64_t timeout_ns) override;
  void wake() noexcept override { inner_->wake(); }
  void watch(int fd, FdWatcher& watcher) override;
  void watch_writable(int fd, FdWatcher& watcher) override;
  void watch_level(int fd, FdWatcher& watcher, bool readable, bool writable) override;
  bool call_before_wait(int fd) noexcept override { return inner_->call_before_wait(fd); }
  void forget(int fd) noexcept override;
  void close(int fd) noexcept override;

  bool receives_ahead() const noexcept override { return inner_->receives_ahead(); }
  Received receive(int fd) override;
  std::int64_t receive_into(int fd, char* data, std::size_t size) noexcept override;
  std::int64_t receive_from(int fd, char* data, std::size_t size,
                            SocketAddress& from) noexcept override;
  std::int64_t send(int fd, const char* data, std::size_t size) noexcept override;
  std::int64_t send_vectored(int fd, const iovec* parts, std::size_t count) noexcept override;
  std::int64_t send_to(int fd, const char* data, std::size_t size,
                       const SocketAddress* to) noexcept override;
  std::int64_t send_file(int fd, int file, std::int64_t offset, std::size_t size) noexcept override;
  int accept(int fd, SocketAddress& peer) noexcept override;
  int connect(int fd, const SocketAddress& peer) noexcept override;
  int connect_result(int fd) noexcept override {
    return fails("connect_result", inner_->connect_result(fd));
  }
  int shutdown_write(int fd) noexcept override {
    return strikes("shutdown_write") ? -plan_->error() : inner_->shutdown_write(fd);
  }

  int open_socket(int family, int type) noexcept override {
    return strikes("open_socket") ? -plan_->error() : inner_->open_socket(family, type);
  }
  int open_socket_pair(int& first, int& second) noexcept override {
    return strikes("open_socket_pair") ? -plan_->error() : inner_->open_socket_pair(first, second);
  }
  int bind(int fd, const SocketAddress& name) noexcept override {
    return strikes("bind") ? -plan_->error() : inner_->bind(fd, name);
  }
  int listen(int fd, int backlog) noexcept override {
    return strikes("listen") ? -plan_->error() : inner_->listen(fd, backlog);
  }
  int set_nonblocking(int fd) noexcept override {
    return strikes("set_nonblocking") ? -plan_->error() : inner_->set_nonblocking(fd);
  }
  int set_option(int fd, int level, int option, const void* value,
                 unsigned size) noexcept override {
    return strikes("set_option") ? -plan_->error()
                                 : inner_->set_option(fd, level, option, value, size);
  }
  int get_option(int fd, int level, int option, void* value, unsigned& size) noexcept override {
    return strikes("get_option") ? -plan_->error()
                                 : inner_->get_option(fd, level, option, value, size);
  }
  int socket_name(int fd, SocketAddress& name) noexcept override {
    return strikes("socket_name") ? -plan_->error() : inner_->socket_name(fd, name);
  }
  int peer_name(int fd, SocketAddress& name) noexcept override {
    return strikes("peer_name") ? -plan_->error() : inner_->peer_name(fd, name);
  }
  bool offers(FileCall::Kind kind) noexcept override;
  void start(FileCall& call) override;
  bool has_socket_files() const noexcept override { return inner_->has_socket_files(); }
  bool look_up(const std::string& host, NameAnswer& answer) override {
    return inner_->look_up(host, answer);
  }
  const char* name() const noexcept override { return inner_->name(); }

 private:
  struct Watched {
    FdWatcher* watcher;
    bool writes;
    bool level;
  };

  // A call on a file that did not go to the inner backend.
  struct FileOutcome {
    FileCall* call;
    std::int64_t result;
  };
  static void drop(const FileOutcome& outcome) noexcept;
  void tell_files() noexcept;

  bool strikes(std::string_view operation) noexcept { return plan_->strikes(operation); }
  // An error that is there besides the call's own effect.
  int fails(std::string_view operation, int result) noexcept {
    return strikes(operation) ? -plan_->error() : result;
  }
  void throw_if_it_strikes(const char* operation) {
    if (strikes(operation)) throw_os_error(plan_->error(), operation);
  }
  // What was held back is announced in the next wait().
  std::int64_t announce(int fd, bool readable, std::int64_t result) noexcept {
    late_ = fd;
    late_reads_ = readable;
    return result;
  }
  bool is_stream(int fd) noexcept {
    int type = 0;
    unsigned size = sizeof type;
    return inner_->get_option(fd, SOL_SOCKET, SO_TYPE, &type, size) == 0 && type == SOCK_STREAM;
  }
  bool is_short() const noexcept { return plan_->error() == kShort; }
  std::int64_t refuse(int fd, bool readable) noexcept {
    return plan_->error() == EAGAIN ? announce(fd, readable, -EAGAIN) : -plan_->error();
  }

  std::shared_ptr<FaultPlan> plan_;
  std::unordered_map<int, Watched> watched_;
  int late_ = -1;  // one fault a run: one fd at most
  bool late_reads_ = false;
  char byte_ = 0;
  std::vector<FileOutcome> files_;
  std::unique_ptr<IoBackend> inner_;  // goes first: watchers may call us meanwhile
};

void FaultyBackend::wait(std::int64_t timeout_ns) {
  if (timeout_ns != 0 && strikes("wait")) return;  // only a sleep is interrupted
  inner_->wait(late_ >= 0 || !files_.empty() ? 0 : timeout_ns);
  tell_files();
  // Now, whether it was held back before or meanwhile: a loop that hears of nothing is idle, and
  // virtual time would pass.
  const auto found = watched_.find(std::exchange(late_, -1));
  if (found == watched_.end() || found->second.level) return;  // a level repeats itself
  const Watched& watched = found->second;
  if (late_reads_ || watched.writes) watched.watcher->on_ready(late_reads_, !late_reads_);
}

void FaultyBackend::watch(int fd, FdWatcher& watcher) {
  throw_if_it_strikes("watch");
  inner_->watch(fd, watcher);
  watched_[fd] = {&watcher, false, false};
}

void FaultyBackend::watch_writable(int fd, FdWatcher& watcher) {
  throw_if_it_strikes("watch_writable");
  inner_->watch_writable(fd, watcher);
  watched_[fd] = {&watcher, true, false};
}

void FaultyBackend::watch_level(int fd, FdWatcher& watcher, bool readable, bool writable) {
  if (readable || writable) throw_if_it_strikes("watch_level");
  inner_->watch_level(fd, watcher, readable, writable);
  if (readable || writable)
    watched_[fd] = {&watcher, writable, true};
  else
    watched_.erase(fd);
}

void FaultyBackend::forget(int fd) noexcept {
  watched_.erase(fd);
  inner_->forget(fd);
}

void FaultyBackend::close(int fd) noexcept {
  watched_.erase(fd);
  inner_->close(fd);
}

Received FaultyBackend::receive(int fd) {
  if (!strikes("receive")) return inner_->receive(fd);
  if (!is_short()) return {nullptr, refuse(fd, true)};
  const std::int64_t got = inner_->receive_into(fd, &byte_, 1);
  return {&byte_, got, got > 0};
}

std::int64_t FaultyBackend::receive_into(int fd, char* data, std::size_t size) noexcept {
  if (!strikes("receive_into")) return inner_->receive_into(fd, data, size);
  if (!is_short()) return refuse(fd, true);
  return announce(fd, true, inner_->receive_into(fd, data, 1));
}

std::int64_t FaultyBackend::receive_from(int fd, char* data, std::size_t size,
                                         SocketAddress& from) noexcept {
  return strikes("receive_from") ? refuse(fd, true) : inner_->receive_from(fd, data, size, from);
}

std::int64_t FaultyBackend::send(int fd, const char* data, std::size_t size) noexcept {
  if (!strikes("send")) return inner_->send(fd, data, size);
  return is_short() ? announce(fd, false, inner_->send(fd, data, size == 0 ? 0 : 1))
                    : refuse(fd, false);
}

std::int64_t FaultyBackend::send_vectored(int fd, const iovec* parts, std::size_t count) noexcept {
  if (!strikes("send_vectored")) return inner_->send_vectored(fd, parts, count);
  if (!is_short()) return refuse(fd, false);
  for (std::size_t i = 0; i < count; ++i)
    if (parts[i].iov_len > 0)
      return announce(fd, false, inner_->send(fd, static_cast<const char*>(parts[i].iov_base), 1));
  return 0;
}

std::int64_t FaultyBackend::send_to(int fd, const char* data, std::size_t size,
                                    const SocketAddress* to) noexcept {
  return strikes("send_to") ? refuse(fd, false) : inner_->send_to(fd, data, size, to);
}

std::int64_t FaultyBackend::send_file(int fd, int file, std::int64_t offset,
                                      std::size_t size) noexcept {
  if (!strikes("send_file")) return inner_->send_file(fd, file, offset, size);
  return is_short() ? announce(fd, false, inner_->send_file(fd, file, offset, 1))
                    : refuse(fd, false);
}

int FaultyBackend::accept(int fd, SocketAddress& peer) noexcept {
  return strikes("accept") ? static_cast<int>(refuse(fd, true)) : inner_->accept(fd, peer);
}

// ---- files. Where the inner backend leaves them to threads, which nobody sees from here, and the
// plan is about them, they are made here.

bool FaultyBackend::offers(FileCall::Kind kind) noexcept {
  return plan_->is_about_files() || inner_->offers(kind);
}

std::int64_t make_call(const FileCall& call) noexcept {
  switch (call.kind) {
    case FileCall::Kind::open:
      return ::open(call.path, call.flags, call.mode);
    case FileCall::Kind::read:
      return ::pread(call.fd, call.data, call.size, call.offset);
    case FileCall::Kind::write:
      return ::pwrite(call.fd, call.data, call.size, call.offset);
    case FileCall::Kind::sync:
      return ::fsync(call.fd);
    case FileCall::Kind::status:
      return ::statx(AT_FDCWD, call.path, call.flags, STATX_BASIC_STATS, call.status);
    case FileCall::Kind::rename:
      return ::rename(call.path, call.to);
    case FileCall::Kind::remove:
      return ::unlinkat(AT_FDCWD, call.path, call.flags);
    case FileCall::Kind::make_folder:
      return ::mkdir(call.path, call.mode);
    case FileCall::Kind::close:
      return ::close(call.fd);
  }
  return -1;
}

void FaultyBackend::start(FileCall& call) {
  const bool fails = strikes(kFileOperations[static_cast<std::size_t>(call.kind)]);
  if (fails && is_short()) call.size = std::min<std::size_t>(call.size, 1);
  if (fails && !is_short()) {
    files_.push_back({&call, -plan_->error()});
    if (call.kind == FileCall::Kind::close) ::close(call.fd);  // it is gone all the same
  } else if (inner_->offers(call.kind)) {
    inner_->start(call);
  } else {
    files_.push_back({&call, 0});
    const std::int64_t result = make_call(call);
    files_.back().result = result < 0 ? -errno : result;
  }
}

void FaultyBackend::tell_files() noexcept {
  for (const FileOutcome& each : std::exchange(files_, {})) each.call->on_done(each.result);
}

void FaultyBackend::drop(const FileOutcome& outcome) noexcept {
  if (outcome.call->kind == FileCall::Kind::open && outcome.result >= 0)
    ::close(static_cast<int>(outcome.result));
  outcome.call->on_backend_closed();
}

int FaultyBackend::connect(int fd, const SocketAddress& peer) noexcept {
  if (!strikes("connect")) return inner_->connect(fd, peer);
  if (plan_->error() != EINPROGRESS) return -plan_->error();
  const int result = inner_->connect(fd, peer);
  return result == 0 && is_stream(fd) ? -EINPROGRESS : result;  // others never take time
}

}  // namespace

std::unique_ptr<detail::IoBackend> with_faults(std::unique_ptr<detail::IoBackend> backend,
                                               std::shared_ptr<FaultPlan> plan) {
  return std::make_unique<FaultyBackend>(std::move(backend), std::move(plan));
}

}  // namespace asyncio::testing
