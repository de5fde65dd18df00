#include "asyncio/net/internal/connect.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <vector>

#include "asyncio/base/errors.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/net/dns.hpp"
#include "asyncio/net/internal/happy_eyeballs.hpp"

namespace asyncio::detail {
namespace {

// A connect in progress. Lives on the heap, so that the backend never points into a frame.
class PendingConnect final : public FdWatcher {
 public:
  PendingConnect(Loop& loop, FileDescriptor fd)
      : backend_(&loop.backend()), fd_(std::move(fd)), done_(loop) {
    done_.state()->set_purpose(FuturePurpose::connect);
  }
  PendingConnect(const PendingConnect&) = delete;
  PendingConnect& operator=(const PendingConnect&) = delete;
  ~PendingConnect() {
    if (fd_ && backend_ == nullptr) ::close(fd_.release());  // the backend went first
  }

  int fd() const noexcept { return fd_.get(); }
  const Future<>& done() const noexcept { return done_; }
  FileDescriptor release() noexcept { return std::move(fd_); }

  void on_ready(bool, bool writable) noexcept override {
    if (writable && !done_.done()) done_.set_result();
  }
  void on_backend_closed() noexcept override { backend_ = nullptr; }

 private:
  IoBackend* backend_;
  FileDescriptor fd_;
  Future<> done_;
};

[[noreturn]] void throw_connect_error(int error, const Address& peer) {
  if (peer.family() == Address::Family::unix_path)  // as Python: without the path
    std::rethrow_exception(make_os_error(
        error, ErrorText{"[Errno " + std::to_string(error) + "] " + std::strerror(error)},
        "connect", peer.path()));
  std::rethrow_exception(make_os_error(
      error, ErrorText{"[Errno " + std::to_string(error) + "] Connect call failed " + peer.repr()},
      "connect", peer.repr()));
}

// Cancels a task at the end of a scope; no effect where it is done.
template <class T>
class CancelScope {
 public:
  explicit CancelScope(Task<T> task) : task_(std::move(task)) {}
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;
  ~CancelScope() { task_.cancel(); }

 private:
  Task<T> task_;
};

std::string message_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& known) {
    return known.what();
  }
}

// Python's rule: one error, or several that read the same, as it is; else all in one sentence.
[[noreturn]] void throw_all(const std::vector<std::exception_ptr>& errors) {
  if (errors.empty())  // a resolver of the user's that found nothing and did not say so
    throw OSError(EADDRNOTAVAIL, ErrorText{"getaddrinfo() returned empty list"}, "connect");
  const std::string first = message_of(errors.front());
  std::string all = "Multiple exceptions: " + first;
  bool same = true;
  for (std::size_t i = 1; i < errors.size(); ++i) {
    const std::string text = message_of(errors[i]);
    same = same && text == first;
    all += ", " + text;
  }
  if (same) std::rethrow_exception(errors.front());
  int code = 0;
  try {
    std::rethrow_exception(errors.front());
  } catch (const OSError& error) {
    code = error.error_number();
  } catch (...) {
    std::rethrow_exception(errors.front());
  }
  // C++: the type of the first, so that a caller can still catch ConnectionRefusedError.
  std::rethrow_exception(make_os_error(code, ErrorText{all}, "connect"));
}

Coro<std::vector<Address>> resolve_before(Loop& loop, std::string host, int port,
                                          ResolveOptions options, TimePoint deadline) {
  if (deadline == TimePoint::max() || Address::parse(host, port))
    co_return co_await resolve(std::move(host), port, options);
  const std::string what = "resolving " + host;
  Future<std::vector<Address>> answer(loop);
  answer.state()->set_purpose(FuturePurpose::look_up);
  Task<std::vector<Address>> lookup = create_task(resolve(std::move(host), port, options));
  const DeadlineScope scope(loop, deadline, answer, what);
  // However this ends, the lookup does not go on.
  const CancelScope cancel(lookup);
  lookup.add_done_callback([answer](const Task<std::vector<Address>>& task) {
    if (answer.done()) {  // too late; the error, where there is one, interests nobody
      if (!task.cancelled()) static_cast<void>(task.exception());
    } else if (task.cancelled()) {
      answer.cancel();
    } else if (std::exception_ptr error = task.exception()) {
      answer.set_exception(error);
    } else {
      answer.set_result(task.result());
    }
  });
  co_return co_await answer;
}

