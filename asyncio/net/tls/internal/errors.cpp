#include "asyncio/net/tls/internal/errors.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <cctype>
#include <cstring>

#include "asyncio/net/tls/internal/certificates.hpp"

namespace asyncio {

SslError::SslError(Parts parts, std::string words, std::string subject)
    : OSError(parts.number, ErrorText{std::move(words)}, "ssl", std::move(subject)),
      library_(std::move(parts.library)),
      reason_(std::move(parts.reason)) {}

SslCertVerificationError::SslCertVerificationError(int code, std::string message, std::string words,
                                                   std::string host)
    : SslError({.library = "SSL", .reason = "CERTIFICATE_VERIFY_FAILED"}, std::move(words),
               std::move(host)),
      code_(code),
      message_(std::move(message)) {}

namespace detail {
namespace {

std::string mnemonic(std::string text) {
  for (char& letter : text)
    letter = letter == ' ' || letter == '-'
                 ? '_'
                 : static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return text;
}

// What OpenSSL complained about last, and Python's first line for it.
struct Complaint {
  std::string library = "SSL";
  std::string reason = "UNKNOWN";
  std::string words = "unknown error";
  unsigned long code = 0;
  std::string sentence() const { return "[" + library + ": " + reason + "] " + words; }
};

Complaint take_complaint() {
  Complaint complaint;
  complaint.code = ERR_peek_last_error();
  if (const char* reason = ERR_reason_error_string(complaint.code)) {
    complaint.words = reason;
    complaint.reason = mnemonic(reason);
  }
  switch (ERR_GET_LIB(complaint.code)) {
    case ERR_LIB_X509:
      complaint.library = "X509";
      break;
    case ERR_LIB_PEM:
      complaint.library = "PEM";
      break;
    default:
      break;
  }
  ERR_clear_error();
  return complaint;
}

// What helps against the refusals that people meet.
const char* cure_of(int reason) {
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return "the peer does not speak TLS here: use the TLS port, or no ssl at all";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_BAD_PROTOCOL_VERSION_NUMBER:
      return "one side speaks only old, weak protocols: update it (the least is TLS 1.2, "
             "set_minimum_version())";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_NO_SHARED_CIPHER:
      return "the two sides have no version, cipher or certificate type in common: see "
             "set_minimum_version(), set_ciphers() and, on the server, load_cert_chain()";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return "the client has to show a certificate: load_cert_chain() on its context";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      return "the peer does not accept our certificate: see load_cert_chain(), and whom it trusts";
    case SSL_R_TLSV1_UNRECOGNIZED_NAME:
      return "the server has no such host: check server_hostname";
    case SSL_R_DH_KEY_TOO_SMALL:
    case SSL_R_EE_KEY_TOO_SMALL:
      return "the peer's key is too weak: it needs at least 2048 bits (RSA, DH) or 224 (EC)";
    default:
      return nullptr;
  }
}

struct Explanation {
  std::string wrong;
  std::string cure;
};

Explanation explain_trust(const VerifyFailure& failure) {
  switch (failure.code) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return {"self-signed: the certificate of " + failure.subject + " vouches for itself",
              "if it is meant, trust it: load_verify_locations({.cafile = \"its.pem\"}); else ask "
              "the server's owner for one of a CA"};
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return {
          "untrusted: the chain ends at " + failure.subject + ", which is not among the trusted",
          "if you know that CA, load_verify_locations({.cafile = \"ca.pem\"}); the system's "
          "CAs come with the package ca-certificates"};
    default:
      break;
  }
  if (failure.depth == 0)
    return {
        "incomplete chain or untrusted: the server did not send the certificate of the issuer, " +
            failure.issuer + ", and it is not among the trusted",
        "let the server send its whole chain (load_cert_chain() takes it in one file); if the "
        "issuer is a CA of your own, load_verify_locations({.cafile = \"ca.pem\"})"};
  return {"untrusted: the chain ends at " + failure.subject + ", whose issuer " + failure.issuer +
              " is not among the trusted",
          "if you know that CA, load_verify_locations({.cafile = \"ca.pem\"}); the system's CAs "
          "come with the package ca-certificates"};
}

Explanation explain(const VerifyFailure& failure, const std::string& peer) {
  const std::string whose = "the certificate of " + failure.subject;
  switch (failure.code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {"expired: " + whose + " was valid until " + failure.not_after,
              "renew it where it is served, or set this machine's clock right"};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {"not yet valid: " + whose + " is valid from " + failure.not_before,
              "set this machine's clock right, or wait"};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {"wrong host: the certificate is for " + failure.names + ", not for '" + peer + "'",
              "connect by one of its names, or set server_hostname to the one you mean"};
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
      return {"weak: " + whose + " has a key of " + std::to_string(failure.key_bits) + " bits",
              "let the server use a key of at least 2048 bits (RSA) or 224 (EC)"};
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return {"weak: " + whose + " is signed with " + failure.signed_with,
              "let the server use a certificate that is signed with SHA-256 or better"};
    case X509_V_ERR_CERT_REVOKED:
      return {"revoked: " + whose + " was withdrawn", "get a new one where it is served"};
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return {"whether " + whose + " was withdrawn is not known: there is no valid list of " +
                  failure.issuer,
              "load_verify_locations({.cafile = \"its CRL.pem\"}), and renew it in time"};
    case X509_V_ERR_INVALID_PURPOSE:
      return {whose + " is not made for this", "see its extended key usage"};
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return explain_trust(failure);
    default:
      return {whose + " is not valid",
              "look at it: openssl s_client -showcerts -connect HOST:PORT"};
  }
}

std::string verify_message(const VerifyFailure& failure, const std::string& peer) {
  if (failure.code == X509_V_ERR_HOSTNAME_MISMATCH)
    return "Hostname mismatch, certificate is not valid for '" + peer + "'.";
  if (failure.code == X509_V_ERR_IP_ADDRESS_MISMATCH)
    return "IP address mismatch, certificate is not valid for '" + peer + "'.";
  return X509_verify_cert_error_string(failure.code);
}

}  // namespace

