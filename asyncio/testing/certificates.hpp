// certificates.hpp: TestAuthority, a CA for the length of a test, and what it signs. Nothing is
// trusted by anybody who was not told to, and no key is kept: the files go with the authority.
//
//   testing::TestAuthority authority;
//   auto [certfile, keyfile] = authority.issue({.names = {"localhost", "127.0.0.1"}});
//   server_context.load_cert_chain(certfile, keyfile);
//   client_context.load_verify_locations({.cafile = authority.cafile()});
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace asyncio::testing {

struct CertificateOptions {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};  // hosts and addresses
  std::chrono::hours valid_from = std::chrono::hours(-1);              // counted from now
  std::chrono::hours valid_until = std::chrono::hours(24);
  int rsa_bits = 0;               // 0: an EC key on P-256, which is made faster
  std::string digest = "SHA256";  // "SHA1" is weak
  std::string password = {};      // of the key file; empty: not encrypted
  bool with_chain = true;         // false: the intermediates are left out of the file
  bool self_signed = false;       // by itself instead of by the authority
};

struct CertificateFiles {
  std::string certfile;
  std::string keyfile;
};

// Lifetime: a shared handle; the files stay as long as one of the authority or its intermediates.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "asyncio test CA");

  const std::string& cafile() const;  // of the root
  std::string cadata() const;         // the same as PEM text
  const std::string& folder() const;  // where the files are
  // Throws RuntimeError where OpenSSL does not want to.
  CertificateFiles issue(const CertificateOptions& options = {}) const;
  // A list of revoked certificates that this authority signs: a PEM file for
  // load_verify_locations(), whose issuer is not in it.
  std::string revocation_list(const std::vector<CertificateFiles>& revoked = {}) const;
  TestAuthority intermediate(const std::string& name = "asyncio test intermediate") const;

 private:
  struct Issuer;
  explicit TestAuthority(std::shared_ptr<Issuer> issuer) : issuer_(std::move(issuer)) {}
  std::shared_ptr<Issuer> issuer_;
};

}  // namespace asyncio::testing
