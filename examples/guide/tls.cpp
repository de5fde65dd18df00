// The programs of docs/guide/tls.md.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <asyncio/testing/certificates.hpp>
#include <string>
#include <string_view>

namespace ssl = asyncio::ssl;

// [client]
asyncio::Coro<asyncio::Connection> connect(std::string host, int port, std::string cafile) {
  ssl::Context context = ssl::create_default_context(ssl::Purpose::SERVER_AUTH, {.cafile = cafile});
  co_return co_await asyncio::open_connection(host, port, {.ssl = context});
}
// [/client]

// [server]
asyncio::Coro<> greet(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  const std::string name = co_await reader.readline();
  writer.write("hello " + name);
  writer.close();
  co_await writer.wait_closed();
}

asyncio::Coro<asyncio::Server> serve(std::string certfile, std::string keyfile) {
  ssl::Context context = ssl::create_default_context(ssl::Purpose::CLIENT_AUTH);
  context.load_cert_chain(certfile, keyfile);  // the certificate, then its chain, in one file
  co_return co_await asyncio::start_server(greet, "127.0.0.1", 0, {.ssl = context});
}
// [/server]

// [errors]
asyncio::Coro<> refused(int port) {
  try {
    co_await asyncio::open_connection("127.0.0.1", port, {.ssl = true});
  } catch (const asyncio::SslCertVerificationError& error) {  // the certificate
    fmt::print("{}: {}\n", error.verify_code(), error.verify_message());
  } catch (const asyncio::SslError& error) {  // anything else about TLS
    fmt::print("{}\n", error.reason());
  }
}
// [/errors]

// [upgrade]
asyncio::Coro<> upgrade(asyncio::Connection& connection, ssl::Context context) {
  auto& [reader, writer] = connection;
  writer.write("STARTTLS\n");
  if (co_await reader.readline() != "OK\n") co_return;
  co_await writer.start_tls(context, {.server_hostname = "localhost"});
}
// [/upgrade]

// [upgrade_server]
asyncio::Coro<> offer(asyncio::StreamReader reader, asyncio::StreamWriter writer,
                      ssl::Context context) {
  if (co_await reader.readline() == "STARTTLS\n") {
    writer.write("OK\n");
    co_await writer.start_tls(context);
  }
  writer.write("version " + writer.ssl_object().version() + "\n");
  writer.close();
  co_await writer.wait_closed();
}
// [/upgrade_server]

// [mutual]
void require_client_certificates(ssl::Context& server, const std::string& cafile) {
  server.set_verify_mode(ssl::CERT_REQUIRED);
  server.load_verify_locations({.cafile = cafile});
}
// [/mutual]

// [sni]
void choose_by_name(ssl::Context& server, ssl::Context for_shop) {
  server.set_sni_callback(
      [for_shop](asyncio::SslObject& object, std::string_view name, const ssl::Context&) {
        if (name == "shop.example") object.set_context(for_shop);
      });
}
// [/sni]

asyncio::Coro<> async_main() {
  const asyncio::testing::TestAuthority authority;
  const auto files = authority.issue();
  asyncio::Server server = co_await serve(files.certfile, files.keyfile);
  const int port = server.sockets()[0].port();
  asyncio::Connection connection = co_await connect("localhost", port, authority.cafile());
  connection.writer.write("Ada\n");
  const std::string line = co_await connection.reader.readline();
  fmt::print("{}", line);
  connection.writer.close();
  co_await refused(port);

  ssl::Context context = ssl::create_default_context(ssl::Purpose::CLIENT_AUTH);
  context.load_cert_chain(files.certfile, files.keyfile);
  asyncio::Server offering = co_await asyncio::start_server(
      [context](asyncio::StreamReader reader, asyncio::StreamWriter writer) -> asyncio::Coro<> {
        co_await offer(std::move(reader), std::move(writer), context);
      },
      "127.0.0.1", 0);
  asyncio::Connection plain =
      co_await asyncio::open_connection("127.0.0.1", offering.sockets()[0].port());
  ssl::Context trusting =
      ssl::create_default_context(ssl::Purpose::SERVER_AUTH, {.cafile = authority.cafile()});
  co_await upgrade(plain, trusting);
  const std::string version = co_await plain.reader.readline();
  fmt::print("{}", version);
  plain.writer.close();

  ssl::Context strict = context;
  require_client_certificates(strict, authority.cafile());
  choose_by_name(strict, context);
  fmt::print("{}\n", strict.repr());
}

int main() { asyncio::run(async_main()); }
