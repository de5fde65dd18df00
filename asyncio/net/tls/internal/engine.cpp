#include "asyncio/net/tls/internal/engine.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/net/tls/internal/context_state.hpp"

namespace asyncio::detail {

// The two ends that OpenSSL sees.
struct EngineBio {
  static TlsEngine& engine(BIO* bio) noexcept {
    return *static_cast<TlsEngine*>(BIO_get_data(bio));
  }
  static int read(BIO* bio, char* data, std::size_t size, std::size_t* got) {
    BIO_clear_retry_flags(bio);
    std::string_view& input = engine(bio).input_;
    *got = std::min(size, input.size());
    if (*got == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(data, input.data(), *got);
    input.remove_prefix(*got);
    return 1;
  }
  static int write(BIO* bio, const char* data, std::size_t size, std::size_t* written) noexcept;
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
  static BIO_METHOD* make_method() {
    BIO_METHOD* const method =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "asyncio engine");
    if (method == nullptr) throw std::bad_alloc();
    BIO_meth_set_read_ex(method, &EngineBio::read);
    BIO_meth_set_write_ex(method, &EngineBio::write);
    BIO_meth_set_ctrl(method, &EngineBio::control);
    return method;
  }
  static const BIO_METHOD* method() {
    static const BIO_METHOD* const method = make_method();
    return method;
  }
};

namespace {

// A buffer that was sent, for the next connection that writes: idle ones hold none.
thread_local std::string spare_output;
constexpr std::size_t kKeptOutput = std::size_t{128} * 1024;

bool is_numeric(const std::string& host) noexcept {
  std::array<unsigned char, 16> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

bool is_ascii(const std::string& text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char letter) {
    return static_cast<unsigned char>(letter) > 0x20 && static_cast<unsigned char>(letter) < 0x7F;
  });
}

// What others left in the queue must not be taken for ours.
void forget_errors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// "example.org." is example.org; "[::1]" and "fe80::1%eth0" are addresses.
std::string plain_host(std::string host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  const std::size_t zone = host.find('%');
  if (zone != std::string::npos && is_numeric(host.substr(0, zone))) host.resize(zone);
  if (host.size() > 1 && host.back() == '.') host.pop_back();
  return host;
}

void check_role(const SslContextState& state, bool server_side, const std::string& host) {
  if (server_side && state.protocol() == ssl::PROTOCOL_TLS_CLIENT)
    throw ValueError("Cannot create a server socket with a PROTOCOL_TLS_CLIENT context");
  if (!server_side && state.protocol() == ssl::PROTOCOL_TLS_SERVER)
    throw ValueError("Cannot create a client socket with a PROTOCOL_TLS_SERVER context");
  if (server_side) return;
  if (state.check_hostname && host.empty())
    throw ValueError("check_hostname requires server_hostname");
  if (!host.empty() && (host.front() == '.' || !is_ascii(host)))
    throw ValueError(
        "server_hostname cannot start with a leading dot, and names beyond ASCII are "
        "written as xn--...: '" +
        host + "'");
}

}  // namespace

int EngineBio::write(BIO* bio, const char* data, std::size_t size, std::size_t* written) noexcept {
  BIO_clear_retry_flags(bio);
  std::string& output = engine(bio).output_;
  if (output.empty() && output.capacity() < spare_output.capacity()) output.swap(spare_output);
  try {
    output.append(data, size);
  } catch (const std::bad_alloc&) {  // C code calls us
    return 0;
  }
  *written = size;
  return 1;
}

void TlsEngine::recycle(std::string buffer) noexcept {
  if (buffer.capacity() <= spare_output.capacity() || buffer.capacity() > kKeptOutput) return;
  buffer.clear();
  spare_output = std::move(buffer);
}

