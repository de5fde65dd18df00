#include "asyncio/io/internal/simulated_world.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace asyncio::detail {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kRetransmission = 200 * kMillisecond;
constexpr std::int64_t kUnreachableAfter = 3 * kSecond;
constexpr std::int64_t kConnectTimeout = 127 * kSecond;  // tcp_syn_retries = 6
constexpr std::int64_t kSilenceTimeout = 924 * kSecond;  // tcp_retries2 = 15
constexpr std::uint64_t kConnectAttempts = 6;
constexpr std::size_t kDatagramRoom = 212'992;  // net.core.rmem_default
constexpr std::size_t kLargestDatagram = 65'507;

bool later(const Event& one, const Event& other) noexcept { return one.later_than(other); }

}  // namespace

// ---- endpoints

Endpoint Endpoint::from(const SocketAddress& address) {
  Endpoint endpoint;
  if (address.length < sizeof(sa_family_t)) return endpoint;
  sockaddr_storage storage{};
  std::memcpy(&storage, address.bytes, std::min<std::size_t>(address.length, sizeof storage));
  endpoint.family = storage.ss_family;
  if (endpoint.family == AF_INET) {
    const auto& ip = reinterpret_cast<const sockaddr_in&>(storage);
    endpoint.port = ntohs(ip.sin_port);
    std::memcpy(endpoint.ip.data(), &ip.sin_addr, sizeof ip.sin_addr);
  } else if (endpoint.family == AF_INET6) {
    const auto& ip = reinterpret_cast<const sockaddr_in6&>(storage);
    endpoint.port = ntohs(ip.sin6_port);
    std::memcpy(endpoint.ip.data(), &ip.sin6_addr, sizeof ip.sin6_addr);
  } else if (endpoint.family == AF_UNIX) {
    const std::size_t header = offsetof(sockaddr_un, sun_path);
    const auto* const path = reinterpret_cast<const char*>(address.bytes) + header;
    if (address.length > header) endpoint.path.assign(path, address.length - header);
    if (!endpoint.path.empty() && endpoint.path[0] != '\0')
      endpoint.path.resize(std::strlen(endpoint.path.c_str()));
  }
  return endpoint;
}

Endpoint Endpoint::parse(const std::string& host) {
  Endpoint endpoint;
  if (inet_pton(AF_INET, host.c_str(), endpoint.ip.data()) == 1)
    endpoint.family = AF_INET;
  else if (inet_pton(AF_INET6, host.c_str(), endpoint.ip.data()) == 1)
    endpoint.family = AF_INET6;
  return endpoint;
}

void Endpoint::write(SocketAddress& address) const {
  sockaddr_storage storage{};
  storage.ss_family = static_cast<sa_family_t>(family);
  address.length = sizeof(sa_family_t);
  if (family == AF_INET) {
    auto& ip4 = reinterpret_cast<sockaddr_in&>(storage);
    ip4.sin_port = htons(port);
    std::memcpy(&ip4.sin_addr, ip.data(), sizeof ip4.sin_addr);
    address.length = sizeof(sockaddr_in);
  } else if (family == AF_INET6) {
    auto& ip6 = reinterpret_cast<sockaddr_in6&>(storage);
    ip6.sin6_port = htons(port);
    std::memcpy(&ip6.sin6_addr, ip.data(), sizeof ip6.sin6_addr);
    address.length = sizeof(sockaddr_in6);
  } else if (family == AF_UNIX && !path.empty()) {
    auto& local = reinterpret_cast<sockaddr_un&>(storage);
    const std::size_t size = std::min(path.size(), sizeof local.sun_path - 1);
    std::memcpy(local.sun_path, path.data(), size);
    const std::size_t end = path[0] == '\0' ? 0 : 1;  // an abstract name has no end mark
    address.length = static_cast<unsigned>(offsetof(sockaddr_un, sun_path) + size + end);
  }
  std::memcpy(address.bytes, &storage, sizeof storage);
}

std::string Endpoint::host() const {
  if (family == AF_UNIX) return path;
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family, ip.data(), text.data(), text.size());
  return text.data();
}

bool Endpoint::is_any() const noexcept {
  return ip == std::array<unsigned char, 16>{} && family != AF_UNIX;
}

