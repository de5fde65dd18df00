// Robots: the first line is a target, the rest a robots.txt.
#include <algorithm>
#include <string>

#include "asyncio/http/robots.hpp"
#include "tests/fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = asyncio::fuzz::text(data, size);
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view target = input.substr(0, end);
  const auto robots = asyncio::http::Robots::parse(input.substr(end));
  robots.is_allowed("harvest", target);
  robots.is_allowed("*", target);
  asyncio::fuzz::require(robots.is_allowed("harvest", "/robots.txt"), "its own file is allowed");
  if (const auto delay = robots.crawl_delay("harvest")) {
    asyncio::fuzz::require(delay->count() >= 0 && delay->count() <= 86'400'000, "a sane delay");
  }
  return 0;
}
