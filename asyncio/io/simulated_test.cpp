#include "asyncio/io/simulated.hpp"

#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio/io/internal/simulated_world.hpp"

using namespace std::chrono_literals;

namespace asyncio::detail {
namespace {

using Host = SimulatedNetwork::Host;

class Watcher final : public FdWatcher {
 public:
  void on_ready(bool readable, bool writable) noexcept override {
    events += readable ? "r" : "";
    events += writable ? "w" : "";
    events += ".";
  }
  void on_hangup() noexcept override { events += "h"; }
  void on_backend_closed() noexcept override { events += "closed"; }
  std::string take() { return std::exchange(events, {}); }
  std::string events;
};

SocketAddress address(const std::string& host, std::uint16_t port) {
  Endpoint endpoint = Endpoint::parse(host);
  endpoint.port = port;
  SocketAddress written;
  endpoint.write(written);
  return written;
}

// A network with its backend, and the few steps that every test takes.
class Simulated : public ::testing::Test {
 protected:
  explicit Simulated(SimulationOptions options = {})
      : network(std::make_shared<SimulatedNetwork>(options)) {
    network->set_current_host([this] { return here; });
    backend = network->make_backend();
  }

  Duration elapsed() { return network->now() - start; }
  void settle() {  // until nothing is under way
    while (!network->is_quiet()) step();
  }
  int listen_on(Host host, std::uint16_t port, int backlog = 5) {
    here = host;
    const int fd = backend->open_socket(AF_INET, SOCK_STREAM);
    EXPECT_EQ(backend->bind(fd, address("0.0.0.0", port)), 0);
    EXPECT_EQ(backend->listen(fd, backlog), 0);
    return fd;
  }
  int dial(Host from, const std::string& to, std::uint16_t port) {
    here = from;
    const int fd = backend->open_socket(AF_INET, SOCK_STREAM);
    EXPECT_EQ(backend->connect(fd, address(to, port)), -EINPROGRESS);
    backend->watch_writable(fd, watcher);
    return fd;
  }
  // Lets time pass as a loop without timers does.
  void step() { backend->wait(network->is_quiet() ? 0 : IoBackend::kForever); }
  int accept(int listener) {
    SocketAddress peer;
    for (int i = 0; i < 10; ++i) {
      const int fd = backend->accept(listener, peer);
      if (fd != -EAGAIN) return fd;
      step();
    }
    return -EAGAIN;
  }
  std::int64_t send(int fd, const std::string& data) {
    return backend->send(fd, data.data(), data.size());
  }
  // All that is there now, and "|end" or "|errno" behind it.
  std::string drain(int fd) {
    std::string all;
    for (;;) {
      const Received got = backend->receive(fd);
      if (got.size == -EAGAIN) return all;
      if (got.size == 0) return all + "|end";
      if (got.size < 0) return all + "|" + std::to_string(-got.size);
      all.append(got.data, static_cast<std::size_t>(got.size));
    }
  }
  std::string drain_in_time(int fd, int steps = 200) {
    std::string all = drain(fd);
    for (int i = 0; i < steps && all.find('|') == std::string::npos; ++i) {
      step();
      all += drain(fd);
    }
    return all;
  }