bool Endpoint::is_loopback() const noexcept {
  if (family == AF_INET) return ip[0] == 127;
  static constexpr std::array<unsigned char, 16> kOne{0, 0, 0, 0, 0, 0, 0, 0,
                                                      0, 0, 0, 0, 0, 0, 0, 1};
  return family == AF_INET6 && ip == kOne;
}

const char* name_of(Arrival kind) noexcept {
  static constexpr std::array<const char*, 10> kNames{
      "connect", "accepted", "established", "refused", "piece",
      "reset",   "room",     "datagram",    "bounced", "give up"};
  return kNames[static_cast<std::size_t>(kind)];
}

// ---- hosts and links

SimulatedWorld::SimulatedWorld(SimulationOptions settings)
    : options(settings), random(Random::mixed(settings.seed)), hash(settings.seed) {
  add_host("localhost");
  names["localhost"] = {Endpoint::parse("127.0.0.1")};
}

SimulatedWorld::Host SimulatedWorld::add_host(const std::string& name) {
  const Host host = static_cast<Host>(host_names.size());
  host_names.push_back(name);
  names[name] = {address_of(host, AF_INET)};
  return host;
}

Endpoint SimulatedWorld::address_of(Host host, int family) const {
  const int number = host + 1;
  const auto high = static_cast<unsigned char>(number / 256);
  const auto low = static_cast<unsigned char>(number % 256);
  Endpoint endpoint;
  endpoint.family = family;
  if (family == AF_INET)
    endpoint.ip = {10, 0, high, low};
  else
    endpoint.ip = {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, high, low};
  return endpoint;
}

SimulatedWorld::Host SimulatedWorld::host_of(const Endpoint& endpoint, Host asking) const {
  if (endpoint.family == AF_UNIX || endpoint.is_any() || endpoint.is_loopback()) return asking;
  const std::size_t last = endpoint.family == AF_INET ? 3 : 15;
  const Host host = endpoint.ip[last - 1] * 256 + endpoint.ip[last] - 1;
  if (host < 0 || host >= static_cast<Host>(host_names.size())) return -1;
  return address_of(host, endpoint.family).ip == endpoint.ip ? host : -1;
}

const LinkQuality& SimulatedWorld::link(Host from, Host to) const {
  static constexpr LinkQuality kInside{};
  const auto found = links.find({from, to});
  if (found != links.end()) return found->second;
  return from == to ? kInside : options.link;
}

// What was held comes as if it were sent again; the numbers of the pieces keep their order.
void SimulatedWorld::heal(const std::function<bool(const Link&)>& matches) {
  std::erase_if(cuts, matches);
  for (Event& event : std::exchange(held, {})) {
    if (is_cut(event.from_host, event.to_host))
      held.push_back(std::move(event));
    else
      post(std::move(event), static_cast<std::int64_t>(random.below(kRetransmission)));
  }
}

// ---- events

void SimulatedWorld::push(Event event) {
  event.order = next_order_++;
  events.push_back(std::move(event));
  std::push_heap(events.begin(), events.end(), later);
}

void SimulatedWorld::post(Event event, std::int64_t delay) {
  const LinkQuality& quality = link(event.from_host, event.to_host);
  event.when =
      now_ns + delay + quality.latency.count() +
      static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(quality.jitter.count())));
  push(std::move(event));
}

void SimulatedWorld::post_over_link(Event event, std::size_t size) {
  const LinkQuality& quality = link(event.from_host, event.to_host);
  if (quality.bytes_per_second == 0) {
    post(std::move(event));
    return;
  }
  std::int64_t& busy = busy_until[{event.from_host, event.to_host}];
  busy = std::max(busy, now_ns) +
         static_cast<std::int64_t>(static_cast<double>(size) * 1e9 /
                                   static_cast<double>(quality.bytes_per_second));
  post(std::move(event), busy - now_ns);
}

void SimulatedWorld::hold(Event event) {
  if (event.kind == Arrival::datagram || event.kind == Arrival::bounced) return;  // lost
  if (event.kind == Arrival::piece && event.from) {
    Event end{.kind = Arrival::give_up, .from_host = event.from_host, .to_host = event.from_host};
    end.from = event.from;
    end.to = event.to;
    end.number = event.number;
    end.when = now_ns + kSilenceTimeout;
    push(std::move(end));
  }
  held.push_back(std::move(event));
}

