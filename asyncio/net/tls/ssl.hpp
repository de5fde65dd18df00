// ssl.hpp: TLS as Python's ssl module has it: contexts, what is known about a connection, errors.
// Source: docs.python.org/3/library/ssl.html. Connections become TLS by ConnectOptions::ssl,
// ServerOptions::ssl, StreamWriter::start_tls and Loop::start_tls; streams and transports stay as
// they are.
//
//   asyncio::ssl::Context context = asyncio::ssl::create_default_context();
//   auto [reader, writer] = co_await asyncio::open_connection("example.org", 443, {.ssl =
//   context}); writer.ssl_object().version();  // "TLSv1.3"
//
// Safe by default: the certificate and the host name are verified, TLS 1.2 is the least, keys below
// 2048 bits (RSA) and SHA-1 signatures are refused, renegotiation is off. C++: a connection that
// ends without the peer's close_notify ended too early; that is an error, not the end.
#pragma once
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "asyncio/base/clock.hpp"
#include "asyncio/base/errors.hpp"

namespace asyncio {

namespace detail {
class SslContextState;
class TlsEngine;
}  // namespace detail

// TLS said no. what() begins as Python's does: "[SSL: WRONG_VERSION_NUMBER] wrong version number";
// the lines below name the peer and the cure.
class SslError : public OSError {
 public:
  struct Parts {
    int number = 1;       // SSL_ERROR_SSL
    std::string library;  // "SSL", "X509", "PEM"
    std::string reason;   // "WRONG_VERSION_NUMBER"
  };
  SslError(Parts parts, std::string words, std::string subject);
  const std::string& library() const noexcept { return library_; }
  const std::string& reason() const noexcept { return reason_; }

 private:
  std::string library_;
  std::string reason_;
};

// The connection ended without close_notify: somebody may have cut it.
struct SslEofError : SslError {
  using SslError::SslError;
};

// The peer's certificate is refused.
class SslCertVerificationError : public SslError {
 public:
  SslCertVerificationError(int code, std::string message, std::string words, std::string host);
  int verify_code() const noexcept { return code_; }  // X509_V_ERR_* of OpenSSL
  const std::string& verify_message() const noexcept { return message_; }

 private:
  int code_;
  std::string message_;
};

namespace ssl {

using SSLError = SslError;
using SSLEOFError = SslEofError;
using SSLCertVerificationError = SslCertVerificationError;

enum Protocol : std::uint8_t { PROTOCOL_TLS_CLIENT, PROTOCOL_TLS_SERVER };
enum VerifyMode : std::uint8_t { CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED };
enum class Purpose : std::uint8_t { SERVER_AUTH, CLIENT_AUTH };
enum class TLSVersion : std::uint8_t {
  MINIMUM_SUPPORTED,
  TLSv1,
  TLSv1_1,
  TLSv1_2,
  TLSv1_3,
  MAXIMUM_SUPPORTED
};
// What is checked besides; bits, with OpenSSL's numbers.
using VerifyFlags = unsigned long;
inline constexpr VerifyFlags VERIFY_DEFAULT = 0;
inline constexpr VerifyFlags VERIFY_CRL_CHECK_LEAF = 0x4;   // the certificate is not revoked
inline constexpr VerifyFlags VERIFY_CRL_CHECK_CHAIN = 0xC;  // nor is one of its issuers
inline constexpr VerifyFlags VERIFY_X509_STRICT = 0x20;     // no leniency for odd certificates
inline constexpr VerifyFlags VERIFY_ALLOW_PROXY_CERTS = 0x40;
inline constexpr VerifyFlags VERIFY_X509_TRUSTED_FIRST = 0x8000;
inline constexpr VerifyFlags VERIFY_X509_PARTIAL_CHAIN = 0x80000;  // an intermediate may be trusted

// RFC 8446 section 6.2; what an SNI callback may answer.
enum class AlertDescription : std::uint8_t {
  handshake_failure = 40,
  access_denied = 49,
  internal_error = 80,
  unrecognized_name = 112
};

struct Certificate {
  using Names = std::vector<std::pair<std::string, std::string>>;
  Names subject;           // ("commonName", "example.org"), in order
  Names issuer;            //
  int version = 0;         // 3
  std::string serial;      // in hexadecimal
  std::string not_before;  // "Jan  5 09:34:43 2026 GMT"
  std::string not_after;
  Names subject_alt_name;  // ("DNS", "example.org"), ("IP Address", "127.0.0.1")
  std::string der;         // the whole, in binary form
};

struct Cipher {
  std::string name;      // "TLS_AES_256_GCM_SHA384"
  std::string protocol;  // "TLSv1.3"
  int secret_bits = 0;
};

// Files and data to trust.
struct VerifyLocations {
  std::string cafile = {};  // PEM, one or several; revocation lists, too (VERIFY_CRL_CHECK_LEAF)
  std::string capath = {};  // a folder as `openssl rehash` makes it
  std::string cadata = {};  // PEM or DER
};

class Context;

// What is known about one TLS connection; a shared handle that outlives it. Empty for a plain one.
class SslObject {
 public:
  SslObject() noexcept = default;
  explicit SslObject(std::shared_ptr<detail::TlsEngine> engine) noexcept
      : engine_(std::move(engine)) {}
  explicit operator bool() const noexcept { return engine_ != nullptr; }

