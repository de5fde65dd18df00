// tls_peer: our side of tls.py. Certificates come from there.
//
//   tls_peer serve CERT KEY [VERSION]        prints its port; echoes lines, until stdin ends
//   tls_peer https CERT KEY                  prints its URL; serves /small and /large
//   tls_peer ask HOST PORT CAFILE VERSION    a line and megabytes, and what came back
//   tls_peer line HOST PORT CAFILE VERSION   the line alone
//   tls_peer get URL CAFILE                  the size of the answer, or the error
#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "asyncio/asyncio.hpp"
#include "asyncio/http/client.hpp"
#include "asyncio/http/server.hpp"

namespace {

using asyncio::Coro;
using asyncio::StreamReader;
using asyncio::StreamWriter;
namespace ssl = asyncio::ssl;
namespace http = asyncio::http;

ssl::Context server_context(const std::string& certfile, const std::string& keyfile) {
  ssl::Context context = ssl::create_default_context(ssl::Purpose::CLIENT_AUTH);
  context.load_cert_chain(certfile, keyfile);
  return context;
}

void set_version(ssl::Context& context, const std::string& version) {
  if (version == "1.2") context.set_maximum_version(ssl::TLSVersion::TLSv1_2);
  if (version == "1.3") context.set_minimum_version(ssl::TLSVersion::TLSv1_3);
}

Coro<> echo(StreamReader reader, StreamWriter writer) {
  try {
    for (;;) {
      const std::string data = co_await reader.read(100'000);
      if (data.empty()) break;
      writer.write(data);
      co_await writer.drain();
    }
    writer.close();
    co_await writer.wait_closed();
  } catch (const asyncio::OSError&) {  // some clients go without a goodbye
  }
}

Coro<> until_stdin_ends() {
  co_await asyncio::to_thread([] {
    while (std::getchar() != EOF) {}
  });
}

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

Coro<> serve(std::string certfile, std::string keyfile, std::string version) {
  asyncio::ServerOptions options;
  options.ssl = server_context(certfile, keyfile);
  set_version(options.ssl, version);
  asyncio::Server server = co_await asyncio::start_server(echo, "127.0.0.1", 0, options);
  say(std::to_string(server.sockets()[0].port()));
  co_await until_stdin_ends();
}

Coro<> serve_https(std::string certfile, std::string keyfile) {
  http::ServerOptions options;
  options.ssl = server_context(certfile, keyfile);
  http::Server server(options);
  server.route("/small", [](http::Request) -> Coro<http::Response> {
    co_return http::Response::text("small\n");
  });
  server.route("/large", [](http::Request) -> Coro<http::Response> {
    co_return http::Response::text(std::string(5'000'000, 'L'));
  });
  co_await server.start("127.0.0.1", 0);
  say(server.url());
  co_await until_stdin_ends();
  co_await server.shutdown(std::chrono::seconds(1));
}

Coro<bool> echoes(asyncio::Connection& connection) {
  auto& [reader, writer] = connection;
  const std::string large = std::string(3'000'000, 'x') + "\n";
  asyncio::Task<std::string> answer = asyncio::create_task(reader.readexactly(large.size()));
  writer.write(large);
  co_await writer.drain();
  co_return co_await answer == large;
}

Coro<> ask(std::string host, int port, std::string cafile, std::string version, bool large) {
  asyncio::ConnectOptions options;
  options.ssl = ssl::create_default_context(ssl::Purpose::SERVER_AUTH, {.cafile = cafile});
  set_version(options.ssl, version);
  asyncio::Connection connection = co_await asyncio::open_connection(host, port, options);
  auto& [reader, writer] = connection;
  writer.write("hello\n");
  const std::string line = co_await reader.readline();
  const bool same = !large || co_await echoes(connection);
  const std::string spoken = writer.ssl_object().version();
  writer.close();
  co_await writer.wait_closed();
  say(fmt::format("{} {} {}", line.substr(0, line.find('\n')), same ? "same" : "different",
                  spoken));
}

Coro<> get(std::string url, std::string cafile) {
  http::ClientOptions options;
  options.ca_file = cafile;
  http::Client client(options);
  const http::Response response = co_await client.get(url);
  say(fmt::format("{} {}", response.status, response.body.size()));
  co_await client.aclose();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
  try {
    if (word(0) == "serve") asyncio::run(serve(word(1), word(2), word(3)));
    if (word(0) == "https") asyncio::run(serve_https(word(1), word(2)));
    if (word(0) == "ask" || word(0) == "line")
      asyncio::run(ask(word(1), std::stoi(word(2)), word(3), word(4), word(0) == "ask"));
    if (word(0) == "get") asyncio::run(get(word(1), word(2)));
  } catch (const std::exception&) {
    say(asyncio::describe(std::current_exception()));
    return 1;
  }
  return 0;
}
