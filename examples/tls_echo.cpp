// tls_echo: an echo server over TLS, and a client that verifies it.
//
//   tls_echo serve CERT KEY [PORT]      then: openssl s_client -connect localhost:PORT
//   tls_echo ask HOST PORT [CAFILE]     sends a line and prints what comes back
//   tls_echo --self-test                both, with certificates made on the spot
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <asyncio/testing/certificates.hpp>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace ssl = asyncio::ssl;

asyncio::Coro<> handle(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  for (;;) {
    std::string line = co_await reader.readline();
    if (line.empty()) break;  // the client has said goodbye
    writer.write(line);
    co_await writer.drain();
  }
  writer.close();
  co_await writer.wait_closed();
}

asyncio::Coro<asyncio::Server> start(std::string certfile, std::string keyfile, int port) {
  ssl::Context context = ssl::create_default_context(ssl::Purpose::CLIENT_AUTH);
  context.load_cert_chain(certfile, keyfile);
  co_return co_await asyncio::start_server(handle, "127.0.0.1", port, {.ssl = context});
}

asyncio::Coro<> serve(std::string certfile, std::string keyfile, int port) {
  asyncio::Server server = co_await start(certfile, keyfile, port);
  fmt::print("listening on {}\n", server.sockets()[0].repr());
  co_await server.serve_forever();
}

asyncio::Coro<std::string> ask(std::string host, int port, std::string cafile) {
  // Without a file: whom the system trusts.
  ssl::Context context = ssl::create_default_context(ssl::Purpose::SERVER_AUTH, {.cafile = cafile});
  asyncio::Connection connection = co_await asyncio::open_connection(host, port, {.ssl = context});
  auto& [reader, writer] = connection;
  fmt::print("{}, {}\n", writer.ssl_object().version(), writer.ssl_object().cipher()->name);
  writer.write("hello over TLS\n");
  std::string line = co_await reader.readline();
  writer.close();
  co_await writer.wait_closed();
  co_return line;
}

asyncio::Coro<bool> self_test() {
  const asyncio::testing::TestAuthority authority;
  const auto files = authority.issue({.names = {"localhost"}});
  asyncio::Server server = co_await start(files.certfile, files.keyfile, 0);
  const int port = server.sockets()[0].port();
  const bool echoed = co_await ask("localhost", port, authority.cafile()) == "hello over TLS\n";

  bool refused = false;
  try {
    co_await ask("127.0.0.1", port, authority.cafile());  // the certificate is for localhost
  } catch (const asyncio::SslCertVerificationError& error) {
    fmt::print("refused, as it should be:\n{}\n", error.what());
    refused = true;
  }
  server.close();
  co_await server.wait_closed();
  co_return echoed&& refused;
}

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
  try {
    if (word(0) == "--self-test") return asyncio::run(self_test()) ? EXIT_SUCCESS : EXIT_FAILURE;
    if (word(0) == "serve" && words.size() >= 3) {
      asyncio::run(serve(word(1), word(2), words.size() > 3 ? std::stoi(word(3)) : 8443));
    } else if (word(0) == "ask" && words.size() >= 3) {
      fmt::print("{}", asyncio::run(ask(word(1), std::stoi(word(2)), word(3))));
    } else {
      fmt::print("tls_echo serve CERT KEY [PORT] | ask HOST PORT [CAFILE] | --self-test\n");
      return 2;
    }
  } catch (const asyncio::KeyboardInterrupt&) {
    fmt::print("bye\n");
  } catch (const std::exception& error) {
    fmt::print("{}\n", error.what());
    return EXIT_FAILURE;
  }
}
