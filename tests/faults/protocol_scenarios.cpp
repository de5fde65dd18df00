// Protocols, datagrams, Unix sockets, sock_*, readers and writers.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <span>

#include "scenarios.hpp"

namespace asyncio::fault_test {
namespace {

// ---- protocols

class EchoProtocol : public Protocol {
 public:
  void connection_made(Transport& transport) override { transport_ = &transport; }
  void data_received(std::string_view data) override { transport_->write(data); }
  void connection_lost(std::exception_ptr) override { transport_ = nullptr; }

 private:
  Transport* transport_ = nullptr;
};

class Collector : public Protocol {
 public:
  explicit Collector(std::size_t wanted) : wanted_(wanted) {}
  void connection_made(Transport& transport) override { transport_ = &transport; }
  void data_received(std::string_view data) override { add(data); }
  void connection_lost(std::exception_ptr error) override {
    transport_ = nullptr;
    if (!lost_.done()) lost_.set_result();
    if (done_.done()) return;
    if (error)
      done_.set_exception(error);
    else
      done_.set_exception(ConnectionError(ECONNRESET, "recv"));
  }
  Coro<> wait_for_all() {
    const Future<> done = done_;
    co_await wait_for(done, 60s);
  }
  Coro<> wait_until_lost() {
    const Future<> lost = lost_;
    co_await wait_for(lost, 60s);
  }
  const std::string& got() const { return got_; }
  Transport* transport() const { return transport_; }

 protected:
  void add(std::string_view data) {
    got_ += data;
    if (got_.size() >= wanted_ && !done_.done()) done_.set_result();
  }

 private:
  std::size_t wanted_;
  std::string got_;
  Transport* transport_ = nullptr;
  Future<> done_;
  Future<> lost_;
};

// The same, into a buffer of its own.
class BufferedCollector final : public BufferedProtocol {
 public:
  explicit BufferedCollector(std::size_t wanted) : wanted_(wanted) {}
  std::span<char> get_buffer(std::size_t) override { return room_; }
  void buffer_updated(std::size_t received) override {
    got_.append(room_.data(), received);
    if (got_.size() >= wanted_ && !done_.done()) done_.set_result();
  }
  void connection_lost(std::exception_ptr error) override {
    if (!done_.done())
      done_.set_exception(error ? error : std::make_exception_ptr(EOFError("cut off")));
  }
  Coro<> wait_for_all() {
    const Future<> done = done_;
    co_await wait_for(done, 60s);
  }
  const std::string& got() const { return got_; }