// Binds to the first local address of the peer's family that can be had, as Python does.
void bind_to_one_of(IoBackend& backend, int fd, const std::vector<Address>& locals,
                    const Address& peer, std::vector<std::exception_ptr>* errors) {
  std::exception_ptr last;
  for (const Address& local : locals) {
    if (local.family() != peer.family()) continue;
    if (last && errors != nullptr) errors->push_back(last);
    try {
      bind_socket(backend, fd, local);
      return;
    } catch (const OSError&) {
      last = std::current_exception();
    }
  }
  if (last) std::rethrow_exception(last);
  const int family = peer.family() == Address::Family::ipv6 ? AF_INET6 : AF_INET;
  throw OSError(EADDRNOTAVAIL,
                ErrorText{"no matching local address with family=" + std::to_string(family) +
                          " found\n  peer: " + peer.repr()},
                "bind");
}

// Where to connect from. A port without a host is a port of every interface.
Coro<std::vector<Address>> local_addresses(Loop& loop, const ConnectOptions& options,
                                           TimePoint deadline) {
  co_return co_await resolve_before(loop, options.local_host, options.local_port,
                                    {.passive = true, .family = options.family}, deadline);
}

}  // namespace

TimePoint deadline_after(Loop& loop, Duration timeout) {
  if (timeout >= std::chrono::hours(24 * 365 * 100)) return TimePoint::max();
  return loop.time() + timeout;
}

Coro<ConnectedSocket> connect_to(Loop& loop, Address peer, ConnectPlan plan,
                                 std::vector<std::exception_ptr>* errors) {
  IoBackend& backend = loop.backend();
  FileDescriptor fd = make_stream_socket(backend, peer.family(), {.keep_alive = plan.keep_alive});
  if (plan.has_local) bind_to_one_of(backend, fd.get(), plan.locals, peer, errors);
  auto pending = std::make_unique<PendingConnect>(loop, std::move(fd));
  int result = backend.connect(pending->fd(), peer.to_system());
  if (result == -EINPROGRESS) {
    backend.watch_writable(pending->fd(), *pending);
    {
      const DeadlineScope scope(loop, plan.deadline, pending->done(),
                                "connecting to " + peer.repr());
      co_await pending->done();
    }
    result = backend.connect_result(pending->fd());
    // What comes next watches the same fd; edges seen so far must not be lost with this watcher.
    if (result == 0) backend.forget(pending->fd());
  }
  if (result != 0) throw_connect_error(-result, peer);
  co_return ConnectedSocket{pending->release(), std::move(peer)};
}

Coro<ConnectedSocket> connect_by_name(Loop& loop, std::string host, int port,
                                      ConnectOptions options) {
  ConnectPlan plan{.keep_alive = options.keep_alive,
                   .deadline = deadline_after(loop, options.timeout)};
  std::vector<Address> addresses = co_await resolve_before(
      loop, std::move(host), port, {.family = options.family}, plan.deadline);
  if (!options.local_host.empty() || options.local_port != 0) {
    plan.has_local = true;
    plan.locals = co_await local_addresses(loop, options, plan.deadline);
  }
  const int first_count =
      options.interleave.value_or(options.happy_eyeballs_delay.has_value() ? 1 : 0);
  if (first_count > 0)
    addresses = interleaved(std::move(addresses), static_cast<std::size_t>(first_count));
  RaceResult result;
  if (options.happy_eyeballs_delay && addresses.size() > 1)
    result = co_await connect_in_a_race(loop, std::move(addresses), std::move(plan),
                                        *options.happy_eyeballs_delay);
  else
    result = co_await connect_in_a_row(loop, std::move(addresses), std::move(plan));
  if (result.winner) co_return *std::move(result.winner);
  if (options.all_errors && !result.errors.empty())
    throw ExceptionGroup("create_connection failed", std::move(result.errors));
  throw_all(result.errors);
}

ASYNCIO_CORO_WRAPPER Coro<ConnectedSocket> connect_by_path(Loop& loop, std::string path,
                                                           ConnectOptions options) {
  return connect_to(
      loop, Address::of_path(path),
      {.keep_alive = options.keep_alive, .deadline = deadline_after(loop, options.timeout)},
      nullptr);
}

ConnectedSocket adopt_socket(Loop& loop, int fd) {
  IoBackend& backend = loop.backend();
  if (!is_stream_socket(backend, fd))
    throw ValueError("A Stream Socket was expected, got fd " + std::to_string(fd));
  set_nonblocking(backend, fd);
  return {FileDescriptor(fd, &backend), peer_name(backend, fd)};
}

}  // namespace asyncio::detail