// A time limit that was met, or came too late.
bool SimulatedWorld::is_over(const Event& event) noexcept {
  if (event.kind != Arrival::give_up) return false;
  const SimulatedSocket& socket = *event.from;
  if (!event.to) return socket.state != SimulatedSocket::State::connecting;
  return socket.state != SimulatedSocket::State::connected || event.to->arrived > event.number;
}

std::int64_t SimulatedWorld::next_arrival() {
  while (!events.empty() && is_over(events.front())) {
    std::pop_heap(events.begin(), events.end(), later);
    events.pop_back();
  }
  return events.empty() ? -1 : events.front().when;
}

bool SimulatedWorld::run_due() {
  const std::uint64_t before = event_count;
  while (!events.empty() && events.front().when <= now_ns) {
    std::pop_heap(events.begin(), events.end(), later);
    Event event = std::move(events.back());
    events.pop_back();
    if (is_cut(event.from_host, event.to_host))
      hold(std::move(event));
    else
      run(event);
  }
  return event_count != before;
}

void SimulatedWorld::record(const char* what, std::uint64_t one, std::uint64_t other,
                            std::uint64_t size) {
  std::uint64_t mix = hash;
  for (const char* each = what; *each != '\0'; ++each)
    mix = mix * 31 + static_cast<unsigned char>(*each);
  for (const std::uint64_t each : {static_cast<std::uint64_t>(now_ns), one, other, size})
    mix = Random::mixed(mix + each);
  hash = mix;
  if (!trace) return;
  std::string fraction = std::to_string(now_ns % kSecond);
  fraction.insert(0, 9 - fraction.size(), '0');
  trace(std::to_string(now_ns / kSecond) + "." + fraction + " " + what + " #" +
        std::to_string(one) + " #" + std::to_string(other) + " " + std::to_string(size));
}

void SimulatedWorld::run(Event& event) {
  ++event_count;
  const auto id = [](const SocketPtr& socket) {
    return socket ? static_cast<std::uint64_t>(socket->id) : 0;
  };
  record(name_of(event.kind), id(event.from), id(event.to), event.data.size());
  switch (event.kind) {
    case Arrival::connect:
      return arrive_connect(event);
    case Arrival::accepted:
      return arrive_accepted(event);
    case Arrival::established:
      return arrive_established(event);
    case Arrival::refused:
      return arrive_refused(event);
    case Arrival::piece:
      return arrive_piece(event);
    case Arrival::reset:
      if (event.to->state == SimulatedSocket::State::connected) break_stream(event.to, ECONNRESET);
      return;
    case Arrival::room:
      return arrive_room(event);
    case Arrival::datagram:
      return arrive_datagram(event);
    case Arrival::bounced:
      event.to->error = ECONNREFUSED;
      return signal(event.to, SimulatedSocket::kReadable);
    case Arrival::give_up:
      return give_up(event);
  }
}

// ---- sockets

SocketPtr SimulatedWorld::make_socket(Host host, int family, int type) {
  auto socket = std::make_shared<SimulatedSocket>();
  socket->host = host;
  socket->type = type;
  socket->id = ++next_id_;
  socket->name.family = family;
  return socket;
}

int SimulatedWorld::give_number(const SocketPtr& socket) {
  const auto free = std::find(sockets.begin(), sockets.end(), nullptr);
  const auto index = static_cast<std::size_t>(free - sockets.begin());
  if (options.max_sockets != 0 && index >= options.max_sockets) return -EMFILE;
  if (free == sockets.end())
    sockets.push_back(socket);
  else
    *free = socket;
  socket->fd = IoBackend::kFirstSimulated + static_cast<int>(index);
  return socket->fd;
}

SocketPtr SimulatedWorld::find(int fd) const {
  const auto index = static_cast<std::size_t>(fd) - IoBackend::kFirstSimulated;
  return index < sockets.size() ? sockets[index] : nullptr;
}

