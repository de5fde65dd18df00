// certificates.hpp: what stands in a certificate, as text.
#pragma once
#include <string>

#include "asyncio/net/tls/internal/openssl.hpp"
#include "asyncio/net/tls/ssl.hpp"

namespace asyncio::detail {

std::string short_name(const X509_NAME* name);  // "'example.org'": the common name, or all of it
std::string time_text(const ASN1_TIME* time);   // "Jan  5 09:34:43 2026 GMT"
std::string names_of(X509* certificate);        // "'a.org', 'b.org'"
ssl::Certificate read_certificate(X509* certificate);

}  // namespace asyncio::detail
