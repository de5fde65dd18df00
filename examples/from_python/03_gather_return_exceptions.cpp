// gather(return_exceptions, ...): each result is an Outcome, a value or an exception.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<std::string> fetch_data(std::string url) {
  co_await asyncio::sleep(10ms);
  if (url.find("error") != std::string::npos) throw asyncio::ValueError("cannot fetch " + url);
  co_return "Data from " + url;
}

std::vector<asyncio::Coro<std::string>> fetch_all(const std::vector<std::string>& urls) {
  std::vector<asyncio::Coro<std::string>> fetches;
  for (const auto& url : urls) fetches.push_back(fetch_data(url));
  return fetches;
}

asyncio::Coro<> async_main() {
  const std::vector<std::string> urls = {"https://example.com/1", "https://example.com/error",
                                         "https://example.com/3"};
  auto results = co_await asyncio::gather(asyncio::return_exceptions, fetch_all(urls));
  for (std::size_t i = 0; i < urls.size(); ++i) {
    if (results[i].has_value()) {
      fmt::print("{}: {}\n", urls[i], results[i].value());
    } else {
      fmt::print("{}: {}\n", urls[i], asyncio::describe(results[i].exception()));
    }
  }

  try {
    co_await asyncio::gather(fetch_all(urls));
  } catch (const asyncio::ValueError& error) {
    fmt::print("without return_exceptions: {}\n", error.what());
  }
}

int main() { asyncio::run(async_main()); }