SocketPtr SimulatedWorld::find_bound(Host host, const Endpoint& name, int type) {
  std::erase_if(bound, [](const auto& each) { return each.expired(); });
  std::vector<SocketPtr> found;
  for (const auto& each : bound) {
    SocketPtr socket = each.lock();
    if (socket->state == SimulatedSocket::State::closed || socket->type != type) continue;
    if (type == SOCK_STREAM && socket->state != SimulatedSocket::State::listening) continue;
    const Endpoint& own = socket->name;
    if (own.family != name.family || own.port != name.port || own.path != name.path) continue;
    if (own.family != AF_UNIX && socket->host != host) continue;
    if (own.family != AF_UNIX && !own.is_any() && own.ip != name.ip) continue;
    found.push_back(std::move(socket));
  }
  if (found.empty()) return nullptr;
  return found.size() == 1 ? found[0] : found[random.below(found.size())];
}

bool SimulatedWorld::is_taken(const SimulatedSocket& socket, const Endpoint& name) const {
  for (const auto& each : bound) {
    const SocketPtr other = each.lock();
    if (!other || other->state == SimulatedSocket::State::closed) continue;
    if (other->type != socket.type || other->name.family != name.family) continue;
    if (name.family == AF_UNIX) {
      if (other->name.path == name.path) return true;
      continue;
    }
    if (other->host != socket.host || other->name.port != name.port) continue;
    if (!other->name.is_any() && !name.is_any() && other->name.ip != name.ip) continue;
    if (!(other->shares_port && socket.shares_port)) return true;
  }
  return false;
}

int SimulatedWorld::bind(const SocketPtr& pointer, Endpoint name) {
  SimulatedSocket& socket = *pointer;
  if (socket.is_bound) return -EINVAL;
  if (name.family != socket.name.family) return -EAFNOSUPPORT;
  if (!name.is_any() && host_of(name, socket.host) != socket.host) return -EADDRNOTAVAIL;
  if (name.family != AF_UNIX && name.port == 0) {
    do {
      name.port = next_port_;
      next_port_ = next_port_ == 65535 ? 49152 : static_cast<std::uint16_t>(next_port_ + 1);
    } while (is_taken(socket, name));
  } else if (is_taken(socket, name)) {
    return -EADDRINUSE;
  }
  socket.name = std::move(name);
  socket.is_bound = true;
  bound.push_back(pointer);
  return 0;
}

void SimulatedWorld::bind_to_any(const SocketPtr& pointer, const Endpoint& towards) {
  SimulatedSocket& socket = *pointer;
  if (socket.is_unix()) return;
  if (!socket.is_bound) {
    Endpoint any;
    any.family = socket.name.family;
    bind(pointer, std::move(any));
  }
  if (!socket.name.is_any()) return;
  if (towards.is_loopback() || towards.is_any()) {
    socket.name.ip = Endpoint::parse(socket.name.family == AF_INET ? "127.0.0.1" : "::1").ip;
  } else {
    socket.name.ip = address_of(socket.host, socket.name.family).ip;
  }
}

int SimulatedWorld::listen(const SocketPtr& pointer, int backlog) {
  SimulatedSocket& socket = *pointer;
  if (!socket.is_stream()) return -EOPNOTSUPP;
  if (socket.state != SimulatedSocket::State::fresh &&
      socket.state != SimulatedSocket::State::listening)
    return -EINVAL;
  if (!socket.is_bound) {
    Endpoint any;
    any.family = socket.name.family;
    bind(pointer, std::move(any));
  }
  socket.state = SimulatedSocket::State::listening;
  socket.backlog = std::max(backlog, 0);
  return 0;
}

void SimulatedWorld::join(const SocketPtr& one, const SocketPtr& other) {
  for (const auto& [socket, peer] : {std::pair(one, other), std::pair(other, one)}) {
    socket->state = SimulatedSocket::State::connected;
    socket->peer = peer;
    socket->peer_host = peer->host;
    socket->peer_name = peer->name;
  }
}

