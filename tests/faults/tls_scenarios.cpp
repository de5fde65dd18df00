// TLS over faulty connections: what arrives is what was sent, or there is an error that says so.
#include <string>

#include "asyncio/http.hpp"
#include "asyncio/testing/certificates.hpp"
#include "scenarios.hpp"

namespace asyncio::fault_test {
namespace {

const testing::TestAuthority& authority() {
  static const testing::TestAuthority made;
  return made;
}

ssl::Context server_context() {
  static const ssl::Context made = [] {
    const testing::CertificateFiles files = authority().issue();
    ssl::Context context = ssl::create_default_context(ssl::Purpose::CLIENT_AUTH);
    context.load_cert_chain(files.certfile, files.keyfile);
    return context;
  }();
  return made;
}

// A new one each time: a session that is kept would make runs differ.
ssl::Context client_context() {
  return ssl::create_default_context(ssl::Purpose::SERVER_AUTH, {.cafile = authority().cafile()});
}

Coro<Connection> connect_securely(const Server& server) {
  ConnectOptions options;
  options.ssl = client_context();
  options.ssl_handshake_timeout = 20s;
  options.ssl_shutdown_timeout = 5s;
  co_return co_await open_connection("127.0.0.1", port_of(server), options);
}

Coro<Server> secure_server() {
  ServerOptions options;
  options.ssl = server_context();
  options.ssl_handshake_timeout = 20s;
  options.ssl_shutdown_timeout = 5s;
  co_return co_await start_server(echo, "127.0.0.1", 0, options);
}

Coro<> tls_echo(int rounds, std::size_t size) {
  Server server = co_await secure_server();
  Connection connection = co_await connect_securely(server);
  co_await echo_rounds(server, std::move(connection), rounds, size);
}

ASYNCIO_CORO_WRAPPER Coro<> tls_echo_small() { return tls_echo(5, 64); }
ASYNCIO_CORO_WRAPPER Coro<> tls_echo_large() { return tls_echo(3, 50'000); }

// An end that nobody announced may be an attack: it must not look like the end of the text.
Coro<> tls_reads_to_the_end() {
  auto say = [](StreamReader, StreamWriter writer) -> Coro<> {
    writer.write(pattern(70'000));
    co_await writer.drain();
    writer.close();
  };
  ServerOptions options;
  options.ssl = server_context();
  Server server = co_await start_server(say, "127.0.0.1", 0, options);
  auto [reader, writer] = co_await connect_securely(server);
  expect(co_await reader.read() == pattern(70'000),
         "an end that was announced comes behind everything");
  co_await finish(std::move(writer), server);
}

Coro<> serve_start_tls(StreamReader reader, StreamWriter writer) {
  if (co_await reader.readline() != "STARTTLS\n") throw EOFError("cut off");
  writer.write("go\n");
  co_await writer.drain();
  co_await writer.start_tls(server_context(), {.ssl_handshake_timeout = 20s});
  co_await echo(std::move(reader), std::move(writer));
}

Coro<> tls_starts_on_a_live_connection() {
  Server server = co_await start_server(serve_start_tls, "127.0.0.1", 0);
  auto [reader, writer] = co_await connect_to(server);
  writer.write("STARTTLS\n");
  if (co_await wait_for(reader.readline(), 20s) != "go\n") throw EOFError("cut off");
  StartTlsOptions options;
  options.server_hostname = "localhost";
  options.ssl_handshake_timeout = 20s;
  co_await writer.start_tls(client_context(), options);
  writer.write("secret");
  expect(co_await wait_for(reader.readexactly(6), 20s) == "secret", "an echo is what was said");
  co_await finish(std::move(writer), server);
}

Coro<> https_get() {
  http::ServerOptions options;
  options.ssl = server_context();
  http::Server server(options);
  server.route("/page", [](http::Request) -> Coro<http::Response> {
    co_return http::Response::text(pattern(40'000));
  });
  co_await server.start("127.0.0.1", 0);
  http::ClientOptions how;
  how.ca_file = authority().cafile();
  http::Client client(how);
  for (int i = 0; i < 2; ++i) {
    const http::Response page = co_await client.get(server.url() + "/page");
    expect(page.body == pattern(40'000), "the whole page");
  }
  co_await client.aclose();
  co_await server.shutdown(5s);
}

}  // namespace

std::vector<Scenario> tls_scenarios() {
  return {
      {"tls_echo_small", tls_echo_small},
      {"tls_echo_large", tls_echo_large},
      {"tls_reads_to_the_end", tls_reads_to_the_end},
      {"tls_starts_on_a_live_connection", tls_starts_on_a_live_connection},
      {"https_get", https_get},
  };
}

}  // namespace asyncio::fault_test
