// openssl.hpp: owners for OpenSSL's objects.
#pragma once
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace asyncio::detail {

template <auto Free>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using SslCtxPtr = std::unique_ptr<SSL_CTX, OpensslFree<&SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslFree<&SSL_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, OpensslFree<&SSL_SESSION_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslFree<&BIO_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<&X509_free>>;

}  // namespace asyncio::detail