int SimulatedWorld::connect(const SocketPtr& socket, const Endpoint& peer) {
  if (peer.family != socket->name.family) return -EAFNOSUPPORT;
  if (!socket->is_stream()) {
    bind_to_any(socket, peer);
    socket->peer_name = peer;
    socket->state = SimulatedSocket::State::connected;
    return 0;
  }
  if (socket->state == SimulatedSocket::State::connecting) return -EALREADY;
  if (socket->state != SimulatedSocket::State::fresh) return -EISCONN;
  const Host host = host_of(peer, socket->host);
  if (socket->is_unix()) {
    const SocketPtr listener = find_bound(host, peer, SOCK_STREAM);
    if (!listener) return -ENOENT;
    if (listener->waiting.size() > static_cast<std::size_t>(listener->backlog)) return -EAGAIN;
    const SocketPtr served = make_socket(listener->host, AF_UNIX, SOCK_STREAM);
    served->name = peer;
    join(socket, served);
    listener->waiting.push_back(served);
    signal(listener, SimulatedSocket::kReadable);
    return 0;
  }
  bind_to_any(socket, peer);
  socket->state = SimulatedSocket::State::connecting;
  Event event{.kind = Arrival::connect, .from_host = socket->host, .to_host = host};
  event.from = socket;
  event.destination = peer;
  Event limit = event;
  limit.to_host = socket->host;
  if (host < 0) {
    limit.kind = Arrival::refused;
    limit.to = socket;
    limit.number = EHOSTUNREACH;
    limit.when = now_ns + kUnreachableAfter;
  } else {
    post(std::move(event));
    limit.kind = Arrival::give_up;
    limit.when = now_ns + kConnectTimeout;
  }
  push(std::move(limit));
  return -EINPROGRESS;
}

void SimulatedWorld::close(const SocketPtr& socket) {
  using State = SimulatedSocket::State;
  const State state = std::exchange(socket->state, State::closed);
  socket->watcher = nullptr;
  socket->signals = 0;
  std::erase(levels, socket);
  if (socket->fd >= 0) {
    sockets[static_cast<std::size_t>(socket->fd - IoBackend::kFirstSimulated)] = nullptr;
    while (!sockets.empty() && !sockets.back()) sockets.pop_back();
  }
  for (const SocketPtr& each : std::exchange(socket->waiting, {})) {
    each->resets_on_close = true;
    close(each);
  }
  if (state != State::connected || !socket->is_stream() || socket->is_broken) return;
  if (socket->unread() > 0 || socket->resets_on_close)
    post_reset(socket->host, socket->peer.lock());
  else if (!socket->end_sent)
    post_piece(socket, {}, true);
  socket->end_sent = true;
}

std::string SimulatedWorld::describe(const SimulatedSocket& socket) const {
  const auto name = [](const Endpoint& endpoint) {
    return endpoint.host() +
           (endpoint.family == AF_UNIX ? "" : ":" + std::to_string(endpoint.port));
  };
  std::string text = socket.is_stream() ? "stream socket" : "datagram socket";
  if (socket.state == SimulatedSocket::State::listening) text = "listening socket";
  text += " " + name(socket.name);
  if (socket.state == SimulatedSocket::State::connected) text += " to " + name(socket.peer_name);
  return text + " on host '" + host_names[static_cast<std::size_t>(socket.host)] + "'";
}

// ---- connections come to be

void SimulatedWorld::refuse(const Event& event, int error) {
  Event answer{.kind = Arrival::refused, .from_host = event.to_host, .to_host = event.from_host};
  answer.to = event.from;
  answer.number = static_cast<std::uint64_t>(error);
  post(std::move(answer));
}

void SimulatedWorld::arrive_connect(Event& event) {
  if (event.from->state != SimulatedSocket::State::connecting) return;
  const SocketPtr listener = find_bound(event.to_host, event.destination, SOCK_STREAM);
  if (!listener) return refuse(event, ECONNREFUSED);
  const auto taken = listener->waiting.size() + static_cast<std::size_t>(listener->handshakes);
  if (taken > static_cast<std::size_t>(listener->backlog)) return retry_connect(event);
  ++listener->handshakes;
  const SocketPtr served = make_socket(event.to_host, event.destination.family, SOCK_STREAM);
  served->name = event.destination;
  served->is_bound = true;
  if (served->name.is_any()) bind_to_any(served, event.from->name);
  Event answer{.kind = Arrival::accepted, .from_host = event.to_host, .to_host = event.from_host};
  answer.from = served;
  answer.to = event.from;
  answer.listener = listener;
  post(std::move(answer));
}

