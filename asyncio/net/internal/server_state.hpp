// server_state.hpp: the sockets that a server listens on, and the connections it has.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/core/futures.hpp"
#include "asyncio/core/services.hpp"
#include "asyncio/core/tasks.hpp"
#include "asyncio/net/internal/sockets.hpp"
#include "asyncio/net/servers.hpp"

namespace asyncio::detail {

class SocketTransport;
struct ClientLink;
class Listener;

// What becomes of an accepted connection.
using AcceptHandler = std::function<void(ServerState&, FileDescriptor, Address)>;

// Lifetime: held by the handles, by its listeners while they listen, and by its connections and
// their tasks, which have a ServerUse.
class ServerState : public std::enable_shared_from_this<ServerState> {
 public:
  ServerState(Loop& loop, ServerOptions options, AcceptHandler accepted);
  ~ServerState();
  ServerState(const ServerState&) = delete;
  ServerState& operator=(const ServerState&) = delete;

  void add_socket(FileDescriptor fd);
  void start();
  void close();
  void close_clients();
  void abort_clients();
  bool is_serving() const noexcept { return serving_; }
  bool is_closed() const noexcept { return closed_; }
  std::vector<Address> sockets() const;
  Future<> serve_forever();  // pending until close(), or its cancellation
  void end_serve_forever() noexcept { forever_.reset(); }
  bool is_done() const noexcept { return closed_ && connections_ == 0; }
  Future<> wait_done();  // one for each waiter: cancelling it disturbs nobody else
  std::string repr() const;
  void set_path(std::string path);  // removed on close, where it is still ours

  // ---- for listeners and connections
  void accepted(FileDescriptor fd, Address peer) { accepted_(*this, std::move(fd), peer); }
  void attach(SocketTransport& transport);
  void detach(SocketTransport& transport) noexcept;
  Loop& loop() const noexcept { return loop_; }
  const ServerOptions& options() const noexcept { return options_; }
  bool is_full() const noexcept {
    return options_.max_connections != 0 && connections_ >= options_.max_connections;
  }
  const Context& context() const noexcept { return context_; }
  void add_user() {
    if (users_++ == 0) used_ = shared_from_this();
  }
  void drop_user() noexcept {
    if (--users_ != 0) return;
    const std::shared_ptr<ServerState> last = std::move(used_);
  }

 private:
  friend class Listener;
  void wake_if_done() noexcept;
  void remove_path() noexcept;

  Loop& loop_;
  ServerOptions options_;
  AcceptHandler accepted_;
  Context context_;  // of whoever started the server: its handlers run in copies of it
  std::vector<std::shared_ptr<Listener>> listeners_;
  IntrusiveList<ClientLink> clients_;
  std::size_t connections_ = 0;
  std::size_t users_ = 0;
  std::shared_ptr<ServerState> used_;  // itself, while it has users
  std::unique_ptr<Future<>> forever_;
  std::vector<Future<>> done_waiters_;
  std::string path_;
  std::uint64_t path_inode_ = 0;
  std::unique_ptr<OpenResource> resource_;  // in debug mode
  bool serving_ = false;
  bool closed_ = false;
};

// Holds a server by one pointer: each connection has two of them.
class ServerUse {
 public:
  ServerUse() = default;
  explicit ServerUse(ServerState& server) : server_(&server) { server.add_user(); }
  ServerUse(const ServerUse& other) : server_(other.server_) {
    if (server_ != nullptr) server_->add_user();
  }
  ServerUse(ServerUse&& other) noexcept : server_(std::exchange(other.server_, nullptr)) {}
  ServerUse& operator=(ServerUse other) noexcept {
    std::swap(server_, other.server_);
    return *this;
  }
  ~ServerUse() {
    if (server_ != nullptr) server_->drop_user();
  }
  explicit operator bool() const noexcept { return server_ != nullptr; }
  ServerState* operator->() const noexcept { return server_; }

 private:
  ServerState* server_ = nullptr;
};

}  // namespace asyncio::detail
