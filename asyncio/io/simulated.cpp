#include "asyncio/io/simulated.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/io/internal/simulated_world.hpp"

namespace asyncio::detail {
namespace {

using State = SimulatedSocket::State;

// The door between a loop and the world. What is not simulated goes to epoll.
class SimulatedBackend final : public IoBackend {
 public:
  SimulatedBackend(std::shared_ptr<SimulatedNetwork> network, SimulatedWorld& world)
      : network_(std::move(network)), world_(world) {}
  SimulatedBackend(const SimulatedBackend&) = delete;
  SimulatedBackend& operator=(const SimulatedBackend&) = delete;
  ~SimulatedBackend() override;

  void wait(std::int64_t timeout_ns) override {
    observed(IoOperation::wait, -1, [&] {
      wait_for_either(timeout_ns);
      return std::int64_t{0};
    });
  }
  void wake() noexcept override {
    woken_.store(true);
    kernel_->wake();
  }
  void watch(int fd, FdWatcher& watcher) override { watch_edges(fd, watcher, false); }
  void watch_writable(int fd, FdWatcher& watcher) override { watch_edges(fd, watcher, true); }
  void watch_level(int fd, FdWatcher& watcher, bool readable, bool writable) override;
  void forget(int fd) noexcept override;
  void close(int fd) noexcept override;

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
  int connect_result(int fd) noexcept override;
  int shutdown_write(int fd) noexcept override;

  int open_socket(int family, int type) noexcept override;
  int open_socket_pair(int& first, int& second) noexcept override;
  int bind(int fd, const SocketAddress& name) noexcept override;
  int listen(int fd, int backlog) noexcept override;
  int set_nonblocking(int fd) noexcept override;
  int set_option(int fd, int level, int option, const void* value, unsigned size) noexcept override;
  int get_option(int fd, int level, int option, void* value, unsigned& size) noexcept override;
  int socket_name(int fd, SocketAddress& name) noexcept override;
  int peer_name(int fd, SocketAddress& name) noexcept override;
  bool has_socket_files() const noexcept override { return false; }
  bool look_up(const std::string& host, NameAnswer& answer) override;
  const char* name() const noexcept override { return "simulated"; }
  SimulatedNetwork& network() const noexcept { return *network_; }

 private:
  static bool is_simulated(int fd) noexcept { return fd >= kFirstSimulated; }
  // Runs the operation on the socket; -EBADF where there is none, -ENOMEM where memory is out.
  template <class Operation>
  std::int64_t on_socket(int fd, Operation operation) noexcept;
  template <class Operation>
  int number_on_socket(int fd, Operation operation) noexcept {
    return static_cast<int>(on_socket(fd, operation));
  }
  bool run_due() {
    const SimulatingScope simulating;
    return world_.run_due();
  }
  void watch_edges(int fd, FdWatcher& watcher, bool writable);
  SocketPtr socket_to_watch(int fd) const;
  static std::int64_t take_datagram(const SocketPtr& socket, char* data, std::size_t size,
                                    SocketAddress& from);
  std::int64_t send_from(const SocketPtr& socket, std::string_view data);
  void wait_for_either(std::int64_t timeout_ns);
  void look_at_kernel(std::int64_t timeout_ns);
  void sleep_in_kernel(std::int64_t timeout_ns);
  SimulatedWorld::Host current_host() const {
    return world_.current_host ? world_.current_host() : SimulatedNetwork::kLocalhost;
  }

