#include "asyncio/testing/certificates.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "asyncio/base/errors.hpp"

namespace asyncio::testing {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<&EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Freed<&X509_free>>;
using Bio = std::unique_ptr<BIO, Freed<&BIO_free>>;
using Crl = std::unique_ptr<X509_CRL, Freed<&X509_CRL_free>>;
using Time = std::unique_ptr<ASN1_TIME, Freed<&ASN1_TIME_free>>;

void check(bool succeeded, const char* what) {
  if (succeeded) return;
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  throw RuntimeError(std::string("TestAuthority: ") + what + ": " +
                     (reason != nullptr ? reason : "no reason given"));
}

Key make_key(int rsa_bits) {
  Key key(rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(static_cast<unsigned>(rsa_bits)));
  check(key != nullptr, "making a key");
  return key;
}

bool is_address(const std::string& name) {
  std::array<unsigned char, 16> bytes{};
  return ::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  check(extension != nullptr, "an extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void set_times(X509* certificate, const CertificateOptions& options) {
  const auto seconds = [](std::chrono::hours hours) {
    return static_cast<long>(std::chrono::seconds(hours).count());
  };
  X509_gmtime_adj(X509_getm_notBefore(certificate), seconds(options.valid_from));
  X509_gmtime_adj(X509_getm_notAfter(certificate), seconds(options.valid_until));
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names)
    all += (all.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
  return all;
}

Cert new_certificate(const std::string& name, EVP_PKEY* key, const CertificateOptions& options) {
  static std::atomic<long> serial{1};
  Cert certificate(X509_new());
  check(certificate != nullptr, "a certificate");
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  set_times(certificate.get(), options);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

std::string pem_of(X509* certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  check(out && PEM_write_bio_X509(out.get(), certificate) == 1, "writing a certificate");
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string pem_of(EVP_PKEY* key, const std::string& password) {
  const Bio out(BIO_new(BIO_s_mem()));
  const EVP_CIPHER* const cipher = password.empty() ? nullptr : EVP_aes_256_cbc();
  check(out &&
            PEM_write_bio_PKCS8PrivateKey(out.get(), key, cipher, password.data(),
                                          static_cast<int>(password.size()), nullptr, nullptr) == 1,
        "writing a key");
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

struct Folder {
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "asyncio-ca-XXXXXX").string();
    check(::mkdtemp(pattern.data()) != nullptr, "a temporary folder");
    path = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string write(const std::string& name, const std::string& text) {
    const std::string file = path + "/" + std::to_string(++files) + "-" + name;
    std::ofstream(file) << text;
    return file;
  }
  std::string path;
  int files = 0;
};

}  // namespace

struct TestAuthority::Issuer {
  std::shared_ptr<Folder> folder;
  Key key;
  Cert certificate;
  std::string cafile;  // of the root
  std::string root;    // the same as text
  std::string chain;   // from this issuer up to below the root, as text
};

TestAuthority::TestAuthority(const std::string& name) : issuer_(std::make_shared<Issuer>()) {
  issuer_->folder = std::make_shared<Folder>();
  issuer_->key = make_key(0);
  const CertificateOptions options{.valid_until = std::chrono::hours(48)};
  issuer_->certificate = new_certificate(name, issuer_->key.get(), options);
  X509* const root = issuer_->certificate.get();
  X509_set_issuer_name(root, X509_get_subject_name(root));
  add_extension(root, root, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(root, root, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(root, root, NID_subject_key_identifier, "hash");
  check(X509_sign(root, issuer_->key.get(), EVP_sha256()) != 0, "signing");
  issuer_->root = pem_of(root);
  issuer_->cafile = issuer_->folder->write("ca.pem", issuer_->root);
}

const std::string& TestAuthority::cafile() const { return issuer_->cafile; }
std::string TestAuthority::cadata() const { return issuer_->root; }
const std::string& TestAuthority::folder() const { return issuer_->folder->path; }

TestAuthority TestAuthority::intermediate(const std::string& name) const {
  auto below = std::make_shared<Issuer>();
  below->folder = issuer_->folder;
  below->key = make_key(0);
  below->cafile = issuer_->cafile;
  below->root = issuer_->root;
  const CertificateOptions options{.valid_until = std::chrono::hours(47)};
  below->certificate = new_certificate(name, below->key.get(), options);
  X509* const certificate = below->certificate.get();
  X509* const parent = issuer_->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(parent));
  add_extension(certificate, parent, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate, parent, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(certificate, parent, NID_subject_key_identifier, "hash");
  add_extension(certificate, parent, NID_authority_key_identifier, "keyid");
  check(X509_sign(certificate, issuer_->key.get(), EVP_sha256()) != 0, "signing");
  below->chain = pem_of(certificate) + issuer_->chain;
  return TestAuthority(std::move(below));
}

CertificateFiles TestAuthority::issue(const CertificateOptions& options) const {
  const Key key = make_key(options.rsa_bits);
  const std::string name = options.names.empty() ? "nobody" : options.names.front();
  const Cert certificate = new_certificate(name, key.get(), options);
  X509* const issuer = options.self_signed ? certificate.get() : issuer_->certificate.get();
  EVP_PKEY* const signer = options.self_signed ? key.get() : issuer_->key.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  if (!options.names.empty())
    add_extension(certificate.get(), issuer, NID_subject_alt_name,
                  alternative_names(options.names));
  add_extension(certificate.get(), issuer, NID_subject_key_identifier, "hash");
  if (!options.self_signed)
    add_extension(certificate.get(), issuer, NID_authority_key_identifier, "keyid");
  const EVP_MD* const digest = EVP_get_digestbyname(options.digest.c_str());
  check(digest != nullptr, "an unknown digest");
  check(X509_sign(certificate.get(), signer, digest) != 0, "signing");
  std::string text = pem_of(certificate.get());
  if (options.with_chain && !options.self_signed) text += issuer_->chain;
  return {.certfile = issuer_->folder->write("cert.pem", text),
          .keyfile = issuer_->folder->write("key.pem", pem_of(key.get(), options.password))};
}

namespace {

void revoke(X509_CRL* list, const std::string& certfile) {
  const Bio in(BIO_new_file(certfile.c_str(), "r"));
  const Cert certificate(in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr);
  check(certificate != nullptr, "reading a certificate");
  X509_REVOKED* const entry = X509_REVOKED_new();
  const Time now(X509_gmtime_adj(nullptr, -60));
  check(entry != nullptr && now != nullptr, "an entry");
  X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.get()));
  X509_REVOKED_set_revocationDate(entry, now.get());
  X509_CRL_add0_revoked(list, entry);
}

}  // namespace

std::string TestAuthority::revocation_list(const std::vector<CertificateFiles>& revoked) const {
  const Crl list(X509_CRL_new());
  const Time from(X509_gmtime_adj(nullptr, -3600));
  const Time until(X509_gmtime_adj(nullptr, 24 * 3600));
  check(list && from && until, "a revocation list");
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(issuer_->certificate.get()));
  X509_CRL_set1_lastUpdate(list.get(), from.get());
  X509_CRL_set1_nextUpdate(list.get(), until.get());
  for (const CertificateFiles& each : revoked) revoke(list.get(), each.certfile);
  X509_CRL_sort(list.get());
  check(X509_CRL_sign(list.get(), issuer_->key.get(), EVP_sha256()) != 0, "signing");
  const Bio out(BIO_new(BIO_s_mem()));
  check(out && PEM_write_bio_X509_CRL(out.get(), list.get()) == 1, "writing a list");
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return issuer_->folder->write("crl.pem", std::string(data, static_cast<std::size_t>(size)));
}

}  // namespace asyncio::testing