VerifyFailure describe_failure(X509_STORE_CTX* store) {
  VerifyFailure failure;
  failure.code = X509_STORE_CTX_get_error(store);
  failure.depth = X509_STORE_CTX_get_error_depth(store);
  if (const STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store))
    failure.chain = sk_X509_num(sent);
  X509* const certificate = X509_STORE_CTX_get_current_cert(store);
  if (certificate == nullptr) return failure;
  failure.subject = short_name(X509_get_subject_name(certificate));
  failure.issuer = short_name(X509_get_issuer_name(certificate));
  failure.not_before = time_text(X509_get0_notBefore(certificate));
  failure.not_after = time_text(X509_get0_notAfter(certificate));
  failure.names = names_of(certificate);
  if (const char* name = OBJ_nid2ln(X509_get_signature_nid(certificate)))
    failure.signed_with = name;
  if (EVP_PKEY* key = X509_get0_pubkey(certificate)) failure.key_bits = EVP_PKEY_get_bits(key);
  return failure;
}

std::exception_ptr make_verify_error(const VerifyFailure& failure, const std::string& peer,
                                     bool server_side) {
  ERR_clear_error();
  const std::string message = verify_message(failure, peer);
  const Explanation why = explain(failure, peer);
  std::string words = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: " + message;
  words += (server_side ? "\n  client: " : "\n  host: ") + peer;
  words += "\n  wrong: " + why.wrong + "\n  cure: " + why.cure;
  return std::make_exception_ptr(
      SslCertVerificationError(failure.code, message, std::move(words), peer));
}

std::exception_ptr make_ssl_error(const std::string& peer, const char* during) {
  const Complaint complaint = take_complaint();
  std::string words = complaint.sentence() + "\n  peer: " + peer + ", during: " + during;
  if (const char* cure = cure_of(ERR_GET_REASON(complaint.code)))
    words += std::string("\n  cure: ") + cure;
  return std::make_exception_ptr(
      SslError({.library = complaint.library, .reason = complaint.reason}, std::move(words), peer));
}

std::exception_ptr make_eof_error(const std::string& peer) {
  ERR_clear_error();
  std::string words =
      "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol\n  peer: " + peer +
      "\n  wrong: the connection ended without close_notify; what came last may be cut off";
  return std::make_exception_ptr(SslEofError(
      {.number = SSL_ERROR_SSL, .library = "SSL", .reason = "UNEXPECTED_EOF_WHILE_READING"},
      std::move(words), peer));
}

void throw_setup_error(const std::string& what, const std::string& cure) {
  const Complaint complaint = take_complaint();
  throw SslError({.library = complaint.library, .reason = complaint.reason},
                 complaint.sentence() + "\n  " + what + "\n  cure: " + cure, what);
}

}  // namespace detail
}  // namespace asyncio
