// context.cpp: ssl::Context. What its settings mean to OpenSSL.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "asyncio/base/errors.hpp"
#include "asyncio/net/tls/internal/certificates.hpp"
#include "asyncio/net/tls/internal/context_state.hpp"
#include "asyncio/net/tls/internal/engine.hpp"
#include "asyncio/net/tls/internal/errors.hpp"
#include "asyncio/net/tls/ssl.hpp"

namespace asyncio {
namespace detail {
namespace {

// 112 bits: RSA from 2048 bits, EC from 224, no SHA-1. Said here, since OpenSSL's default depends
// on who built it.
constexpr int kSecurityLevel = 2;
// TLS 1.2 with forward secrecy and authenticated encryption, then CBC with SHA-2 for old peers.
constexpr const char* kCiphers =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:!aNULL:!aDSS:!SHA1:!AESCCM";
constexpr std::string_view kSessionIdContext = "asyncio";

struct Passphrase {
  const std::string* password;
  bool was_asked = false;
};

// Instead of OpenSSL's own, which asks at the terminal and blocks the loop.
int give_password(char* buffer, int size, int, void* data) {
  auto& passphrase = *static_cast<Passphrase*>(data);
  passphrase.was_asked = true;
  const std::string& password = *passphrase.password;
  if (password.empty() || password.size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(buffer, password.data(), password.size());
  return static_cast<int>(password.size());
}

void check_readable(const std::string& path) {
  if (::access(path.c_str(), R_OK) != 0) throw_os_error(errno, "open", path);
}

int version_number(ssl::TLSVersion version) {
  switch (version) {
    case ssl::TLSVersion::TLSv1:
      return TLS1_VERSION;
    case ssl::TLSVersion::TLSv1_1:
      return TLS1_1_VERSION;
    case ssl::TLSVersion::TLSv1_2:
      return TLS1_2_VERSION;
    case ssl::TLSVersion::TLSv1_3:
      return TLS1_3_VERSION;
    default:
      return 0;  // OpenSSL's own limit
  }
}

ssl::TLSVersion version_of(long number, ssl::TLSVersion none) {
  switch (number) {
    case TLS1_VERSION:
      return ssl::TLSVersion::TLSv1;
    case TLS1_1_VERSION:
      return ssl::TLSVersion::TLSv1_1;
    case TLS1_2_VERSION:
      return ssl::TLSVersion::TLSv1_2;
    case TLS1_3_VERSION:
      return ssl::TLSVersion::TLSv1_3;
    default:
      return none;
  }
}

// PEM, else DER; the number of certificates that were added.
int add_certificates(X509_STORE* store, const std::string& data) {
  const BioPtr in(BIO_new_mem_buf(data.data(), static_cast<int>(data.size())));
  if (!in) throw std::bad_alloc();
  const bool is_pem = data.find("-----BEGIN") != std::string::npos;
  int count = 0;
  for (;;) {
    const X509Ptr certificate(is_pem ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)
                                     : d2i_X509_bio(in.get(), nullptr));
    if (!certificate) break;
    if (X509_STORE_add_cert(store, certificate.get()) != 1) return 0;
    ++count;
  }
  if (count > 0) ERR_clear_error();  // the end of the data is no error
  return count;
}

}  // namespace

SslContextState::SslContextState(ssl::Protocol protocol)
    : context_(SSL_CTX_new(protocol == ssl::PROTOCOL_TLS_CLIENT ? TLS_client_method()
                                                                : TLS_server_method())),
      protocol_(protocol) {
  if (!context_) throw_setup_error("a new context", "OpenSSL could not be initialised");
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_security_level(context, kSecurityLevel);
  SSL_CTX_set_options(
      context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  if (SSL_CTX_set_cipher_list(context, kCiphers) != 1)
    throw_setup_error("the default ciphers", "this OpenSSL has none of them: update it");
  // A certificate that the user trusts is trusted, whoever issued it. Not X509_V_FLAG_X509_STRICT:
  // private CAs often lack the key identifiers that it asks for.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context),
                              X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  if (protocol == ssl::PROTOCOL_TLS_CLIENT) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, &TlsEngine::on_new_session);
    set_verify_mode(ssl::CERT_REQUIRED);
    check_hostname = true;
  } else {
    SSL_CTX_set_session_id_context(context,
                                   reinterpret_cast<const unsigned char*>(kSessionIdContext.data()),
                                   static_cast<unsigned>(kSessionIdContext.size()));
    SSL_CTX_set_tlsext_servername_callback(context, &TlsEngine::on_server_name);
  }
}

void SslContextState::set_verify_mode(ssl::VerifyMode mode) {
  if (mode == ssl::CERT_NONE && check_hostname)
    throw ValueError("Cannot set verify_mode to CERT_NONE when check_hostname is enabled.");
  verify_mode = mode;
  int flags = SSL_VERIFY_NONE;
  if (mode != ssl::CERT_NONE) flags = SSL_VERIFY_PEER;
  if (mode == ssl::CERT_REQUIRED) flags |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(get(), flags, &TlsEngine::on_verify);
  sessions_.clear();  // what was accepted under other rules
}

void SslContextState::set_verify_flags(unsigned long flags) {
  X509_VERIFY_PARAM* const rules = SSL_CTX_get0_param(get());
  X509_VERIFY_PARAM_clear_flags(rules, X509_VERIFY_PARAM_get_flags(rules) & ~flags);
  X509_VERIFY_PARAM_set_flags(rules, flags);
  sessions_.clear();
}

void SslContextState::set_check_hostname(bool check) {
  if (check && verify_mode == ssl::CERT_NONE) set_verify_mode(ssl::CERT_REQUIRED);
  check_hostname = check;
  sessions_.clear();
}

void SslContextState::set_alpn(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& each : protocols) {
    if (each.empty() || each.size() > 255)
      throw ValueError("ALPN protocols must be 1 to 255 bytes long, not " +
                       std::to_string(each.size()));
    wire += static_cast<char>(each.size());
    wire += each;
  }
  alpn_ = std::move(wire);
  if (protocol_ == ssl::PROTOCOL_TLS_SERVER)
    SSL_CTX_set_alpn_select_cb(get(), &SslContextState::choose_alpn, this);
  else
    SSL_CTX_set_alpn_protos(get(), reinterpret_cast<const unsigned char*>(alpn_.data()),
                            static_cast<unsigned>(alpn_.size()));
}

