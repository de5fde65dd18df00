// HTTP over faulty connections: a whole answer or an error, never half a page.
#include "asyncio/http.hpp"
#include "scenarios.hpp"

namespace asyncio::fault_test {
namespace {

Coro<http::Response> hello(http::Request request) {
  co_return http::Response::text("hello " + request.method + " " + request.body);
}

Coro<http::Response> large(http::Request) { co_return http::Response::text(pattern(80'000)); }

void add_routes(http::Server& server) {
  server.route("/hello", hello);
  server.route("/large", large);
}

Coro<> get_once() {
  http::Server server;
  add_routes(server);
  co_await server.start("127.0.0.1", 0);
  http::Client client;
  const http::Response page = co_await client.get(server.url() + "/hello");
  expect(page.body == "hello GET ", "the page");
  co_await client.aclose();
  co_await server.shutdown(5s);
}

Coro<> get_many_on_one_connection() {
  http::Server server;
  add_routes(server);
  co_await server.start("127.0.0.1", 0);
  http::Client client({.connections_per_host = 1});
  for (int i = 0; i < 25; ++i) {
    const http::Response page = co_await client.get(server.url() + "/hello");
    expect(page.body == "hello GET ", "the page");
  }
  co_await client.aclose();
  co_await server.shutdown(5s);
}

Coro<> get_large_pages() {
  http::Server server;
  add_routes(server);
  co_await server.start("127.0.0.1", 0);
  http::Client client;
  auto fetch = [&]() -> Coro<> {
    const http::Response page = co_await client.get(server.url() + "/large");
    expect(page.body == pattern(80'000), "the whole page");
  };
  co_await gather(fetch(), fetch(), fetch());
  co_await client.aclose();
  co_await server.shutdown(5s);
}

Coro<> post() {
  http::Server server;
  add_routes(server);
  co_await server.start("127.0.0.1", 0);
  http::Client client;
  const std::string body = pattern(20'000);
  const http::Response page = co_await client.post(http::Url::parse(server.url() + "/hello"), body);
  expect(page.body == "hello POST " + body, "the body that was sent");
  co_await client.aclose();
  co_await server.shutdown(5s);
}

Coro<> get_file() {
  const SampleFile& file = sample_file();
  const std::size_t slash = file.path.rfind('/');
  http::Server server;
  server.serve_files("/", file.path.substr(0, slash));
  co_await server.start("127.0.0.1", 0);
  http::Client client;
  const http::Response page = co_await client.get(server.url() + file.path.substr(slash));
  expect(page.body == file.content, "the whole file");
  co_await client.aclose();
  co_await server.shutdown(5s);
}

Coro<> shutdown_with_requests_in_flight() {
  http::Server server;
  server.route("/slow", [](http::Request) -> Coro<http::Response> {
    co_await sleep(1s);
    co_return http::Response::text("done");
  });
  co_await server.start("127.0.0.1", 0);
  http::Client client;
  Task<http::Response> asking = create_task(client.get(server.url() + "/slow"));
  co_await sleep(100ms);
  co_await server.shutdown(5s);
  const http::Response page = co_await wait_for(asking, 60s);
  expect(page.body == "done", "what was asked before the shutdown");
  co_await client.aclose();
}

}  // namespace

std::vector<Scenario> http_scenarios() {
  return {
      {"get_once", get_once},
      {"get_many_on_one_connection", get_many_on_one_connection},
      {"get_large_pages", get_large_pages},
      {"post", post},
      {"get_file", get_file},
      {"shutdown_with_requests_in_flight", shutdown_with_requests_in_flight},
  };
}

}  // namespace asyncio::fault_test