TlsEngine::TlsEngine(const ssl::Context& context, bool server_side, std::string server_hostname)
    : context_(context),
      server_hostname_(plain_host(std::move(server_hostname))),
      server_side_(server_side) {
  SslContextState& state = context.state();
  check_role(state, server_side, server_hostname_);
  ssl_.reset(SSL_new(state.get()));
  BIO* const bio = ssl_ ? BIO_new(EngineBio::method()) : nullptr;
  if (bio == nullptr) {
    ERR_clear_error();
    throw std::bad_alloc();
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  if (server_side)
    SSL_set_accept_state(ssl_.get());
  else
    SSL_set_connect_state(ssl_.get());
  if (!server_side && !server_hostname_.empty()) expect_host();
}

TlsEngine::~TlsEngine() = default;

void TlsEngine::expect_host() {
  const char* const host = server_hostname_.c_str();
  const bool numeric = is_numeric(server_hostname_);
  if (!numeric) SSL_set_tlsext_host_name(ssl_.get(), host);
  if (!context_.check_hostname()) return;
  X509_VERIFY_PARAM* const rules = SSL_get0_param(ssl_.get());
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int set = numeric ? X509_VERIFY_PARAM_set1_ip_asc(rules, host)
                          : X509_VERIFY_PARAM_set1_host(rules, host, server_hostname_.size());
  if (set != 1) {
    ERR_clear_error();
    throw std::bad_alloc();
  }
}

void TlsEngine::set_peer(const std::string& name, int port) {
  peer_ = server_hostname_.empty() ? name : server_hostname_;
  if (server_side_ || server_hostname_.empty()) return;
  cache_key_ = server_hostname_ + ":" + std::to_string(port);
  const SslSessionPtr session = context_.state().sessions().take(cache_key_);
  if (session) SSL_set_session(ssl_.get(), session.get());
}

TlsEngine::Status TlsEngine::status_of(int result) const noexcept {
  if (result > 0) return Status::done;
  if (ERR_peek_error() != 0) return Status::failed;
  if (SSL_want_read(ssl_.get())) return Status::want_input;
  const bool ended = (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  return ended ? Status::closed_by_peer : Status::failed;
}

TlsEngine::Status TlsEngine::handshake() {
  forget_errors();
  return status_of(SSL_do_handshake(ssl_.get()));
}

TlsEngine::Status TlsEngine::read(char* data, std::size_t size, std::size_t& got) {
  got = 0;
  forget_errors();
  return status_of(SSL_read_ex(ssl_.get(), data, size, &got));
}

TlsEngine::Status TlsEngine::write(std::string_view data) {
  std::size_t written = 0;
  forget_errors();
  return status_of(SSL_write_ex(ssl_.get(), data.data(), data.size(), &written));
}

TlsEngine::Status TlsEngine::shutdown() {
  forget_errors();
  const int result = SSL_shutdown(ssl_.get());
  return result == 0 ? Status::want_input : status_of(result);
}

std::exception_ptr TlsEngine::error(const char* during) {
  if (callback_error_) {
    ERR_clear_error();
    return std::exchange(callback_error_, nullptr);
  }
  const unsigned long last = ERR_peek_last_error();
  if (verify_failure_.code != 0 && ERR_GET_REASON(last) == SSL_R_CERTIFICATE_VERIFY_FAILED)
    return make_verify_error(verify_failure_, peer_, server_side_);
  return make_ssl_error(peer_, during);
}

bool TlsEngine::ignores_eof() const noexcept { return context_.state().suppress_ragged_eofs; }

void TlsEngine::set_context(const ssl::Context& context) {
  SslContextState& state = context.state();
  SSL_set_SSL_CTX(ssl_.get(), state.get());
  SSL_set_verify(ssl_.get(), SSL_CTX_get_verify_mode(state.get()), &TlsEngine::on_verify);
  context_ = context;
}

int TlsEngine::on_verify(int ok, X509_STORE_CTX* store) {
  if (ok == 1) return 1;
  auto* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsEngine& engine = of(ssl);
  if (SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE) return 1;
  try {
    engine.verify_failure_ = describe_failure(store);
  } catch (...) {
    engine.callback_error_ = std::current_exception();
  }
  return 0;
}

int TlsEngine::choose_by_name(int* alert) {
  const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  if (name != nullptr) server_hostname_ = name;
  const auto function = context_.state().sni();  // a copy: it may set another context
  if (!function) return SSL_TLSEXT_ERR_OK;
  ssl::SslObject object(shared_from_this());
  const ssl::Context context = context_;
  const auto refused = function(object, server_hostname_, context);
  if (!refused) return SSL_TLSEXT_ERR_OK;
  *alert = static_cast<int>(*refused);
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int TlsEngine::on_server_name(SSL* ssl, int* alert, void*) {
  TlsEngine& engine = of(ssl);
  try {
    return engine.choose_by_name(alert);
  } catch (...) {
    engine.callback_error_ = std::current_exception();
    *alert = static_cast<int>(ssl::AlertDescription::internal_error);
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
}

int TlsEngine::on_new_session(SSL* ssl, SSL_SESSION* session) {
  TlsEngine& engine = of(ssl);
  if (engine.cache_key_.empty()) return 0;
  try {
    engine.context_.state().sessions().put(engine.cache_key_, SslSessionPtr(session));
  } catch (...) {
    return 1;  // the owner above has freed it
  }
  return 1;  // it is ours now
}

}  // namespace asyncio::detail