  std::shared_ptr<SimulatedNetwork> network_;
  SimulatedWorld& world_;
  std::unique_ptr<IoBackend> kernel_ = make_epoll_backend();
  std::set<int> kernel_fds_;  // watched: else there is nothing to ask the kernel for
  std::atomic<bool> woken_{false};
};

SimulatedBackend::~SimulatedBackend() {
  for (std::size_t i = 0; i < world_.sockets.size(); ++i) {  // who is told may close others
    const SocketPtr socket = world_.sockets[i];
    if (!socket) continue;
    FdWatcher* const watcher = std::exchange(socket->watcher, nullptr);
    if (watcher != nullptr) watcher->on_backend_closed();
  }
  world_.sockets.clear();
  world_.levels.clear();
  world_.ready.clear();
  world_.events.clear();
  world_.held.clear();
}

// ---- waiting

void SimulatedBackend::look_at_kernel(std::int64_t timeout_ns) {
  if (timeout_ns == 0 && kernel_fds_.empty() && !woken_.load(std::memory_order_relaxed)) return;
  woken_.store(false);  // before the look: a wake() that comes later is not lost
  kernel_->wait(timeout_ns);
}

// The simulated clock goes on by what the real one does.
void SimulatedBackend::sleep_in_kernel(std::int64_t timeout_ns) {
  const TimePoint begin = Clock::now();
  look_at_kernel(timeout_ns);
  world_.now_ns += std::clamp<std::int64_t>((Clock::now() - begin).count(), 0, timeout_ns);
}

// Never moves the clock where the loop only looks; where it would sleep, the clock goes on to the
// next arrival. A loop that uses this clock asks jump_to() first, where it has timers; so it has a
// reason to wait for the kernel where it comes with a timeout. A loop with a clock of its own
// sleeps where its timer comes before the next arrival.
void SimulatedBackend::wait_for_either(std::int64_t timeout_ns) {
  if (world_.options.before_pass) world_.options.before_pass();
  const bool something_came = run_due();
  if (world_.tell() || something_came || timeout_ns == 0) {
    look_at_kernel(0);
    return;
  }
  const std::int64_t arrival = world_.next_arrival();
  if (arrival < 0 || (world_.leads_time && timeout_ns != kForever)) {
    look_at_kernel(timeout_ns);
    return;
  }
  if (timeout_ns != kForever && arrival - world_.now_ns > timeout_ns) {
    sleep_in_kernel(timeout_ns);
    return;
  }
  world_.now_ns = std::max(world_.now_ns, arrival);
  run_due();
  world_.tell();
}

SocketPtr SimulatedBackend::socket_to_watch(int fd) const {
  SocketPtr socket = world_.find(fd);
  if (!socket) throw_os_error(EBADF, "watch");
  return socket;
}

void SimulatedBackend::watch_edges(int fd, FdWatcher& watcher, bool writable) {
  const SimulatingScope simulating;
  if (!is_simulated(fd)) {
    writable ? kernel_->watch_writable(fd, watcher) : kernel_->watch(fd, watcher);
    kernel_fds_.insert(fd);
    return;
  }
  const SocketPtr socket = socket_to_watch(fd);
  socket->watcher = &watcher;
  socket->wants_writable = writable;
  socket->signals = 0;
  unsigned signals = 0;  // what holds now is reported
  if (socket->is_readable()) signals |= SimulatedSocket::kReadable;
  if (socket->end_received || socket->is_broken) signals |= SimulatedSocket::kHangup;
  if (socket->error != 0) signals |= SimulatedSocket::kFailed;
  if (writable && world_.is_writable(*socket)) signals |= SimulatedSocket::kWritable;
  if (signals != 0) world_.signal(socket, signals);
}

void SimulatedBackend::watch_level(int fd, FdWatcher& watcher, bool readable, bool writable) {
  const SimulatingScope simulating;
  if (!readable && !writable) {
    forget(fd);
    return;
  }
  if (!is_simulated(fd)) {
    kernel_->watch_level(fd, watcher, readable, writable);
    kernel_fds_.insert(fd);
    return;
  }
  const SocketPtr socket = socket_to_watch(fd);
  socket->watcher = &watcher;
  socket->level_readable = readable;
  socket->level_writable = writable;
  if (std::find(world_.levels.begin(), world_.levels.end(), socket) == world_.levels.end())
    world_.levels.push_back(socket);
}

void SimulatedBackend::forget(int fd) noexcept {
  if (!is_simulated(fd)) {
    kernel_fds_.erase(fd);
    kernel_->forget(fd);
    return;
  }
  const SocketPtr socket = world_.find(fd);
  if (!socket) return;
  socket->watcher = nullptr;
  socket->signals = 0;
  socket->wants_writable = socket->level_readable = socket->level_writable = false;
  std::erase(world_.levels, socket);
}

void SimulatedBackend::close(int fd) noexcept {
  if (!is_simulated(fd)) {
    kernel_fds_.erase(fd);
    kernel_->close(fd);
  } else if (const SocketPtr socket = world_.find(fd)) {
    const SimulatingScope simulating;
    world_.close(socket);
  }
}

// ---- operations

template <class Operation>
std::int64_t SimulatedBackend::on_socket(int fd, Operation operation) noexcept {
  const SimulatingScope simulating;
  try {
    const SocketPtr socket = world_.find(fd);
    return socket ? operation(socket) : -EBADF;
  } catch (...) {
    return -ENOMEM;
  }
}

std::int64_t SimulatedBackend::take_datagram(const SocketPtr& socket, char* data, std::size_t size,
                                             SocketAddress& from) {
  if (socket->is_stream()) return -EOPNOTSUPP;
  if (socket->error != 0) return -std::exchange(socket->error, 0);
  if (socket->datagrams.empty()) return -EAGAIN;
  const auto [sender, content] = std::move(socket->datagrams.front());
  socket->datagrams.pop_front();
  socket->queued_bytes -= content.size();
  sender.write(from);
  const std::size_t taken = std::min(size, content.size());
  std::copy_n(content.data(), taken, data);
  return static_cast<std::int64_t>(taken);
}

std::int64_t SimulatedBackend::send_from(const SocketPtr& socket, std::string_view data) {
  return socket->is_stream() ? world_.send(socket, data) : world_.send_datagram(socket, data, {});
}

std::int64_t SimulatedBackend::receive_into(int fd, char* data, std::size_t size) noexcept {
  return observed(IoOperation::receive, fd, [&]() -> std::int64_t {
    if (!is_simulated(fd)) return kernel_->receive_into(fd, data, size);
    return on_socket(fd, [&](const SocketPtr& socket) {
      if (socket->is_stream()) return world_.receive(socket, data, size);
      SocketAddress from;
      return take_datagram(socket, data, size, from);
    });
  });
}

std::int64_t SimulatedBackend::receive_from(int fd, char* data, std::size_t size,
                                            SocketAddress& from) noexcept {
  return observed(IoOperation::receive_from, fd, [&]() -> std::int64_t {
    if (!is_simulated(fd)) return kernel_->receive_from(fd, data, size, from);
    return on_socket(
        fd, [&](const SocketPtr& socket) { return take_datagram(socket, data, size, from); });
  });
}

std::int64_t SimulatedBackend::send(int fd, const char* data, std::size_t size) noexcept {
  return observed(IoOperation::send, fd, [&]() -> std::int64_t {
    if (!is_simulated(fd)) return kernel_->send(fd, data, size);
    return on_socket(fd, [&](const SocketPtr& socket) { return send_from(socket, {data, size}); });
  });
}

std::int64_t SimulatedBackend::send_vectored(int fd, const iovec* parts,
                                             std::size_t count) noexcept {
  return observed(IoOperation::send_vectored, fd, [&]() -> std::int64_t {
    if (!is_simulated(fd)) return kernel_->send_vectored(fd, parts, count);
    return on_socket(fd, [&](const SocketPtr& socket) {
      // A byte more than can be taken, which says that there is a rest: not all of it each time.
      const std::size_t enough = world_.options.window + 1;
      std::string all;
      for (std::size_t i = 0; i < count && all.size() < enough; ++i)
        all.append(static_cast<const char*>(parts[i].iov_base),
                   std::min(parts[i].iov_len, enough - all.size()));
      return send_from(socket, all);
    });
  });
}

std::int64_t SimulatedBackend::send_to(int fd, const char* data, std::size_t size,
                                       const SocketAddress* to) noexcept {
  return observed(IoOperation::send_to, fd, [&]() -> std::int64_t {
    if (!is_simulated(fd)) return kernel_->send_to(fd, data, size, to);
    return on_socket(fd, [&](const SocketPtr& socket) {
      return world_.send_datagram(socket, {data, size},
                                  to == nullptr ? Endpoint() : Endpoint::from(*to));
    });
  });
}

std::int64_t SimulatedBackend::send_file(int fd, int file, std::int64_t offset,
                                         std::size_t size) noexcept {
  return observed(IoOperation::send_file, fd, [&]() -> std::int64_t {
    if (!is_simulated(fd)) return kernel_->send_file(fd, file, offset, size);
    return on_socket(fd, [&](const SocketPtr& socket) -> std::int64_t {
      if (world_.is_writable(*socket) || socket->state != State::connected) {
        std::string part(std::min(size, std::size_t{16} * 1024), '\0');
        const ssize_t got = ::pread(file, part.data(), part.size(), offset);
        if (got <= 0) return got < 0 ? -std::int64_t{errno} : 0;
        part.resize(static_cast<std::size_t>(got));
        return world_.send(socket, part);
      }
      socket->is_blocked = true;
      return -EAGAIN;
    });
  });
}

int SimulatedBackend::accept(int fd, SocketAddress& peer) noexcept {
  return observed(IoOperation::accept, fd, [&]() -> int {
    if (!is_simulated(fd)) return kernel_->accept(fd, peer);
    return number_on_socket(fd, [&](const SocketPtr& socket) -> int {
      if (socket->state != State::listening) return -EINVAL;
      if (socket->waiting.empty()) return -EAGAIN;
      const SocketPtr served = socket->waiting.front();
      const int number = world_.give_number(served);
      if (number < 0) return number;
      socket->waiting.pop_front();
      served->peer_name.write(peer);
      return number;
    });
  });
}

int SimulatedBackend::connect(int fd, const SocketAddress& peer) noexcept {
  return observed(IoOperation::connect, fd, [&]() -> int {
    if (!is_simulated(fd)) return kernel_->connect(fd, peer);
    return number_on_socket(
        fd, [&](const SocketPtr& socket) { return world_.connect(socket, Endpoint::from(peer)); });
  });
}

int SimulatedBackend::connect_result(int fd) noexcept {
  if (!is_simulated(fd)) return kernel_->connect_result(fd);
  return number_on_socket(
      fd, [&](const SocketPtr& socket) { return -std::exchange(socket->error, 0); });
}

int SimulatedBackend::shutdown_write(int fd) noexcept {
  if (!is_simulated(fd)) return kernel_->shutdown_write(fd);
  return number_on_socket(fd, [&](const SocketPtr& socket) { return world_.send_end(socket); });
}

// ---- making and naming sockets

int SimulatedBackend::open_socket(int family, int type) noexcept {
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) return -EAFNOSUPPORT;
  if (type != SOCK_STREAM && type != SOCK_DGRAM) return -ESOCKTNOSUPPORT;
  const SimulatingScope simulating;
  try {
    return world_.give_number(world_.make_socket(current_host(), family, type));
  } catch (...) {
    return -ENOMEM;
  }
}

int SimulatedBackend::open_socket_pair(int& first, int& second) noexcept {
  first = open_socket(AF_UNIX, SOCK_STREAM);
  if (first < 0) return first;
  second = open_socket(AF_UNIX, SOCK_STREAM);
  if (second < 0) {
    close(first);
    return second;
  }
  world_.join(world_.find(first), world_.find(second));
  return 0;
}

int SimulatedBackend::bind(int fd, const SocketAddress& name) noexcept {
  if (!is_simulated(fd)) return kernel_->bind(fd, name);
  return number_on_socket(
      fd, [&](const SocketPtr& socket) { return world_.bind(socket, Endpoint::from(name)); });
}

int SimulatedBackend::listen(int fd, int backlog) noexcept {
  if (!is_simulated(fd)) return kernel_->listen(fd, backlog);
  return number_on_socket(fd,
                          [&](const SocketPtr& socket) { return world_.listen(socket, backlog); });
}

int SimulatedBackend::set_nonblocking(int fd) noexcept {
  if (!is_simulated(fd)) return kernel_->set_nonblocking(fd);
  return number_on_socket(fd, [](const SocketPtr&) { return 0; });
}

int SimulatedBackend::set_option(int fd, int level, int option, const void* value,
                                 unsigned size) noexcept {
  if (!is_simulated(fd)) return kernel_->set_option(fd, level, option, value, size);
  return number_on_socket(fd, [&](const SocketPtr& socket) {
    if (level != SOL_SOCKET) return 0;
    if (option == SO_REUSEPORT) socket->shares_port = true;
    if (option == SO_LINGER && size == sizeof(linger)) {
      const auto& wanted = *static_cast<const linger*>(value);
      socket->resets_on_close = wanted.l_onoff != 0 && wanted.l_linger == 0;
    }
    return 0;  // the others have no meaning here
  });
}

int SimulatedBackend::get_option(int fd, int level, int option, void* value,
                                 unsigned& size) noexcept {
  if (!is_simulated(fd)) return kernel_->get_option(fd, level, option, value, size);
  return number_on_socket(fd, [&](const SocketPtr& socket) -> int {
    int answer = 0;
    if (level != SOL_SOCKET || size < sizeof answer) return -ENOPROTOOPT;
    if (option == SO_TYPE)
      answer = socket->type;
    else if (option == SO_ERROR)
      answer = std::exchange(socket->error, 0);
    else if (option == SO_SNDBUF || option == SO_RCVBUF)
      answer = static_cast<int>(world_.options.window);
    else if (option == SO_ACCEPTCONN)
      answer = socket->state == State::listening ? 1 : 0;
    else
      return -ENOPROTOOPT;
    std::memcpy(value, &answer, sizeof answer);
    size = sizeof answer;
    return 0;
  });
}

int SimulatedBackend::socket_name(int fd, SocketAddress& name) noexcept {
  if (!is_simulated(fd)) return kernel_->socket_name(fd, name);
  return number_on_socket(fd, [&](const SocketPtr& socket) {
    socket->name.write(name);
    return 0;
  });
}

int SimulatedBackend::peer_name(int fd, SocketAddress& name) noexcept {
  if (!is_simulated(fd)) return kernel_->peer_name(fd, name);
  return number_on_socket(fd, [&](const SocketPtr& socket) {
    if (socket->state != State::connected) return -ENOTCONN;
    socket->peer_name.write(name);
    return 0;
  });
}

bool SimulatedBackend::look_up(const std::string& host, NameAnswer& answer) {
  answer.delay_ns = host == "localhost" ? 0 : world_.look_up_delay_ns;
  if (const auto failing = world_.failing_names.find(host); failing != world_.failing_names.end()) {
    answer.error = failing->second;
    return true;
  }
  const auto found = world_.names.find(host);
  if (found == world_.names.end()) {
    answer.error = EAI_NONAME;
    return !world_.asks_system;
  }
  for (const Endpoint& each : found->second) each.write(answer.addresses.emplace_back());
  return true;
}

}  // namespace

