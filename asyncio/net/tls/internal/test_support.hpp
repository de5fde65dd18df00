// test_support.hpp: what the tests of this folder share: certificates, and connected pairs.
#pragma once
#include <string>
#include <utility>

#include "asyncio/net/internal/test_support.hpp"
#include "asyncio/net/tls/ssl.hpp"
#include "asyncio/testing/certificates.hpp"

namespace asyncio::tls_test {

using namespace net_test;
using testing::CertificateOptions;
using testing::TestAuthority;

inline const TestAuthority& authority() {
  static const TestAuthority made;
  return made;
}

inline ssl::Context server_with(const testing::CertificateFiles& files) {
  ssl::Context context = ssl::create_default_context(ssl::Purpose::CLIENT_AUTH);
  context.load_cert_chain(files.certfile, files.keyfile);
  return context;
}

// With a certificate for localhost, 127.0.0.1 and ::1.
inline ssl::Context server_context() {
  static const testing::CertificateFiles files = authority().issue();
  return server_with(files);
}

// Trusts the authority above, and nobody else.
inline ssl::Context client_context() {
  return ssl::create_default_context(ssl::Purpose::SERVER_AUTH, {.cafile = authority().cafile()});
}

// A server that keeps its first client, and the options to reach it.
struct Listening {
  Server server;
  Future<Connection> arrived;
  int port = 0;
};

inline Coro<Listening> listening(ServerOptions options) {
  Future<Connection> arrived;
  auto keep = [arrived](StreamReader reader, StreamWriter writer) {
    if (!arrived.done()) arrived.set_result(Connection{std::move(reader), std::move(writer)});
  };
  Server server = co_await start_server(keep, "127.0.0.1", 0, options);
  const int port = server.sockets()[0].port();
  co_return Listening{std::move(server), arrived, port};
}

// A connected pair of streams over TLS.
inline Coro<Ends> connected_by(ssl::Context client, ssl::Context server) {
  ServerOptions options;
  options.ssl = server;
  Listening there = co_await listening(options);
  ConnectOptions to;
  to.ssl = client;
  to.server_hostname = "localhost";
  Connection connection = co_await open_connection("127.0.0.1", there.port, to);
  Connection served = co_await std::move(there.arrived);
  co_return Ends{std::move(there.server), std::move(connection), std::move(served)};
}

inline Coro<Ends> connected_tls() {
  co_return co_await connected_by(client_context(), server_context());
}

// Reads until the end: the data, and the error that ended it ("" for a clean end).
struct Whole {
  std::string data;
  std::string error;
};
inline Coro<Whole> read_whole(StreamReader& reader) {
  Whole whole;
  try {
    for (;;) {
      const std::string part = co_await reader.read(1 << 16);
      if (part.empty()) co_return whole;
      whole.data += part;
    }
  } catch (const std::exception&) {
    whole.error = describe(std::current_exception());
  }
  co_return whole;
}

}  // namespace asyncio::tls_test
