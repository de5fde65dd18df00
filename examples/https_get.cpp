// https_get: fetches pages over https, all at the same time; each certificate is verified.
//
//   https_get https://example.org/ https://expired.badssl.com/
//   https_get --self-test               against a server of its own
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <asyncio/http/client.hpp>
#include <asyncio/http/server.hpp>
#include <asyncio/testing/certificates.hpp>
#include <cstdlib>
#include <string>
#include <vector>

namespace http = asyncio::http;
namespace ssl = asyncio::ssl;
using namespace std::chrono_literals;

asyncio::Coro<bool> fetch(http::Client& client, std::string url) {
  try {
    const http::Response page = co_await client.get(url);
    fmt::print("{}: {}, {} bytes\n", url, page.status, page.body.size());
    co_return true;
  } catch (const asyncio::SslCertVerificationError& error) {
    fmt::print("{}: {}\n", url, error.verify_message());
  } catch (const std::exception& error) {
    fmt::print("{}: {}\n", url, error.what());
  }
  co_return false;
}

asyncio::Coro<bool> fetch_all(std::vector<std::string> urls, http::ClientOptions options) {
  http::Client client(options);
  std::vector<asyncio::Coro<bool>> all;
  for (const std::string& url : urls) all.push_back(fetch(client, url));
  const auto results = co_await asyncio::gather(std::move(all));
  co_await client.aclose();
  bool good = true;
  for (const bool each : results) good = good && each;
  co_return good;
}

asyncio::Coro<bool> self_test() {
  const asyncio::testing::TestAuthority authority;
  const auto files = authority.issue();
  http::ServerOptions options;
  options.ssl = ssl::create_default_context(ssl::Purpose::CLIENT_AUTH);
  options.ssl.load_cert_chain(files.certfile, files.keyfile);
  http::Server server(options);
  server.route("/", [](http::Request) -> asyncio::Coro<http::Response> {
    co_return http::Response::text("hello\n");
  });
  co_await server.start("127.0.0.1", 0);
  const std::vector<std::string> urls(3, server.url() + "/");

  http::ClientOptions trusting;
  trusting.ca_file = authority.cafile();
  const bool fetched = co_await fetch_all(urls, trusting);
  const bool refused = !co_await fetch_all({urls[0]}, {});  // nobody knows this authority
  co_await server.shutdown(1s);
  co_return fetched&& refused;
}

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words[0] == "--self-test")
    return asyncio::run(self_test()) ? EXIT_SUCCESS : EXIT_FAILURE;
  return asyncio::run(fetch_all(words, {})) ? EXIT_SUCCESS : EXIT_FAILURE;
}
