// errors.hpp: from OpenSSL's error queue to an exception that says which and what helps.
#pragma once
#include <exception>
#include <string>

#include "asyncio/net/tls/internal/openssl.hpp"
#include "asyncio/net/tls/ssl.hpp"

namespace asyncio::detail {

// What the verification of a certificate stumbled over.
struct VerifyFailure {
  int code = 0;             // X509_V_ERR_*; 0: nothing
  int depth = 0;            // 0: the peer's own certificate
  int chain = 0;            // certificates that the peer sent
  std::string subject;      // of the certificate in question
  std::string issuer;       //
  std::string not_before;   //
  std::string not_after;    //
  std::string names;        // whom it is for: "'a.org', 'b.org'"
  std::string signed_with;  // "sha1WithRSAEncryption"
  int key_bits = 0;
};

// Inside the verification callback.
VerifyFailure describe_failure(X509_STORE_CTX* store);

// All take what is in the queue and leave it empty.
std::exception_ptr make_verify_error(const VerifyFailure& failure, const std::string& peer,
                                     bool server_side);
// `peer`: whom we talk to. `during`: "SSL handshake", "read", ...
std::exception_ptr make_ssl_error(const std::string& peer, const char* during);
std::exception_ptr make_eof_error(const std::string& peer);
// Of a file or a setting: `what` names it, `cure` says what helps.
[[noreturn]] void throw_setup_error(const std::string& what, const std::string& cure);

}  // namespace asyncio::detail