  std::shared_ptr<SimulatedNetwork> network;
  Host here = SimulatedNetwork::kLocalhost;
  Watcher watcher;  // outlives the backend, which tells it that it ends
  std::unique_ptr<IoBackend> backend;
  TimePoint start = network->now();
};

class SimulatedHosts : public Simulated {
 protected:
  explicit SimulatedHosts(SimulationOptions options = {}) : Simulated(options) {
    alpha = network->add_host("alpha");
    beta = network->add_host("beta");
  }
  void connect_both() {
    listener = listen_on(beta, 80);
    client = dial(alpha, network->address_of(beta), 80);
    served = accept(listener);
    ASSERT_GE(served, IoBackend::kFirstSimulated);
    watcher.take();
  }
  Host alpha = 0;
  Host beta = 0;
  int listener = -1;
  int client = -1;
  int served = -1;
};

TEST_F(SimulatedHosts, a_connection_knows_both_names_and_carries_bytes_both_ways) {
  connect_both();
  SocketAddress name;
  EXPECT_EQ(backend->peer_name(client, name), 0);
  EXPECT_EQ(Endpoint::from(name).port, 80);
  EXPECT_EQ(std::memcmp(name.bytes, address(network->address_of(beta), 80).bytes, 8), 0);
  SocketAddress own;
  EXPECT_EQ(backend->socket_name(client, own), 0);
  EXPECT_EQ(backend->peer_name(served, name), 0);
  EXPECT_EQ(std::memcmp(name.bytes, own.bytes, 8), 0);
  EXPECT_EQ(send(client, "question"), 8);
  EXPECT_EQ(drain_in_time(served, 1), "question");
  EXPECT_EQ(send(served, "answer"), 6);
  EXPECT_EQ(drain_in_time(client, 1), "answer");
}

TEST_F(SimulatedHosts, nobody_listens_and_the_connection_is_refused) {
  const int fd = dial(alpha, network->address_of(beta), 81);
  step();
  step();
  EXPECT_EQ(watcher.take(), "rw.");
  EXPECT_EQ(backend->connect_result(fd), -ECONNREFUSED);
  EXPECT_EQ(backend->connect_result(fd), 0);  // said once
}

TEST_F(SimulatedHosts, an_address_that_nobody_has_is_unreachable_after_a_while) {
  const int fd = dial(alpha, "10.9.9.9", 80);
  step();
  EXPECT_EQ(backend->connect_result(fd), -EHOSTUNREACH);
  EXPECT_EQ(elapsed(), 3s);
}

TEST_F(SimulatedHosts, a_loopback_belongs_to_its_host_alone) {
  listen_on(beta, 80);
  const int fd = dial(alpha, "127.0.0.1", 80);
  step();
  step();
  EXPECT_EQ(backend->connect_result(fd), -ECONNREFUSED);
}

TEST_F(SimulatedHosts, latency_counts_for_each_way) {
  network->set_default_link({.latency = 10ms});
  connect_both();
  EXPECT_EQ(elapsed(), 30ms);  // the three ways of the handshake
  send(client, "x");
  EXPECT_EQ(drain_in_time(served), "x");
  EXPECT_EQ(elapsed(), 40ms);
}

TEST_F(SimulatedHosts, bandwidth_spreads_bytes_over_time) {
  connect_both();
  network->set_link(alpha, beta, {.bytes_per_second = 1000});
  send(client, std::string(500, 'x'));
  send(client, std::string(500, 'y'));
  EXPECT_EQ(drain_in_time(served, 1).size(), 500U);
  EXPECT_EQ(elapsed(), 500ms);
  EXPECT_EQ(drain_in_time(served, 1).size(), 500U);
  EXPECT_EQ(elapsed(), 1s);
}

TEST_F(SimulatedHosts, a_half_close_ends_one_direction) {
  connect_both();
  backend->watch(served, watcher);
  send(client, "last");
  EXPECT_EQ(backend->shutdown_write(client), 0);
  EXPECT_EQ(drain_in_time(served), "last|end");
  EXPECT_EQ(watcher.take(), "hr.");
  EXPECT_EQ(send(client, "x"), -EPIPE);
  send(served, "still");
  EXPECT_EQ(drain_in_time(client, 1), "still");
}

TEST_F(SimulatedHosts, closing_with_unread_bytes_resets_the_peer) {
  connect_both();
  backend->watch(client, watcher);
  send(client, "unread");
  settle();
  backend->close(served);
  step();
  EXPECT_EQ(watcher.take(), "hrw.");
  EXPECT_EQ(drain(client), "|" + std::to_string(ECONNRESET));
  EXPECT_EQ(send(client, "x"), -EPIPE);
  EXPECT_EQ(drain(client), "|end");
}

TEST_F(SimulatedHosts, writing_to_a_closed_socket_is_answered_by_a_reset) {
  connect_both();
  backend->close(served);
  settle();
  EXPECT_EQ(send(client, "too late"), 8);
  settle();
  EXPECT_EQ(send(client, "x"), -ECONNRESET);
}

TEST_F(SimulatedHosts, the_window_fills_and_opens_as_the_peer_reads) {
  connect_both();
  const std::string much(200'000, 'x');
  EXPECT_EQ(send(client, much), 65'536);
  EXPECT_EQ(send(client, much), -EAGAIN);
  backend->watch_writable(client, watcher);
  settle();
  EXPECT_EQ(watcher.take(), "");
  EXPECT_EQ(drain(served).size(), 65'536U);
  settle();
  EXPECT_EQ(watcher.take(), "w.");
  EXPECT_EQ(send(client, much), 65'536);
}

TEST_F(SimulatedHosts, what_did_not_fit_of_many_parts_is_announced_as_room) {
  connect_both();
  std::string much(100'000, 'x');
  const std::array<iovec, 2> parts{iovec{much.data(), much.size()},
                                   iovec{much.data(), much.size()}};
  EXPECT_EQ(backend->send_vectored(client, parts.data(), parts.size()), 65'536);
  backend->watch_writable(client, watcher);
  settle();
  EXPECT_EQ(watcher.take(), "");
  EXPECT_EQ(drain(served).size(), 65'536U);
  settle();
  EXPECT_EQ(watcher.take(), "w.");
}

TEST_F(SimulatedHosts, a_full_backlog_lets_a_client_in_a_second_later) {
  listener = listen_on(beta, 80, 0);
  const int first = dial(alpha, network->address_of(beta), 80);
  step();
  const int second = dial(alpha, network->address_of(beta), 80);
  step();
  EXPECT_GE(accept(listener), 0);
  EXPECT_GE(accept(listener), 0);
  EXPECT_EQ(backend->connect_result(first), 0);
  EXPECT_EQ(backend->connect_result(second), 0);
  EXPECT_GE(elapsed(), 1s);
}

// ---- faults

TEST_F(SimulatedHosts, a_cut_link_holds_streams_and_loses_no_byte_when_it_heals) {
  connect_both();
  network->cut(alpha, beta);
  for (const char* each : {"one ", "two ", "three"}) send(client, each);
  backend->wait(0);
  EXPECT_EQ(drain(served), "");
  network->heal(beta, alpha);
  std::string all;
  for (int i = 0; i < 5; ++i) all += drain_in_time(served, 1);
  EXPECT_EQ(all, "one two three");
}

TEST_F(SimulatedHosts, who_is_cut_off_gives_up_with_a_timeout) {
  connect_both();
  network->cut(alpha, beta);
  send(client, "x");
  const int second = dial(alpha, network->address_of(beta), 80);
  settle();
  EXPECT_EQ(backend->connect_result(second), -ETIMEDOUT);
  EXPECT_EQ(drain(client), "|" + std::to_string(ETIMEDOUT));
  EXPECT_EQ(elapsed(), 924s);
}

TEST_F(SimulatedHosts, a_reset_breaks_both_ends) {
  connect_both();
  network->reset_streams(beta, alpha);
  const std::string reset = "|" + std::to_string(ECONNRESET);
  EXPECT_EQ(drain(client), reset);
  EXPECT_EQ(drain(served), reset);
}

TEST_F(SimulatedHosts, a_lossy_link_resets_or_delays_streams_and_keeps_their_order) {
  connect_both();
  network->set_link(alpha, beta, {.jitter = 50ms, .loss = 0.3});
  std::string sent;
  for (char letter = 'a'; letter <= 'z'; ++letter) {
    sent += letter;
    send(client, std::string(1, letter));
  }
  backend->shutdown_write(client);
  EXPECT_EQ(drain_in_time(served), sent + "|end");
  EXPECT_GE(elapsed(), 200ms);  // with this seed some are lost at first
  network->set_link(alpha, beta, {.reset = 1});
  network->set_link(beta, alpha, {.reset = 1});
  send(served, "x");
  EXPECT_EQ(drain_in_time(client), "|" + std::to_string(ECONNRESET));
}

TEST_F(SimulatedHosts, datagrams_come_in_any_number_and_order) {
  here = beta;
  const int receiver = backend->open_socket(AF_INET, SOCK_DGRAM);
  EXPECT_EQ(backend->bind(receiver, address("0.0.0.0", 53)), 0);
  here = alpha;
  const int sender = backend->open_socket(AF_INET, SOCK_DGRAM);
  network->set_link(alpha, beta, {.jitter = 50ms, .loss = 0.3, .duplication = 0.3});
  const SocketAddress to = address(network->address_of(beta), 53);
  for (char letter = 'a'; letter <= 'z'; ++letter)
    EXPECT_EQ(backend->send_to(sender, &letter, 1, &to), 1);
  settle();
  std::string got;
  SocketAddress from;
  std::array<char, 8> room;
  while (backend->receive_from(receiver, room.data(), room.size(), from) == 1) got += room[0];
  EXPECT_EQ(Endpoint::from(from).ip, Endpoint::parse(network->address_of(alpha)).ip);
  EXPECT_FALSE(std::is_sorted(got.begin(), got.end()));
  std::sort(got.begin(), got.end());
  EXPECT_NE(std::adjacent_find(got.begin(), got.end()), got.end());  // one came twice
  got.erase(std::unique(got.begin(), got.end()), got.end());
  EXPECT_LT(got.size(), 26U);
  EXPECT_GT(got.size(), 10U);
}

TEST_F(SimulatedHosts, a_datagram_that_finds_nobody_comes_back_to_a_connected_socket) {
  here = alpha;
  const int fd = backend->open_socket(AF_INET, SOCK_DGRAM);
  EXPECT_EQ(backend->send(fd, "x", 1), -EDESTADDRREQ);
  EXPECT_EQ(backend->connect(fd, address(network->address_of(beta), 9)), 0);
  EXPECT_EQ(backend->send(fd, "x", 1), 1);
  settle();
  EXPECT_EQ(backend->send(fd, "x", 1), -ECONNREFUSED);
  EXPECT_EQ(send(fd, std::string(70'000, 'x')), -EMSGSIZE);
}

class CutStreams : public SimulatedHosts {
 protected:
  CutStreams() : SimulatedHosts({.seed = 7, .cuts_streams = true}) {}
};

TEST_F(CutStreams, send_and_deliver_in_parts_and_in_order) {
  connect_both();
  backend->watch_writable(client, watcher);
  std::string sent;
  for (int i = 0; i < 50'000; ++i) sent += static_cast<char>('a' + i % 26);
  std::string got;
  std::size_t done = 0;
  int reads = 0;
  int writes = 0;
  for (int i = 0; i < 1000 && got.size() < sent.size(); ++i) {
    while (done < sent.size()) {
      const std::int64_t taken = send(client, sent.substr(done, 500));
      ASSERT_GT(taken, 0);
      ++writes;
      done += static_cast<std::size_t>(taken);
      if (taken < 500) break;  // as after a short write: until it is told
    }
    step();
    if (const std::string part = drain(served); !part.empty()) {
      ++reads;
      got += part;
    }
  }
  EXPECT_EQ(got, sent);
  EXPECT_GT(reads, 5);
  EXPECT_GT(writes, 10);
}

// ---- one seed, one run

std::uint64_t hash_of_a_run(std::uint64_t seed) {
  auto network = std::make_shared<SimulatedNetwork>(SimulationOptions{
      .seed = seed, .link = {.latency = 1ms, .jitter = 5ms, .loss = 0.1}, .cuts_streams = true});
  const auto backend = network->make_backend();
  int first = -1;
  int second = -1;
  EXPECT_EQ(backend->open_socket_pair(first, second), 0);
  for (int i = 0; i < 20; ++i) backend->send(first, "0123456789", 10);
  for (int i = 0; i < 50; ++i) {
    if (network->is_quiet()) break;
    backend->wait(IoBackend::kForever);
    backend->receive(second);
  }
  return network->trace_hash();
}

TEST(SimulatedSeeds, the_same_seed_gives_the_same_trace_and_another_one_another) {
  EXPECT_EQ(hash_of_a_run(5), hash_of_a_run(5));
  EXPECT_NE(hash_of_a_run(5), hash_of_a_run(6));
}

// ---- what a backend must do

TEST_F(Simulated, tells_of_each_arrival_once_or_as_long_as_the_level_holds) {
  int one = -1;
  int other = -1;
  ASSERT_EQ(backend->open_socket_pair(one, other), 0);
  const auto look = [&] {
    backend->wait(0);
    return watcher.take();
  };
  backend->watch(one, watcher);
  EXPECT_EQ(look(), "");
  send(other, "a");
  EXPECT_EQ(look(), "r.");
  EXPECT_EQ(look(), "");
  backend->watch_writable(one, watcher);
  EXPECT_EQ(look(), "rw.");  // registering again reports what holds
  backend->forget(one);
  send(other, "b");
  EXPECT_EQ(look(), "");
  backend->watch_level(one, watcher, true, true);
  EXPECT_EQ(look(), "rw.");
  EXPECT_EQ(drain(one), "ab");
  EXPECT_EQ(look(), "w.");
  backend->watch_level(one, watcher, false, false);
  EXPECT_EQ(look(), "");
  backend->watch(other, watcher);
  backend.reset();
  EXPECT_EQ(watcher.take(), "closed");
}

TEST_F(Simulated, unix_paths_are_names_in_memory) {
  Endpoint name;
  name.family = AF_UNIX;
  name.path = "/no/such/folder/socket";
  SocketAddress path;
  name.write(path);
  const int fd = backend->open_socket(AF_UNIX, SOCK_STREAM);
  EXPECT_EQ(backend->connect(fd, path), -ENOENT);
  const int door = backend->open_socket(AF_UNIX, SOCK_STREAM);
  EXPECT_EQ(backend->bind(door, path), 0);
  EXPECT_EQ(backend->listen(door, 1), 0);
  EXPECT_EQ(backend->connect(fd, path), 0);
  const int served = accept(door);
  send(fd, "x");
  EXPECT_EQ(drain_in_time(served, 1), "x");
  const int second = backend->open_socket(AF_UNIX, SOCK_STREAM);
  EXPECT_EQ(backend->bind(second, path), -EADDRINUSE);
  backend->close(door);
  EXPECT_EQ(backend->bind(second, path), 0);
}

TEST_F(Simulated, ports_are_taken_shared_and_chosen) {
  const int one = listen_on(SimulatedNetwork::kLocalhost, 80);
  const int other = backend->open_socket(AF_INET, SOCK_STREAM);
  EXPECT_EQ(backend->bind(other, address("127.0.0.1", 80)), -EADDRINUSE);
  EXPECT_EQ(backend->bind(other, address("10.7.7.7", 80)), -EADDRNOTAVAIL);
  EXPECT_EQ(backend->bind(other, address("::1", 80)), -EAFNOSUPPORT);
  EXPECT_EQ(backend->bind(other, address("127.0.0.1", 0)), 0);
  SocketAddress name;
  backend->socket_name(other, name);
  EXPECT_GE(Endpoint::from(name).port, 49152);
  backend->close(one);
  const int on = 1;
  for (int i = 0; i < 2; ++i) {
    const int shared = backend->open_socket(AF_INET, SOCK_STREAM);
    backend->set_option(shared, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    EXPECT_EQ(backend->bind(shared, address("0.0.0.0", 80)), 0);
  }
}

TEST_F(Simulated, a_closed_number_is_a_bad_one_and_is_used_again) {
  const int fd = backend->open_socket(AF_INET6, SOCK_STREAM);
  EXPECT_EQ(network->open_sockets(), 1U);
  backend->close(fd);
  EXPECT_EQ(network->open_sockets(), 0U);
  EXPECT_EQ(send(fd, "x"), -EBADF);
  EXPECT_EQ(backend->accept(fd, *std::make_unique<SocketAddress>()), -EBADF);
  EXPECT_EQ(backend->open_socket(AF_INET, SOCK_STREAM), fd);
  EXPECT_EQ(backend->open_socket(-1, SOCK_STREAM), -EAFNOSUPPORT);
}

TEST(SimulatedLimits, sockets_run_out_where_there_is_a_limit) {
  const auto network = std::make_shared<SimulatedNetwork>(SimulationOptions{.max_sockets = 1});
  const auto backend = network->make_backend();
  EXPECT_GE(backend->open_socket(AF_INET, SOCK_STREAM), 0);
  EXPECT_EQ(backend->open_socket(AF_INET, SOCK_STREAM), -EMFILE);
}

TEST_F(SimulatedHosts, names_are_known_failing_or_unknown) {
  NameAnswer answer;
  EXPECT_TRUE(backend->look_up("beta", answer));
  ASSERT_EQ(answer.addresses.size(), 1U);
  EXPECT_EQ(Endpoint::from(answer.addresses[0]).ip, Endpoint::parse("10.0.0.3").ip);
  network->add_name("both", {"fd00::2", "10.0.0.2"});
  NameAnswer both;
  EXPECT_TRUE(backend->look_up("both", both));
  EXPECT_EQ(both.addresses.size(), 2U);
  network->fail_look_up("beta", EAI_AGAIN);
  network->set_look_up_delay(2s);
  NameAnswer failed;
  EXPECT_TRUE(backend->look_up("beta", failed));
  EXPECT_EQ(failed.error, EAI_AGAIN);
  EXPECT_EQ(failed.delay_ns, 2'000'000'000);
  NameAnswer unknown;
  EXPECT_TRUE(backend->look_up("nobody", unknown));
  EXPECT_EQ(unknown.error, EAI_NONAME);
  network->set_asks_system(true);
  EXPECT_FALSE(backend->look_up("nobody", unknown));
}

// A loop with a clock of its own has a timer in a millisecond, and a client that will give up in
// two minutes: the timer comes first.
TEST(SimulatedTime, a_timer_that_is_due_before_the_next_arrival_is_not_overtaken) {
  Watcher watcher;
  const auto network = std::make_shared<SimulatedNetwork>();
  const auto backend = network->make_backend();
  const int listener = backend->open_socket(AF_INET, SOCK_STREAM);
  EXPECT_EQ(backend->bind(listener, address("127.0.0.1", 80)), 0);
  EXPECT_EQ(backend->listen(listener, 0), 0);
  std::array<int, 2> clients{};
  for (int& each : clients) {
    each = backend->open_socket(AF_INET, SOCK_STREAM);
    EXPECT_EQ(backend->connect(each, address("127.0.0.1", 80)), -EINPROGRESS);
  }
  backend->wait(IoBackend::kForever);  // one is let in
  backend->watch_writable(clients[1], watcher);

  for (int i = 0; i < 5; ++i) backend->wait(1'000'000);
  EXPECT_EQ(watcher.take(), "");
  EXPECT_LT(network->now() - TimePoint(1h), 1s);
}

// Pipes, children and signals of a test are real.
TEST_F(Simulated, fds_of_the_kernel_are_left_to_it) {
  std::array<int, 2> fds{-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
  backend->watch(fds[0], watcher);
  EXPECT_EQ(send(fds[1], "real"), 4);
  backend->wait(IoBackend::kForever);
  EXPECT_EQ(watcher.take(), "r.");
  EXPECT_EQ(drain(fds[0]), "real");
  backend->close(fds[0]);
  backend->close(fds[1]);
}

TEST_F(Simulated, a_wake_ends_a_wait_for_which_nothing_is_under_way) {
  backend->wake();
  backend->wait(IoBackend::kForever);
  std::thread other([this] { backend->wake(); });
  backend->wait(IoBackend::kForever);
  other.join();
}

TEST_F(Simulated, each_event_can_be_read_as_a_line) {
  std::vector<std::string> lines;
  network->set_trace([&](const std::string& line) { lines.push_back(line); });
  int one = -1;
  int other = -1;
  ASSERT_EQ(backend->open_socket_pair(one, other), 0);
  send(one, "abc");
  backend->wait(0);
  EXPECT_EQ(lines, std::vector<std::string>{"3600.000000000 piece #1 #2 3"});
}

}  // namespace
}  // namespace asyncio::detail
