// gather: several coroutines at once, results in the order given. A vector gives a vector, a list
// of arguments gives a tuple (so that the types may differ).
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<std::string> fetch_data(std::string url, asyncio::Duration delay) {
  fmt::print("Fetching {}\n", url);
  co_await asyncio::sleep(delay);
  fmt::print("Fetched {}\n", url);
  co_return "Data from " + url;
}

asyncio::Coro<> async_main() {
  const std::vector<std::string> urls = {"https://example.com/1", "https://example.com/2",
                                         "https://example.com/3"};
  std::vector<asyncio::Coro<std::string>> fetches;
  for (std::size_t i = 0; i < urls.size(); ++i)
    fetches.push_back(fetch_data(urls[i], 20ms * (3 - i)));
  std::vector<std::string> results = co_await asyncio::gather(std::move(fetches));
  for (const auto& result : results) fmt::print("{}\n", result);

  auto both = co_await asyncio::gather(fetch_data("a", 20ms), fetch_data("b", 40ms));
  auto& [first, second] = both;
  fmt::print("{} and {}\n", first, second);
}

int main() { asyncio::run(async_main()); }