constinit thread_local int tls_simulating = 0;

// ---- the controls

SimulatedNetwork::SimulatedNetwork(SimulationOptions options)
    : world_(std::make_unique<SimulatedWorld>(options)) {}

SimulatedNetwork::~SimulatedNetwork() = default;

SimulatedNetwork::Host SimulatedNetwork::add_host(const std::string& name) {
  return world_->add_host(name);
}

SimulatedNetwork::Host SimulatedNetwork::find_or_add_host(const std::string& name) {
  const auto& names = world_->host_names;
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? add_host(name) : static_cast<Host>(found - names.begin());
}

std::string SimulatedNetwork::address_of(Host host) const {
  return world_->address_of(host, AF_INET).host();
}

void SimulatedNetwork::set_current_host(std::function<Host()> current) {
  world_->current_host = std::move(current);
}

void SimulatedNetwork::set_link(Host from, Host to, LinkQuality quality) {
  world_->links[{from, to}] = quality;
}
void SimulatedNetwork::set_default_link(LinkQuality quality) { world_->options.link = quality; }

void SimulatedNetwork::cut(Host one, Host other) { world_->cuts.insert(std::minmax(one, other)); }
void SimulatedNetwork::heal(Host one, Host other) {
  const SimulatedWorld::Link pair = std::minmax(one, other);
  world_->heal([pair](const SimulatedWorld::Link& each) { return each == pair; });
}
void SimulatedNetwork::heal_all() {
  world_->heal([](const SimulatedWorld::Link&) { return true; });
}