// Ours come first. Without one in common the connection goes on without ALPN, as in Python.
int SslContextState::choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size,
                                 const unsigned char* in, unsigned in_size, void* self) {
  const std::string& ours = static_cast<SslContextState*>(self)->alpn_;
  unsigned char* chosen = nullptr;
  const int result =
      SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), in, in_size);
  *out = chosen;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

void SslContextState::set_sni(SniFunction function) {
  if (protocol_ != ssl::PROTOCOL_TLS_SERVER)
    throw ValueError("only a server's context has an SNI callback: PROTOCOL_TLS_SERVER");
  sni_ = std::move(function);
}

}  // namespace detail

namespace ssl {

using detail::throw_setup_error;

Context::Context(Protocol protocol) : state_(std::make_shared<detail::SslContextState>(protocol)) {}

const Context& Context::of_default_client() {
  static const Context context = create_default_context();
  return context;
}

detail::SslContextState& Context::state() const {
  if (!state_)
    throw RuntimeError("this ssl::Context is empty\n  instead: ssl::create_default_context()");
  return *state_;
}

void Context::load_cert_chain(const std::string& certfile, const std::string& keyfile,
                              const std::string& password) {
  SSL_CTX* const context = state().get();
  const std::string& key = keyfile.empty() ? certfile : keyfile;
  detail::check_readable(certfile);
  detail::check_readable(key);
  ERR_clear_error();
  detail::Passphrase passphrase{.password = &password};
  SSL_CTX_set_default_passwd_cb(context, &detail::give_password);
  SSL_CTX_set_default_passwd_cb_userdata(context, &passphrase);
  const bool certificate_ok = SSL_CTX_use_certificate_chain_file(context, certfile.c_str()) == 1;
  const bool key_ok =
      certificate_ok && SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  SSL_CTX_set_default_passwd_cb(context, nullptr);
  if (!certificate_ok)
    throw_setup_error("certificate: " + certfile,
                      "the file must hold the certificate in PEM form, then its chain; RSA keys of "
                      "less than 2048 bits and SHA-1 are refused");
  if (key_ok && SSL_CTX_check_private_key(context) == 1) return;
  if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
    throw_setup_error("key: " + key + ", certificate: " + certfile,
                      "the key must be the one that the certificate was made for");
  if (passphrase.was_asked)
    throw_setup_error("key: " + key, password.empty()
                                         ? "the key is encrypted: pass its password"
                                         : "the key is encrypted, and the password is wrong");
  throw_setup_error("key: " + key, "the file must hold a private key in PEM form");
}

void Context::load_verify_locations(const VerifyLocations& locations) {
  SSL_CTX* const context = state().get();
  if (locations.cafile.empty() && locations.capath.empty() && locations.cadata.empty())
    throw TypeError("cafile, capath and cadata cannot be all omitted");
  ERR_clear_error();
  if (!locations.cadata.empty() &&
      detail::add_certificates(SSL_CTX_get_cert_store(context), locations.cadata) == 0)
    throw_setup_error("cadata", "it must hold certificates in PEM or DER form");
  if (!locations.cafile.empty()) {
    detail::check_readable(locations.cafile);
    if (SSL_CTX_load_verify_file(context, locations.cafile.c_str()) != 1)
      throw_setup_error("CA file: " + locations.cafile,
                        "the file must hold certificates in PEM form");
  }
  if (!locations.capath.empty()) {
    detail::check_readable(locations.capath);
    if (SSL_CTX_load_verify_dir(context, locations.capath.c_str()) != 1)
      throw_setup_error("CA folder: " + locations.capath, "prepare it with `openssl rehash`");
  }
}

void Context::load_default_certs() {
  if (SSL_CTX_set_default_verify_paths(state().get()) != 1)
    throw_setup_error("the system's CAs", "install the package ca-certificates");
}

VerifyMode Context::verify_mode() const { return state().verify_mode; }
void Context::set_verify_mode(VerifyMode mode) { state().set_verify_mode(mode); }
VerifyFlags Context::verify_flags() const {
  return X509_VERIFY_PARAM_get_flags(SSL_CTX_get0_param(state().get()));
}
void Context::set_verify_flags(VerifyFlags flags) { state().set_verify_flags(flags); }
bool Context::check_hostname() const { return state().check_hostname; }
void Context::set_check_hostname(bool check) { state().set_check_hostname(check); }

TLSVersion Context::minimum_version() const {
  return detail::version_of(SSL_CTX_get_min_proto_version(state().get()),
                            TLSVersion::MINIMUM_SUPPORTED);
}
TLSVersion Context::maximum_version() const {
  return detail::version_of(SSL_CTX_get_max_proto_version(state().get()),
                            TLSVersion::MAXIMUM_SUPPORTED);
}
void Context::set_minimum_version(TLSVersion version) {
  const int number =
      version == TLSVersion::MAXIMUM_SUPPORTED ? TLS1_3_VERSION : detail::version_number(version);
  SSL_CTX_set_min_proto_version(state().get(), number);
}
void Context::set_maximum_version(TLSVersion version) {
  const int number =
      version == TLSVersion::MINIMUM_SUPPORTED ? TLS1_VERSION : detail::version_number(version);
  SSL_CTX_set_max_proto_version(state().get(), number);
}
void Context::set_ciphers(const std::string& ciphers) {
  ERR_clear_error();
  if (SSL_CTX_set_cipher_list(state().get(), ciphers.c_str()) != 1)
    throw_setup_error("ciphers: " + ciphers, "No cipher can be selected; see `openssl ciphers`");
}
void Context::set_ciphersuites(const std::string& ciphers) {
  ERR_clear_error();
  if (SSL_CTX_set_ciphersuites(state().get(), ciphers.c_str()) != 1)
    throw_setup_error("ciphersuites: " + ciphers, "see `openssl ciphers -tls1_3 -s`");
}
void Context::set_alpn_protocols(const std::vector<std::string>& protocols) {
  state().set_alpn(protocols);
}
void Context::set_sni_function(SniFunction function) { state().set_sni(std::move(function)); }
void Context::set_session_cache(bool enabled) { state().sessions().enable(enabled); }
std::size_t Context::cached_sessions() const { return state().sessions().size(); }
void Context::set_suppress_ragged_eofs(bool suppress) { state().suppress_ragged_eofs = suppress; }

std::string Context::repr() const {
  if (!state_) return "<SslContext empty>";
  std::string text = "<SslContext ";
  text += state_->protocol() == PROTOCOL_TLS_CLIENT ? "client" : "server";
  constexpr const char* kModes[] = {"CERT_NONE", "CERT_OPTIONAL", "CERT_REQUIRED"};
  text += std::string(" verify_mode=") + kModes[state_->verify_mode];
  if (state_->check_hostname) text += " check_hostname";
  return text + ">";
}

Context create_default_context(Purpose purpose, const VerifyLocations& trusted) {
  Context context(purpose == Purpose::SERVER_AUTH ? PROTOCOL_TLS_CLIENT : PROTOCOL_TLS_SERVER);
  if (!trusted.cafile.empty() || !trusted.capath.empty() || !trusted.cadata.empty())
    context.load_verify_locations(trusted);
  else if (purpose == Purpose::SERVER_AUTH)
    context.load_default_certs();
  return context;
}

// ---- SslObject

detail::TlsEngine& SslObject::engine() const {
  if (!engine_)
    throw RuntimeError("this connection is not TLS: its SslObject is empty\n  instead: test it");
  return *engine_;
}

std::string SslObject::version() const {
  SSL* const ssl = engine().get();
  return SSL_is_init_finished(ssl) == 1 ? SSL_get_version(ssl) : "";
}

std::optional<Cipher> SslObject::cipher() const {
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(engine().get());
  if (cipher == nullptr) return std::nullopt;
  return Cipher{.name = SSL_CIPHER_get_name(cipher),
                .protocol = SSL_CIPHER_get_version(cipher),
                .secret_bits = SSL_CIPHER_get_bits(cipher, nullptr)};
}

std::optional<std::string> SslObject::compression() const { return std::nullopt; }

std::optional<std::string> SslObject::selected_alpn_protocol() const {
  const unsigned char* data = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(engine().get(), &data, &size);
  if (size == 0) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(data), size);
}

std::optional<Certificate> SslObject::getpeercert() const {
  X509* const certificate = SSL_get0_peer_certificate(engine().get());
  if (certificate == nullptr) return std::nullopt;
  return detail::read_certificate(certificate);
}

std::string SslObject::server_hostname() const { return engine().server_hostname(); }
bool SslObject::server_side() const { return engine().server_side(); }
bool SslObject::session_reused() const { return SSL_session_reused(engine().get()) == 1; }
Context SslObject::context() const { return engine().context(); }
void SslObject::set_context(const Context& context) { engine().set_context(context); }

std::string SslObject::repr() const {
  if (!engine_) return "<SslObject empty>";
  return "<SslObject " +
         (server_side() ? std::string("server") : "client of " + server_hostname()) + " " +
         (version().empty() ? "handshaking" : version()) + ">";
}

}  // namespace ssl
}  // namespace asyncio
