// server_state.hpp: the sockets that a server listens on, and the connections it has.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
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

// Lifetime: held by the handles, by its listeners while they listen, and by its connections.
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
  std::unique_ptr<Future<>> forever_;
  std::vector<Future<>> done_waiters_;
  std::string path_;
  std::uint64_t path_inode_ = 0;
  std::unique_ptr<OpenResource> resource_;  // in debug mode
  bool serving_ = false;
  bool closed_ = false;
};

}  // namespace asyncio::detail