void SimulatedNetwork::reset_streams(Host one, Host other) {
  for (const SocketPtr& socket : world_->sockets) {
    if (!socket || socket->state != State::connected || !socket->is_stream()) continue;
    if (std::minmax(socket->host, socket->peer_host) == std::minmax(one, other))
      world_->break_stream(socket, ECONNRESET);
  }
}

void SimulatedNetwork::add_name(const std::string& name,
                                const std::vector<std::string>& addresses) {
  std::vector<Endpoint> endpoints;
  for (const std::string& each : addresses) endpoints.push_back(Endpoint::parse(each));
  world_->names[name] = std::move(endpoints);
}
void SimulatedNetwork::fail_look_up(const std::string& name, int error) {
  if (error == 0)
    world_->failing_names.erase(name);
  else
    world_->failing_names[name] = error;
}
void SimulatedNetwork::set_look_up_delay(Duration delay) {
  world_->look_up_delay_ns = delay.count();
}
void SimulatedNetwork::set_asks_system(bool asks) noexcept { world_->asks_system = asks; }

std::uint64_t SimulatedNetwork::trace_hash() const noexcept { return world_->hash; }
bool SimulatedNetwork::is_quiet() noexcept { return world_->next_arrival() < 0; }
std::uint64_t SimulatedNetwork::events() const noexcept { return world_->event_count; }
std::size_t SimulatedNetwork::open_sockets() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(world_->sockets.begin(), world_->sockets.end(),
                    [](const SocketPtr& socket) { return socket != nullptr; }));
}
std::vector<std::string> SimulatedNetwork::describe_sockets() const {
  std::vector<std::string> lines;
  for (const SocketPtr& socket : world_->sockets)
    if (socket) lines.push_back(world_->describe(*socket));
  return lines;
}
void SimulatedNetwork::set_trace(std::function<void(const std::string&)> sink) {
  world_->trace = std::move(sink);
}

TimePoint SimulatedNetwork::now() noexcept {
  world_->leads_time = true;
  return TimePoint(Duration(world_->now_ns));
}

bool SimulatedNetwork::jump_to(TimePoint deadline) noexcept {
  const std::int64_t arrival = world_->next_arrival();
  std::int64_t next = deadline.time_since_epoch().count();
  if (arrival >= 0) next = std::min(next, arrival);
  world_->now_ns = std::max(world_->now_ns, next);
  return true;
}

SimulatedNetwork* simulated_network_of(IoBackend& backend) noexcept {
  auto* const simulated = dynamic_cast<SimulatedBackend*>(&backend);
  return simulated != nullptr ? &simulated->network() : nullptr;
}

std::unique_ptr<IoBackend> SimulatedNetwork::make_backend() {
  return std::make_unique<SimulatedBackend>(shared_from_this(), *world_);
}

}  // namespace asyncio::detail
