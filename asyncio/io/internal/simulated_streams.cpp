// simulated_streams.cpp: the bytes of streams, and who is told that a socket is ready.
#include <algorithm>
#include <cerrno>

#include "asyncio/io/internal/simulated_world.hpp"

namespace asyncio::detail {
namespace {

using State = SimulatedSocket::State;

constexpr std::int64_t kRetransmission = 200'000'000;
constexpr std::uint64_t kGapBetweenParts = 20'000;  // ns, at most
constexpr std::size_t kCompactedAbove = 65'536;

}  // namespace

std::size_t SimulatedWorld::room(const SimulatedSocket& socket) const noexcept {
  const SocketPtr peer = socket.peer.lock();
  const std::size_t used = socket.under_way + (peer ? peer->unread() : 0);
  return used < options.window ? options.window - used : 0;
}

bool SimulatedWorld::is_writable(const SimulatedSocket& socket) const noexcept {
  if (!socket.is_stream()) return true;
  if (socket.error != 0 || socket.is_broken) return true;
  return socket.state == State::connected && (socket.end_sent || room(socket) > 0);
}

// ---- sending

void SimulatedWorld::post_piece(const SocketPtr& from, std::string data, bool is_end) {
  const LinkQuality& quality = link(from->host, from->peer_host);
  if (random.chance(quality.reset)) {
    post_reset(from->host, from->peer.lock());
    post_reset(from->host, from);
  }
  std::int64_t delay = 0;
  for (int times = 0; times < 6 && random.chance(quality.loss); ++times)
    delay += kRetransmission << times;
  Event event{.kind = Arrival::piece, .from_host = from->host, .to_host = from->peer_host};
  event.from = from;
  event.to = from->peer.lock();
  event.number = from->sent++;
  event.is_end = is_end;
  event.data = std::move(data);
  const std::size_t size = event.data.size();
  if (delay > 0)
    post(std::move(event), delay);
  else
    post_over_link(std::move(event), size);
}

void SimulatedWorld::post_reset(Host from_host, const SocketPtr& to) {
  if (!to) return;
  Event event{.kind = Arrival::reset, .from_host = from_host, .to_host = to->host};
  event.to = to;
  post(std::move(event));
}

std::int64_t SimulatedWorld::send(const SocketPtr& socket, std::string_view data) {
  if (socket->error != 0) return -std::exchange(socket->error, 0);
  if (socket->state == State::connecting) return -EAGAIN;
  if (socket->state != State::connected) return -ENOTCONN;
  if (socket->end_sent || socket->is_broken) return -EPIPE;
  std::size_t size = std::min(room(*socket), data.size());
  if (size == 0 && !data.empty()) {
    socket->is_blocked = true;
    return -EAGAIN;
  }
  if (options.cuts_streams && size > 1 && random.chance(0.25)) {
    size = 1 + static_cast<std::size_t>(random.below(size - 1));
    socket->is_blocked = true;  // there is room: it will be told soon
    Event event{.kind = Arrival::room, .from_host = socket->host, .to_host = socket->host};
    event.to = socket;
    post(std::move(event), static_cast<std::int64_t>(random.below(kGapBetweenParts)));
  }
  if (size < data.size()) socket->is_blocked = true;
  socket->under_way += size;
  post_piece(socket, std::string(data.substr(0, size)), false);
  return static_cast<std::int64_t>(size);
}

int SimulatedWorld::send_end(const SocketPtr& socket) {
  if (socket->state != State::connected || socket->is_broken) return -ENOTCONN;
  if (!socket->is_stream() || std::exchange(socket->end_sent, true)) return 0;
  post_piece(socket, {}, true);
  return 0;
}

void SimulatedWorld::arrive_room(Event& event) {
  if (!event.to->is_blocked || room(*event.to) == 0) return;
  event.to->is_blocked = false;
  signal(event.to, SimulatedSocket::kWritable);
}

// ---- receiving

void SimulatedWorld::arrive_piece(Event& event) {
  const SocketPtr& to = event.to;
  if (!to || to->state == State::closed) {
    event.from->under_way -= event.data.size();
    if (!event.is_end) post_reset(event.to_host, event.from);
    return;
  }
  if (to->is_broken || event.number < to->arrived) return;
  // Part of it now, the rest a moment later.
  if (options.cuts_streams && event.data.size() > 1 && random.chance(0.25)) {
    Event rest = event;
    const auto size = 1 + static_cast<std::size_t>(random.below(event.data.size() - 1));
    event.data.resize(size);
    if (event.number == to->arrived) {
      to->inbox += event.data;
      event.from->under_way -= size;
      signal(to, SimulatedSocket::kReadable);
      rest.data.erase(0, size);
    }
    rest.when = now_ns + 1 + static_cast<std::int64_t>(random.below(kGapBetweenParts));
    push(std::move(rest));
    return;
  }
  to->reordered[event.number] = {std::move(event.data), event.is_end};
  take_pieces(to);
}

void SimulatedWorld::take_pieces(const SocketPtr& socket) {
  const SocketPtr from = socket->peer.lock();
  while (!socket->reordered.empty() && socket->reordered.begin()->first == socket->arrived) {
    const SimulatedSocket::Piece piece = std::move(socket->reordered.begin()->second);
    socket->reordered.erase(socket->reordered.begin());
    ++socket->arrived;
    socket->inbox += piece.data;
    if (from) from->under_way -= piece.data.size();
    if (piece.is_end) socket->end_received = true;
    signal(socket, SimulatedSocket::kReadable | (piece.is_end ? SimulatedSocket::kHangup : 0U));
  }
}

std::int64_t SimulatedWorld::receive(const SocketPtr& socket, char* data, std::size_t size) {
  const std::size_t unread = socket->unread();
  if (unread == 0) {
    if (socket->error != 0) return -std::exchange(socket->error, 0);
    if (socket->end_received || socket->is_broken) return 0;
    return socket->state == State::connected ? -EAGAIN : -ENOTCONN;
  }
  const std::size_t taken = std::min(size, unread);
  std::copy_n(socket->inbox.data() + socket->inbox_begin, taken, data);
  socket->inbox_begin += taken;
  if (socket->inbox_begin == socket->inbox.size() || socket->inbox_begin > kCompactedAbove) {
    socket->inbox.erase(0, socket->inbox_begin);
    socket->inbox_begin = 0;
  }
  const SocketPtr peer = socket->peer.lock();
  if (peer && peer->is_blocked) {
    Event event{.kind = Arrival::room, .from_host = socket->host, .to_host = peer->host};
    event.to = peer;
    post(std::move(event));
  }
  return static_cast<std::int64_t>(taken);
}

void SimulatedWorld::break_stream(const SocketPtr& socket, int error) {
  if (std::exchange(socket->is_broken, true)) return;
  socket->error = error;
  socket->reordered.clear();
  signal(socket, SimulatedSocket::kFailed | SimulatedSocket::kHangup);
}

// ---- who is told

void SimulatedWorld::signal(const SocketPtr& socket, unsigned signals) {
  if (socket->watcher == nullptr) return;
  socket->signals = static_cast<std::uint8_t>(socket->signals | signals);
  if (!std::exchange(socket->is_queued, true)) ready.push_back(socket);
}

bool SimulatedWorld::tell() {
  const SimulatingScope simulating;
  for (const SocketPtr& socket : levels) {
    const bool readable = socket->level_readable && socket->is_readable();
    const bool writable = socket->level_writable && is_writable(*socket);
    socket->signals = 0;
    if (readable) signal(socket, SimulatedSocket::kReadable);
    if (writable) signal(socket, SimulatedSocket::kWritable);
  }
  std::vector<SocketPtr> told = std::exchange(ready, {});
  if (options.shuffles_ready) random.shuffle(told);
  bool any = false;
  for (const SocketPtr& socket : told) {
    socket->is_queued = false;
    const unsigned signals = std::exchange(socket->signals, std::uint8_t{0});
    if (socket->watcher == nullptr || signals == 0) continue;
    const bool failed = (signals & SimulatedSocket::kFailed) != 0;
    const bool readable = failed || (signals & SimulatedSocket::kReadable) != 0;
    const bool writable = failed || ((signals & SimulatedSocket::kWritable) != 0 &&
                                     (socket->wants_writable || socket->level_writable));
    if (!readable && !writable) continue;
    any = true;
    record("ready", static_cast<std::uint64_t>(socket->id), signals, 0);
    const SimulatingScope outside(0);
    if ((signals & SimulatedSocket::kHangup) != 0) socket->watcher->on_hangup();
    if (socket->watcher != nullptr) socket->watcher->on_ready(readable, writable);
  }
  return any;
}

}  // namespace asyncio::detail