 private:
  std::size_t wanted_;
  std::array<char, 100> room_{};
  std::string got_;
  Future<> done_;
};

Coro<> protocols() {
  Loop& loop = get_running_loop();
  Server server =
      co_await loop.create_server([] { return std::make_shared<EchoProtocol>(); }, "127.0.0.1", 0);
  const std::string message = pattern(50'000);
  auto made = co_await loop.create_connection(
      [&] { return std::make_shared<Collector>(message.size()); }, "127.0.0.1", port_of(server));
  made.first->write(message);
  co_await made.second->wait_for_all();
  expect(made.second->got() == message, "the echo");
  made.first->close();
  co_await made.second->wait_until_lost();
  server.close();
  co_await wait_for(server.wait_closed(), 10s);
}

Coro<> buffered_protocols() {
  Loop& loop = get_running_loop();
  Server server = co_await echo_server();
  const std::string message = pattern(5'000);
  auto made = co_await loop.create_connection(
      [&] { return std::make_shared<BufferedCollector>(message.size()); }, "127.0.0.1",
      port_of(server));
  made.first->write(message);
  co_await made.second->wait_for_all();
  expect(made.second->got() == message, "the echo");
  made.first->close();
  server.close();
  co_await wait_for(server.wait_closed(), 10s);
}

Coro<> reading_is_paused() {
  Loop& loop = get_running_loop();
  Server server = co_await echo_server();
  const std::string message = pattern(3'000);
  auto made = co_await loop.create_connection(
      [&] { return std::make_shared<Collector>(3 * message.size()); }, "127.0.0.1",
      port_of(server));
  for (int i = 0; i < 3; ++i) {
    made.first->pause_reading();
    made.first->write(message);
    co_await sleep(10ms);
    made.first->resume_reading();
    co_await sleep(10ms);
  }
  co_await made.second->wait_for_all();
  expect(made.second->got() == message + message + message, "all, in order");
  made.first->abort();
  co_await made.second->wait_until_lost();
  server.close();
  co_await wait_for(server.wait_closed(), 10s);
}

// ---- Unix sockets

Coro<> unix_echo() {
  const std::string path = "/tmp/asyncio_faults_" + std::to_string(::getpid()) + ".sock";
  Server server = co_await start_unix_server(echo, path);
  auto [reader, writer] = co_await open_unix_connection(path);
  const std::string message = pattern(10'000);
  for (int i = 0; i < 20; ++i) {
    writer.write(message);
    expect(co_await reader.readexactly(message.size()) == message, "the echo");
  }
  co_await finish(std::move(writer), server);
}

// ---- datagrams

Coro<> datagram_echo() {
  DatagramSocket one = co_await open_datagram({.local_host = "127.0.0.1"});
  DatagramSocket two = co_await open_datagram({.local_host = "127.0.0.1"});
  if (one.address().port() == 0) throw EOFError("no name");
  for (int i = 0; i < 40; ++i) {
    const std::string text = "datagram " + std::to_string(i);
    co_await one.sendto(text, two.address());
    const Datagram got = co_await wait_for(two.recvfrom(), 5s);
    expect(got.data == text, "the datagram");
    expect(got.from == one.address(), "its sender");
    co_await two.sendto("re: " + text, got.from);
    expect((co_await wait_for(one.recvfrom(), 5s)).data == "re: " + text, "the answer");
  }
  one.close();
  two.close();
}

Coro<> connected_datagrams() {
  DatagramSocket hub = co_await open_datagram({.local_host = "127.0.0.1"});
  DatagramSocket spoke =
      co_await open_datagram({.remote_host = "127.0.0.1", .remote_port = hub.address().port()});
  for (int i = 0; i < 40; ++i) co_await spoke.send(std::to_string(i));
  for (int last = -1; last < 39;) {
    const int next = std::stoi((co_await wait_for(hub.recvfrom(), 5s)).data);
    expect(next == last + 1 || next == last + 2, "in order, one lost at most");
    last = next;
  }
  hub.close();
  spoke.close();
}

class DatagramCollector final : public DatagramProtocol {
 public:
  void datagram_received(std::string_view data, const Address&) override {
    ++received;
    bytes += data.size();
  }
  void error_received(std::exception_ptr) override { ++errors; }
  int received = 0;
  int errors = 0;
  std::size_t bytes = 0;
};

Coro<> datagram_protocols() {
  Loop& loop = get_running_loop();
  auto receiver = co_await loop.create_datagram_endpoint(
      [] { return std::make_shared<DatagramCollector>(); }, {.local_host = "127.0.0.1"});
  auto sender = co_await loop.create_datagram_endpoint(
      [] { return std::make_shared<DatagramCollector>(); }, {.local_host = "127.0.0.1"});
  const Address to = receiver.first->sockname();
  if (to.port() == 0) throw EOFError("no name");
  for (int i = 0; i < 60; ++i) sender.first->sendto("0123456789", to);
  for (int i = 0; i < 20 && receiver.second->received < 60; ++i) co_await sleep(10ms);
  const int lost = 60 - receiver.second->received;
  expect(receiver.second->bytes == 10U * static_cast<unsigned>(receiver.second->received), "whole");
  expect(lost <= 1 || lost == 60, "one fault loses one datagram, or closes the socket");
  if (lost != 0) throw EOFError("lost");
  receiver.first->close();
  sender.first->abort();
  co_await sleep(1ms);
}

// ---- sockets of the caller's own

// A socket that is closed, through the backend, at the end of a scope.
class OwnSocket {
 public:
  OwnSocket() : backend_(get_running_loop().backend()) {
    fd_ = backend_.open_socket(AF_INET, SOCK_STREAM);
    if (fd_ < 0) throw_os_error(-fd_, "socket");
  }
  explicit OwnSocket(int fd) : backend_(get_running_loop().backend()), fd_(fd) {}
  OwnSocket(const OwnSocket&) = delete;
  OwnSocket& operator=(const OwnSocket&) = delete;
  ~OwnSocket() { backend_.close(fd_); }
  int fd() const { return fd_; }

 private:
  detail::IoBackend& backend_;
  int fd_;
};

Coro<> plain_sockets() {
  Loop& loop = get_running_loop();
  Server server = co_await echo_server();
  const OwnSocket socket;
  const auto peer = Address::parse("127.0.0.1", port_of(server));
  co_await wait_for(loop.sock_connect(socket.fd(), *peer), 20s);
  const std::string message = pattern(40'000);
  Task<> sending = create_task(loop.sock_sendall(socket.fd(), message));
  std::string got;
  while (got.size() < message.size()) {
    const std::string part = co_await wait_for(loop.sock_recv(socket.fd(), 3000), 20s);
    if (part.empty()) throw EOFError("cut off");
    got += part;
  }
  co_await sending;
  expect(got == message, "the echo");
  server.close();
}

Coro<> plain_listener() {
  Loop& loop = get_running_loop();
  const OwnSocket listener;
  detail::IoBackend& backend = loop.backend();
  const detail::SocketAddress any = Address::parse("127.0.0.1", 0)->to_system();
  if (const int error = backend.bind(listener.fd(), any)) throw_os_error(-error, "bind");
  if (const int error = backend.listen(listener.fd(), 5)) throw_os_error(-error, "listen");
  detail::SocketAddress name;
  if (const int error = backend.socket_name(listener.fd(), name)) throw_os_error(-error, "name");
  Task<Connection> connecting =
      create_task(open_connection("127.0.0.1", Address::from_system(name).port()));
  const auto accepted = co_await wait_for(loop.sock_accept(listener.fd()), 20s);
  const OwnSocket served(accepted.first);
  Connection client = co_await std::move(connecting);
  client.writer.write("hello");
  client.writer.close();
  std::string got;
  for (;;) {
    const std::string part = co_await wait_for(loop.sock_recv(served.fd(), 100), 20s);
    if (part.empty()) break;
    got += part;
  }
  expect(std::string("hello").starts_with(got), "the greeting");
  if (got.size() < 5) throw EOFError("cut off");
}

Coro<> readers_and_writers() {
  Loop& loop = get_running_loop();
  int first = -1;
  int second = -1;
  const int error = loop.backend().open_socket_pair(first, second);
  if (error != 0) throw_os_error(-error, "socketpair");
  const OwnSocket one(first);
  const OwnSocket other(second);
  for (int i = 0; i < 40; ++i) {
    co_await wait_for(wait_writable(one.fd()), 5s);
    const std::int64_t sent = loop.backend().send(one.fd(), "p", 1);
    if (sent < 0 && sent != -EAGAIN) throw_os_error(static_cast<int>(-sent), "send");
    if (sent != 1) continue;
    co_await wait_for(wait_readable(other.fd()), 5s);
    std::array<char, 8> room{};
    std::string got;
    for (int k = 0; k < 5 && got.empty(); ++k) {
      const std::int64_t size = loop.backend().receive_into(other.fd(), room.data(), room.size());
      if (size < 0 && size != -EAGAIN) throw_os_error(static_cast<int>(-size), "recv");
      if (size > 0) got.append(room.data(), static_cast<std::size_t>(size));
    }
    expect(got == "p", "what the writer wrote");
  }
}

}  // namespace

std::vector<Scenario> protocol_scenarios() {
  return {
      {"protocols", protocols},
      {"buffered_protocols", buffered_protocols},
      {"reading_is_paused", reading_is_paused},
      {"unix_echo", unix_echo},
      {"datagram_echo", datagram_echo},
      {"connected_datagrams", connected_datagrams},
      {"datagram_protocols", datagram_protocols},
      {"plain_sockets", plain_sockets},
      {"plain_listener", plain_listener},
      {"readers_and_writers", readers_and_writers},
  };
}

}  // namespace asyncio::fault_test
