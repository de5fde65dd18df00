// What does our HTTP client take for a small page, with so many requests in flight?
//
//   client_asyncio PORT IN_FLIGHT SECONDS      prints the CPU of a request in us, and the rate
#include <cstdio>
#include <cstdlib>
#include <string>

#include "asyncio/asyncio.hpp"
#include "asyncio/http/client.hpp"
#include "bench/support/net/requests.hpp"

namespace {

asyncio::Coro<> request_on(asyncio::http::Client& client, std::string url, bench::Requests& count) {
  while (count.go_on()) {
    const asyncio::http::Response page = co_await client.get(url);
    count.check(page.status == 200 && page.body == "Hello, world!");
  }
}

asyncio::Coro<> run(std::string url, std::size_t in_flight, bench::Requests& count) {
  asyncio::http::ClientOptions options;
  options.connections_per_host = in_flight;
  asyncio::http::Client client(options);
  co_await asyncio::with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) -> asyncio::Coro<> {
    for (std::size_t i = 0; i < in_flight; ++i)
      static_cast<void>(group.create_task(request_on(client, url, count)));
    co_return;
  });
  co_await client.aclose();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  bench::Requests count(std::atof(argv[3]));
  const std::string url = "http://127.0.0.1:" + std::string(argv[1]) + "/";
  asyncio::run(run(url, std::strtoul(argv[2], nullptr, 10), count));
  count.print();
}
