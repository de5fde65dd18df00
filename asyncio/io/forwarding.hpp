// forwarding.hpp: a backend that passes everything on to another one, to be derived from: override
// the operations that you want to see, refuse or delay. Python's way to the same end is a selector
// or an event loop policy of one's own. Guide: docs/guide/custom_loops.md.
//
//   class Counting final : public asyncio::ForwardingBackend {
//    public:
//     using ForwardingBackend::ForwardingBackend;
//     std::int64_t send(int fd, const char* data, std::size_t size) noexcept override {
//       ++sends;
//       return ForwardingBackend::send(fd, data, size);
//     }
//     int sends = 0;
//   };
//   asyncio::Loop loop({.make_backend = [] {
//     return std::make_unique<Counting>(asyncio::make_epoll_backend());
//   }});
#pragma once
#include <memory>
#include <string>
#include <utility>

#include "asyncio/io/backend.hpp"

namespace asyncio {

using detail::FdWatcher;
using detail::FileCall;
using detail::IoBackend;
using detail::make_epoll_backend;
using detail::NameAnswer;
using detail::Received;
using detail::SocketAddress;

// Threads: as IoBackend says.
class ForwardingBackend : public IoBackend {
 public:
  explicit ForwardingBackend(std::unique_ptr<IoBackend> inner) : inner_(std::move(inner)) {}

  void wait(std::int64_t timeout_ns) override { inner_->wait(timeout_ns); }
  void wake() noexcept override { inner_->wake(); }
  void watch(int fd, FdWatcher& watcher) override { inner_->watch(fd, watcher); }
  void watch_writable(int fd, FdWatcher& watcher) override { inner_->watch_writable(fd, watcher); }
  void watch_level(int fd, FdWatcher& watcher, bool readable, bool writable) override {
    inner_->watch_level(fd, watcher, readable, writable);
  }
  bool call_before_wait(int fd) noexcept override { return inner_->call_before_wait(fd); }
  void forget(int fd) noexcept override { inner_->forget(fd); }
  void close(int fd) noexcept override { inner_->close(fd); }

  bool receives_ahead() const noexcept override { return inner_->receives_ahead(); }
  Received receive(int fd) override { return inner_->receive(fd); }
  std::int64_t receive_into(int fd, char* data, std::size_t size) noexcept override {
    return inner_->receive_into(fd, data, size);
  }
  std::int64_t receive_from(int fd, char* data, std::size_t size,
                            SocketAddress& from) noexcept override {
    return inner_->receive_from(fd, data, size, from);
  }
  std::int64_t send(int fd, const char* data, std::size_t size) noexcept override {
    return inner_->send(fd, data, size);
  }
  std::int64_t send_vectored(int fd, const iovec* parts, std::size_t count) noexcept override {
    return inner_->send_vectored(fd, parts, count);
  }
  std::int64_t send_to(int fd, const char* data, std::size_t size,
                       const SocketAddress* to) noexcept override {
    return inner_->send_to(fd, data, size, to);
  }
  std::int64_t send_file(int fd, int file, std::int64_t offset,
                         std::size_t size) noexcept override {
    return inner_->send_file(fd, file, offset, size);
  }
  int accept(int fd, SocketAddress& peer) noexcept override { return inner_->accept(fd, peer); }
  int connect(int fd, const SocketAddress& peer) noexcept override {
    return inner_->connect(fd, peer);
  }
  int connect_result(int fd) noexcept override { return inner_->connect_result(fd); }
  int shutdown_write(int fd) noexcept override { return inner_->shutdown_write(fd); }

  int open_socket(int family, int type) noexcept override {
    return inner_->open_socket(family, type);
  }
  int open_socket_pair(int& first, int& second) noexcept override {
    return inner_->open_socket_pair(first, second);
  }
  int bind(int fd, const SocketAddress& address) noexcept override {
    return inner_->bind(fd, address);
  }
  int listen(int fd, int backlog) noexcept override { return inner_->listen(fd, backlog); }
  int set_nonblocking(int fd) noexcept override { return inner_->set_nonblocking(fd); }
  int set_option(int fd, int level, int option, const void* value,
                 unsigned size) noexcept override {
    return inner_->set_option(fd, level, option, value, size);
  }
  int get_option(int fd, int level, int option, void* value, unsigned& size) noexcept override {
    return inner_->get_option(fd, level, option, value, size);
  }
  int socket_name(int fd, SocketAddress& address) noexcept override {
    return inner_->socket_name(fd, address);
  }
  int peer_name(int fd, SocketAddress& address) noexcept override {
    return inner_->peer_name(fd, address);
  }
  bool offers(FileCall::Kind kind) noexcept override { return inner_->offers(kind); }
  void start(FileCall& call) override { inner_->start(call); }
  bool has_socket_files() const noexcept override { return inner_->has_socket_files(); }
  bool look_up(const std::string& host, NameAnswer& answer) override {
    return inner_->look_up(host, answer);
  }
  const char* name() const noexcept override { return inner_->name(); }
  void observe(detail::IoObserver* observer) noexcept override { inner_->observe(observer); }
  const detail::IoCounts& counts() const noexcept override { return inner_->counts(); }
  detail::IoObserver* observer() const noexcept override { return inner_->observer(); }
  void report(detail::IoOperation operation, int fd, std::int64_t result, std::int64_t start,
              bool aside) noexcept override {
    inner_->report(operation, fd, result, start, aside);
  }

 protected:
  IoBackend& inner() const noexcept { return *inner_; }

 private:
  std::unique_ptr<IoBackend> inner_;
};

}  // namespace asyncio
