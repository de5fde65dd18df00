// context_state.hpp: what a Context handle shares: OpenSSL's SSL_CTX and what it has no place for.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "asyncio/net/tls/internal/openssl.hpp"
#include "asyncio/net/tls/internal/session_cache.hpp"
#include "asyncio/net/tls/ssl.hpp"

namespace asyncio::detail {

class SslContextState : public std::enable_shared_from_this<SslContextState> {
 public:
  using SniFunction = std::function<std::optional<ssl::AlertDescription>(
      ssl::SslObject&, std::string_view, const ssl::Context&)>;

  explicit SslContextState(ssl::Protocol protocol);
  SslContextState(const SslContextState&) = delete;
  SslContextState& operator=(const SslContextState&) = delete;
  ~SslContextState() = default;

  SSL_CTX* get() const noexcept { return context_.get(); }
  ssl::Protocol protocol() const noexcept { return protocol_; }
  SessionCache& sessions() noexcept { return sessions_; }

  void set_verify_mode(ssl::VerifyMode mode);
  void set_verify_flags(unsigned long flags);
  void set_check_hostname(bool check);
  void set_alpn(const std::vector<std::string>& protocols);
  void set_sni(SniFunction function);

  ssl::VerifyMode verify_mode = ssl::CERT_NONE;
  bool check_hostname = false;
  bool suppress_ragged_eofs = false;
  const SniFunction& sni() const noexcept { return sni_; }

 private:
  static int choose_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                         const unsigned char* in, unsigned in_size, void* self);

  SslCtxPtr context_;
  ssl::Protocol protocol_;
  std::string alpn_;  // as it goes over the wire: a length byte before each
  SniFunction sni_;
  SessionCache sessions_;
};

}  // namespace asyncio::detail
