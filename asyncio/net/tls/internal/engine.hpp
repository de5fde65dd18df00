// engine.hpp: TlsEngine, one TLS connection without a socket: bytes in, bytes out. OpenSSL reads
// straight from what the transport lends, and its records are collected for one send.
#pragma once
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "asyncio/net/tls/internal/errors.hpp"
#include "asyncio/net/tls/internal/openssl.hpp"
#include "asyncio/net/tls/ssl.hpp"

namespace asyncio::detail {

class TlsEngine : public std::enable_shared_from_this<TlsEngine> {
 public:
  enum class Status : std::uint8_t { done, want_input, closed_by_peer, failed };

  // Throws ValueError where the context and the role do not go together.
  TlsEngine(const ssl::Context& context, bool server_side, std::string server_hostname);
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;
  ~TlsEngine();

  // Once, before the handshake: who it is, for messages, and the port for the session cache.
  void set_peer(const std::string& name, int port);

  // ---- ciphertext. The input is lent; what stays in input() after an operation is still to be
  // read.
  void lend_input(std::string_view data) noexcept { input_ = data; }
  std::string_view input() const noexcept { return input_; }
  std::string take_output() noexcept { return std::exchange(output_, std::string()); }
  bool has_output() const noexcept { return !output_.empty(); }
  static void recycle(std::string buffer) noexcept;  // of take_output()

  // ---- operations. What they produce is in take_output() whatever they return.
  Status handshake();
  Status read(char* data, std::size_t size, std::size_t& got);
  Status write(std::string_view data);
  // Says close_notify. done: the peer has, too; want_input: read() until closed_by_peer.
  Status shutdown();
  // A read would find something, without more input.
  bool can_read() const noexcept { return !input_.empty() || SSL_has_pending(ssl_.get()) == 1; }
  // Of the operation that failed.
  std::exception_ptr error(const char* during);
  std::exception_ptr eof_error() const { return make_eof_error(peer_); }
  bool ignores_eof() const noexcept;

  SSL* get() const noexcept { return ssl_.get(); }
  bool server_side() const noexcept { return server_side_; }
  const std::string& server_hostname() const noexcept { return server_hostname_; }
  const std::string& peer() const noexcept { return peer_; }
  const ssl::Context& context() const noexcept { return context_; }
  void set_context(const ssl::Context& context);

  // ---- OpenSSL's callbacks
  static TlsEngine& of(const SSL* ssl) noexcept {
    return *static_cast<TlsEngine*>(SSL_get_app_data(ssl));
  }
  static int on_verify(int ok, X509_STORE_CTX* store);
  static int on_server_name(SSL* ssl, int* alert, void*);
  static int on_new_session(SSL* ssl, SSL_SESSION* session);

 private:
  friend struct EngineBio;
  Status status_of(int result) const noexcept;
  void expect_host();
  int choose_by_name(int* alert);

  ssl::Context context_;
  std::string_view input_;
  std::string output_;
  SslPtr ssl_;
  std::string server_hostname_;
  std::string peer_;       // for messages
  std::string cache_key_;  // of a client's tickets
  VerifyFailure verify_failure_;
  std::exception_ptr callback_error_;  // of an SNI callback
  bool server_side_;
};

}  // namespace asyncio::detail