  std::string version() const;                     // "TLSv1.3"; empty before the handshake
  std::optional<Cipher> cipher() const;            // after the handshake
  std::optional<std::string> compression() const;  // always nullopt: it leaks (CRIME)
  std::optional<Certificate> getpeercert() const;  // nullopt where the peer showed none
  std::optional<std::string> selected_alpn_protocol() const;
  std::string server_hostname() const;  // the client's choice; on a server, what SNI asked for
  bool server_side() const;
  bool session_reused() const;  // the handshake was an abbreviated one
  Context context() const;
  void set_context(const Context& context);  // in an SNI callback: another certificate
  std::string repr() const;

 private:
  detail::TlsEngine& engine() const;
  std::shared_ptr<detail::TlsEngine> engine_;
};

// Settings, certificates and keys for many connections; a shared handle. Any thread may use it for
// connections once it is set up; setting it up is for one thread.
class Context {
 public:
  Context() noexcept = default;  // empty: no TLS
  // As Python's ssl=True: the default context for clients, made once. False: empty.
  template <std::same_as<bool> B>
  Context(B enabled)  // NOLINT: implicit, as an option is
      : Context(enabled ? of_default_client() : Context()) {}
  // A client verifies, but trusts nobody yet; a server has no certificate yet.
  explicit Context(Protocol protocol);
  explicit Context(std::shared_ptr<detail::SslContextState> state) noexcept
      : state_(std::move(state)) {}
  explicit operator bool() const noexcept { return state_ != nullptr; }
  friend bool operator==(const Context&, const Context&) = default;

  // ---- certificates. Throw OSError for a file that cannot be read, SslError for what is wrong
  // with it; both name the file.
  // PEM: the certificate, then those up to the root; the key may stand in the same file.
  // `password` is for an encrypted key; nobody is asked for one.
  void load_cert_chain(const std::string& certfile, const std::string& keyfile = {},
                       const std::string& password = {});
  void load_verify_locations(const VerifyLocations& locations);
  // The system's roots. SSL_CERT_FILE and SSL_CERT_DIR name others.
  void load_default_certs();

  // ---- verification
  VerifyMode verify_mode() const;
  // Throws ValueError for CERT_NONE while host names are checked.
  void set_verify_mode(VerifyMode mode);
  // Python's verify_flags. Of a new context: TRUSTED_FIRST and PARTIAL_CHAIN.
  VerifyFlags verify_flags() const;
  void set_verify_flags(VerifyFlags flags);
  bool check_hostname() const;
  void set_check_hostname(bool check);  // true makes verify_mode CERT_REQUIRED

  // ---- the protocol
  TLSVersion minimum_version() const;
  TLSVersion maximum_version() const;
  void set_minimum_version(TLSVersion version);
  void set_maximum_version(TLSVersion version);
  void set_ciphers(const std::string& ciphers);       // TLS 1.2, OpenSSL's list; throws SslError
  void set_ciphersuites(const std::string& ciphers);  // TLS 1.3
  // In order of preference. Throws ValueError for an empty one, or one over 255 bytes.
  void set_alpn_protocols(const std::vector<std::string>& protocols);

  // ---- servers: called with the name a client asks for ("" where it asks for none), before the
  // certificate is chosen: callback(SslObject&, std::string_view name, const Context&). It may
  // set_context(), and return nothing, or an AlertDescription that refuses.
  template <class F>
  void set_sni_callback(F callback) {
    set_sni_function([callback = std::move(callback)](
                         SslObject& object, std::string_view name,
                         const Context& context) mutable -> std::optional<AlertDescription> {
      if constexpr (std::is_void_v<
                        std::invoke_result_t<F&, SslObject&, std::string_view, const Context&>>) {
        callback(object, name, context);
        return std::nullopt;
      } else {
        return callback(object, name, context);
      }
    });
  }

  // ---- clients: tickets of a server are kept, each for one later connection to the same host and
  // port. C++: on by itself.
  void set_session_cache(bool enabled);
  std::size_t cached_sessions() const;
  // True: the end of the connection counts as the end of the data, as before TLS knew better.
  void set_suppress_ragged_eofs(bool suppress);

  std::string repr() const;
  detail::SslContextState& state() const;  // throws RuntimeError where it is empty

 private:
  using SniFunction =
      std::function<std::optional<AlertDescription>(SslObject&, std::string_view, const Context&)>;
  static const Context& of_default_client();
  void set_sni_function(SniFunction function);
  std::shared_ptr<detail::SslContextState> state_;
};

// SERVER_AUTH: for clients, with verification and the system's roots, or those given here.
// CLIENT_AUTH: for servers; load_cert_chain() comes next.
Context create_default_context(Purpose purpose = Purpose::SERVER_AUTH,
                               const VerifyLocations& trusted = {});

inline constexpr Duration kHandshakeTimeout = std::chrono::seconds(60);
inline constexpr Duration kShutdownTimeout = std::chrono::seconds(30);

}  // namespace ssl

using SslContext = ssl::Context;
using SslObject = ssl::SslObject;

// What start_tls() takes.
struct StartTlsOptions {
  // Left out: a stream knows; for Loop::start_tls, false.
  std::optional<bool> server_side = {};
  std::string server_hostname = {};  // whom a client expects; required where that is checked
  Duration ssl_handshake_timeout = ssl::kHandshakeTimeout;
  Duration ssl_shutdown_timeout = ssl::kShutdownTimeout;
};

}  // namespace asyncio
