// session_cache.hpp: a client's tickets, by whom they are for. A ticket of TLS 1.3 is
// used once (RFC 8446, appendix C.4): servers send new ones on every connection. One of TLS 1.2
// stays.
#pragma once
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "asyncio/net/tls/internal/openssl.hpp"

namespace asyncio::detail {

// Threads: any; a context is shared by loops.
class SessionCache {
 public:
  static constexpr std::size_t kPeers = 256;
  static constexpr std::size_t kTicketsEach = 4;

  void put(const std::string& peer, SslSessionPtr session);
  SslSessionPtr take(const std::string& peer);  // the newest; null where there is none
  void clear();
  std::size_t size() const;
  void enable(bool enabled);

 private:
  struct Tickets {
    std::string peer;
    std::vector<SslSessionPtr> sessions;
  };
  mutable std::mutex mutex_;
  std::list<Tickets> peers_;  // the one used last stands first
  std::unordered_map<std::string, std::list<Tickets>::iterator> places_;
  bool enabled_ = true;
};

}  // namespace asyncio::detail
