#include "asyncio/net/tls/internal/certificates.hpp"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/x509v3.h>

#include <array>

namespace asyncio::detail {
namespace {

std::string text_of(const ASN1_STRING* string) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, string);
  if (size < 0) return {};
  std::string text(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return text;
}

ssl::Certificate::Names entries_of(const X509_NAME* name) {
  ssl::Certificate::Names entries;
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const X509_NAME_ENTRY* const entry = X509_NAME_get_entry(name, i);
    const int id = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    const char* const label = OBJ_nid2ln(id);
    entries.emplace_back(label != nullptr ? label : "unknown",
                         text_of(X509_NAME_ENTRY_get_data(entry)));
  }
  return entries;
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  if (ASN1_STRING_length(address) != 4 && ASN1_STRING_length(address) != 16) return "<invalid>";
  ::inet_ntop(family, ASN1_STRING_get0_data(address), text.data(), text.size());
  return text.data();
}

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

ssl::Certificate::Names alternative_names(X509* certificate) {
  ssl::Certificate::Names result;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (!names) return result;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    switch (name->type) {
      case GEN_DNS:
        result.emplace_back("DNS", text_of(name->d.dNSName));
        break;
      case GEN_IPADD:
        result.emplace_back("IP Address", address_text(name->d.iPAddress));
        break;
      case GEN_EMAIL:
        result.emplace_back("email", text_of(name->d.rfc822Name));
        break;
      case GEN_URI:
        result.emplace_back("URI", text_of(name->d.uniformResourceIdentifier));
        break;
      default:
        break;
    }
  }
  return result;
}

}  // namespace

std::string short_name(const X509_NAME* name) {
  std::string all;
  for (const auto& [label, value] : entries_of(name)) {
    if (label == "commonName") return "'" + value + "'";
    all += (all.empty() ? "" : ", ") + label + "=" + value;
  }
  return "'" + all + "'";
}

std::string time_text(const ASN1_TIME* time) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!out || ASN1_TIME_print(out.get(), time) != 1) return "an invalid date";
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string names_of(X509* certificate) {
  std::string all;
  for (const auto& [kind, name] : alternative_names(certificate))
    if (kind == "DNS" || kind == "IP Address") all += (all.empty() ? "'" : ", '") + name + "'";
  if (all.empty()) return "no host (it has no subjectAltName)";
  return all;
}

ssl::Certificate read_certificate(X509* certificate) {
  ssl::Certificate result;
  result.subject = entries_of(X509_get_subject_name(certificate));
  result.issuer = entries_of(X509_get_issuer_name(certificate));
  result.version = static_cast<int>(X509_get_version(certificate)) + 1;
  result.not_before = time_text(X509_get0_notBefore(certificate));
  result.not_after = time_text(X509_get0_notAfter(certificate));
  result.subject_alt_name = alternative_names(certificate);
  BIGNUM* const serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  if (serial != nullptr) {
    char* const text = BN_bn2hex(serial);
    if (text != nullptr) result.serial = text;
    OPENSSL_free(text);
    BN_free(serial);
  }
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size > 0) result.der.assign(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return result;
}

}  // namespace asyncio::detail
