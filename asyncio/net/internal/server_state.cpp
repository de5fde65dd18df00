#include "asyncio/net/internal/server_state.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "asyncio/base/errors.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/core/services.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/net/internal/socket_transport.hpp"

namespace asyncio::detail {
namespace {

constexpr int kAcceptsInARow = 64;
constexpr Duration kAcceptRetryDelay = std::chrono::seconds(1);

bool out_of_resources(int error) noexcept {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// What the network did to a connection before we took it (accept(2), "Error handling").
bool is_clients_fault(int error) noexcept {
  switch (error) {
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPERM:
      return true;
    default:
      return false;
  }
}

std::uint64_t inode_of(const std::string& path) noexcept {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

// One listening socket. Accepts in its turn of the ready queue.
class Listener final : public FdWatcher,
                       public Node,
                       public std::enable_shared_from_this<Listener> {
 public:
  Listener(ServerState& server, FileDescriptor fd)
      : scheduler_(server.loop().scheduler()),
        backend_(scheduler_.backend),
        fd_(std::move(fd)),
        name_(socket_name(*backend_, fd_.get())) {
    scheduler_.add_reference();
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    stop();
    if (Node::is_linked()) Node::unlink();
    scheduler_.drop_reference();
  }

  void start(std::shared_ptr<ServerState> server, int backlog);
  void stop() noexcept;
  void retry() noexcept {  // there may be room again
    if (paused_) queue();
  }
  const Address& name() const noexcept { return name_; }

  void run() override;
  void notify() noexcept override {}
  bool cancel_wait(const std::string&) override { return false; }
  void on_ready(bool, bool) noexcept override {
    if (!paused_) queue();  // else whoever ends the pause tries again
  }
  void on_backend_closed() noexcept override {
    const std::shared_ptr<ServerState> alive = std::move(server_);
    backend_ = nullptr;
    if (fd_) ::close(fd_.release());
  }

 private:
  bool accept_one();
  void hand_over(FileDescriptor fd, Address peer);
  void back_off(int error);
  void queue() noexcept {
    paused_ = false;
    if (!Node::is_linked()) scheduler_.push_ready(*this);
  }

  Scheduler& scheduler_;
  IoBackend* backend_;
  FileDescriptor fd_;
  Address name_;
  std::shared_ptr<ServerState> server_;  // while it listens
  TimerHandle retry_timer_;
  bool paused_ = false;          // until a connection is gone, or the timer comes
  bool has_complained_ = false;  // since nobody was left waiting
};

void Listener::start(std::shared_ptr<ServerState> server, int backlog) {
  set_no_delay(*backend_, fd_.get());  // accepted sockets inherit it: tcp(7)
  listen_on(*backend_, fd_.get(), backlog);
  backend_->watch(fd_.get(), *this);
  server_ = std::move(server);
}

void Listener::stop() noexcept {
  retry_timer_.cancel();
  if (scheduler_.backend == nullptr && fd_)
    ::close(fd_.release());  // it never listened, and its loop is gone
  fd_ = FileDescriptor();
  server_.reset();
}

void Listener::run() {
  const std::shared_ptr<Listener> alive = shared_from_this();
  for (int i = 0; i < kAcceptsInARow; ++i) {
    const std::shared_ptr<ServerState> server = server_;
    if (!server) return;
    if (server->is_full()) {
      paused_ = true;
      return;
    }
    ContextSlot context = server->context().slot();  // a copy, for each client
    ContextScope scope(&context);
    if (!accept_one()) return;
  }
  queue();  // there may be more; the others first
}

bool Listener::accept_one() {
  SocketAddress peer;
  const int fd = backend_->accept(fd_.get(), peer);
  if (fd >= 0) {
    hand_over(FileDescriptor(fd, backend_), Address::from_system(peer));
    return true;
  }
  const int error = -fd;
  if (error == EAGAIN || error == EWOULDBLOCK) {
    has_complained_ = false;
    return false;
  }
  if (is_clients_fault(error)) return true;
  back_off(error);
  return false;
}

// One client that cannot be served must not end the others' loop.
void Listener::hand_over(FileDescriptor fd, Address peer) {
  try {
    server_->accepted(std::move(fd), std::move(peer));
  } catch (const KeyboardInterrupt&) {
    throw;
  } catch (const SystemExit&) {
    throw;
  } catch (...) {
    scheduler_.report({.message = "Error on transport creation for incoming connection",
                       .exception = std::current_exception()});
  }
}

void Listener::back_off(int error) {
  if (!std::exchange(has_complained_, true)) {
    const char* const message = out_of_resources(error) ? "socket.accept() out of system resource"
                                                        : "socket.accept() failed";
    scheduler_.report({.message = message, .exception = make_os_error(error, "accept")});
  }
  paused_ = true;
  retry_timer_.cancel();
  const std::weak_ptr<Listener> self = weak_from_this();
  retry_timer_ = server_->loop().call_later(kAcceptRetryDelay, [self] {
    if (const auto listener = self.lock()) listener->retry();
  });
}

// ---- the server

ServerState::ServerState(Loop& loop, ServerOptions options, AcceptHandler accepted)
    : loop_(loop), options_(options), accepted_(std::move(accepted)), context_(copy_context()) {}

ServerState::~ServerState() { remove_path(); }

void ServerState::add_socket(FileDescriptor fd) {
  listeners_.push_back(std::make_shared<Listener>(*this, std::move(fd)));
}

void ServerState::start() {
  if (serving_ || closed_) return;
  serving_ = true;
  if (loop_.get_debug())
    resource_ = std::make_unique<OpenResource>(
        loop_.scheduler(), [this] { return closed_ ? std::string() : "server " + repr(); });
  for (const auto& listener : listeners_) listener->start(shared_from_this(), options_.backlog);
}

void ServerState::close() {
  if (closed_) return;
  const std::shared_ptr<ServerState> alive = shared_from_this();
  closed_ = true;
  serving_ = false;
  for (const auto& listener : listeners_) listener->stop();
  listeners_.clear();
  remove_path();
  if (forever_) {
    const std::unique_ptr<Future<>> forever = std::move(forever_);
    forever->cancel();
  }
  wake_if_done();
}

void ServerState::close_clients() {
  // close() queues what happens next, so the list stays as it is.
  for (ClientLink* link = clients_.first(); link != nullptr; link = clients_.after(*link))
    static_cast<SocketTransport*>(link)->close_politely();
}

void ServerState::abort_clients() {
  for (ClientLink* link = clients_.first(); link != nullptr; link = clients_.after(*link))
    static_cast<SocketTransport*>(link)->abort();
}

std::vector<Address> ServerState::sockets() const {
  std::vector<Address> names;
  for (const auto& listener : listeners_) names.push_back(listener->name());
  return names;
}

Future<> ServerState::serve_forever() {
  if (forever_)
    throw RuntimeError("server " + repr() + " is already being awaited on serve_forever()");
  if (closed_) throw RuntimeError("server " + repr() + " is closed");
  start();
  forever_ = std::make_unique<Future<>>(loop_);
  forever_->state()->set_purpose(FuturePurpose::serve);
  return *forever_;
}

Future<> ServerState::wait_done() {
  done_waiters_.emplace_back(loop_);
  done_waiters_.back().state()->set_purpose(FuturePurpose::server_close);
  return done_waiters_.back();
}

void ServerState::wake_if_done() noexcept {
  if (!is_done()) return;
  for (const Future<>& waiter : std::exchange(done_waiters_, {}))
    if (!waiter.done()) waiter.set_result();
}

void ServerState::attach(SocketTransport& transport) {
  clients_.push_back(transport);
  ++connections_;
}

void ServerState::detach(SocketTransport& transport) noexcept {
  IntrusiveList<ClientLink>::remove(transport);
  --connections_;
  for (const auto& listener : listeners_) listener->retry();
  wake_if_done();
}

void ServerState::set_path(std::string path) {
  path_ = std::move(path);
  path_inode_ = inode_of(path_);
}

void ServerState::remove_path() noexcept {
  if (path_.empty()) return;
  // Another server may have put its own socket there meanwhile.
  if (options_.cleanup_socket && path_inode_ != 0 && inode_of(path_) == path_inode_)
    ::unlink(path_.c_str());
  path_.clear();
}

std::string ServerState::repr() const {
  std::string text = "<Server sockets=(";
  bool first = true;
  for (const Address& address : sockets()) {
    if (!std::exchange(first, false)) text += ", ";
    text += address.repr();
  }
  return text + ")>";
}

}  // namespace asyncio::detail
