#include "asyncio/net/tls/internal/session_cache.hpp"

#include <utility>

namespace asyncio::detail {

void SessionCache::put(const std::string& peer, SslSessionPtr session) {
  const std::lock_guard lock(mutex_);
  if (!enabled_) return;
  const auto place = places_.find(peer);
  if (place == places_.end()) {
    peers_.emplace_front(Tickets{peer, {}});
    places_[peer] = peers_.begin();
    if (peers_.size() > kPeers) {
      places_.erase(peers_.back().peer);
      peers_.pop_back();
    }
  } else {
    peers_.splice(peers_.begin(), peers_, place->second);
  }
  auto& sessions = peers_.front().sessions;
  if (sessions.size() == kTicketsEach) sessions.erase(sessions.begin());
  sessions.push_back(std::move(session));
}

SslSessionPtr SessionCache::take(const std::string& peer) {
  const std::lock_guard lock(mutex_);
  const auto place = places_.find(peer);
  if (place == places_.end()) return nullptr;
  auto& sessions = place->second->sessions;
  if (SSL_SESSION_get_protocol_version(sessions.back().get()) < TLS1_3_VERSION) {
    SSL_SESSION_up_ref(sessions.back().get());
    return SslSessionPtr(sessions.back().get());
  }
  SslSessionPtr session = std::move(sessions.back());
  sessions.pop_back();
  if (sessions.empty()) {
    peers_.erase(place->second);
    places_.erase(place);
  }
  return session;
}

void SessionCache::clear() {
  const std::lock_guard lock(mutex_);
  peers_.clear();
  places_.clear();
}

std::size_t SessionCache::size() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const Tickets& each : peers_) count += each.sessions.size();
  return count;
}

void SessionCache::enable(bool enabled) {
  if (!enabled) clear();
  const std::lock_guard lock(mutex_);
  enabled_ = enabled;
}

}  // namespace asyncio::detail