// The backlog is full: the SYN is dropped, and comes again after 1, 2, 4, ... seconds.
void SimulatedWorld::retry_connect(Event& event) {
  if (event.number >= kConnectAttempts) return;  // give_up() comes
  const std::int64_t delay = kSecond << event.number;
  ++event.number;
  post(std::move(event), delay);
}

void SimulatedWorld::arrive_accepted(Event& event) {
  const SocketPtr served = event.from;
  if (event.to->state == SimulatedSocket::State::connecting) {
    const Endpoint dialed = served->name;
    join(event.to, served);
    event.to->peer_name = dialed;
    signal(event.to, SimulatedSocket::kWritable);
  } else {  // it has given up meanwhile
    served->state = SimulatedSocket::State::closed;
  }
  Event answer{
      .kind = Arrival::established, .from_host = event.to_host, .to_host = event.from_host};
  answer.to = served;
  answer.listener = event.listener;
  post(std::move(answer));
}

void SimulatedWorld::arrive_established(Event& event) {
  SimulatedSocket& listener = *event.listener;
  --listener.handshakes;
  if (event.to->state == SimulatedSocket::State::closed) return;
  if (listener.state != SimulatedSocket::State::listening) {
    event.to->state = SimulatedSocket::State::closed;
    return post_reset(event.to->host, event.to->peer.lock());
  }
  listener.waiting.push_back(event.to);
  signal(event.listener, SimulatedSocket::kReadable);
}

void SimulatedWorld::arrive_refused(Event& event) {
  if (event.to->state != SimulatedSocket::State::connecting) return;
  event.to->state = SimulatedSocket::State::fresh;
  event.to->error = static_cast<int>(event.number);
  signal(event.to, SimulatedSocket::kFailed);
}

void SimulatedWorld::give_up(const Event& event) {
  if (is_over(event)) return;
  if (event.to) return break_stream(event.from, ETIMEDOUT);
  event.from->state = SimulatedSocket::State::fresh;
  event.from->error = ETIMEDOUT;
  signal(event.from, SimulatedSocket::kFailed);
}

// ---- datagrams

std::int64_t SimulatedWorld::send_datagram(const SocketPtr& socket, std::string_view data,
                                           Endpoint to) {
  if (socket->error != 0) return -std::exchange(socket->error, 0);
  if (to.family == 0) {
    if (socket->state != SimulatedSocket::State::connected) return -EDESTADDRREQ;
    to = socket->peer_name;
  }
  if (to.family != socket->name.family) return -EAFNOSUPPORT;
  if (data.size() > kLargestDatagram) return -EMSGSIZE;
  if (!socket->is_bound) bind_to_any(socket, to);
  const Host host = host_of(to, socket->host);
  if (socket->is_unix() && !find_bound(host, to, SOCK_DGRAM)) return -ENOENT;
  const auto size = static_cast<std::int64_t>(data.size());
  if (host < 0) return size;  // into the void
  const LinkQuality& quality = link(socket->host, host);
  int copies = random.chance(quality.loss) ? 0 : 1;
  if (random.chance(quality.duplication)) ++copies;
  for (; copies > 0; --copies) {
    Event event{.kind = Arrival::datagram, .from_host = socket->host, .to_host = host};
    event.from = socket;
    event.source = socket->name;
    if (event.source.is_any()) event.source.ip = address_of(socket->host, to.family).ip;
    if (to.is_loopback()) event.source.ip = to.ip;
    event.destination = to;
    event.data = data;
    post_over_link(std::move(event), data.size());
  }
  return size;
}

void SimulatedWorld::arrive_datagram(Event& event) {
  const SocketPtr to = find_bound(event.to_host, event.destination, SOCK_DGRAM);
  if (!to) {
    if (event.from->state != SimulatedSocket::State::connected) return;
    Event answer{.kind = Arrival::bounced, .from_host = event.to_host, .to_host = event.from_host};
    answer.to = event.from;
    return post(std::move(answer));
  }
  const bool is_connected = to->state == SimulatedSocket::State::connected;
  if (is_connected && to->peer_name != event.source) return;
  if (to->queued_bytes + event.data.size() > kDatagramRoom) return;
  to->queued_bytes += event.data.size();
  to->datagrams.emplace_back(std::move(event.source), std::move(event.data));
  signal(to, SimulatedSocket::kReadable);
}

}  // namespace asyncio::detail
