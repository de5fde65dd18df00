#include "asyncio/testing/internal/seeds.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

namespace asyncio::testing::internal {
namespace {

// From the system: main() belongs to the test framework, which gives no arguments away.
const std::vector<std::string>& arguments() {
  static const std::vector<std::string> all = [] {
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    std::vector<std::string> found;
    for (std::size_t begin = 0; begin < text.size();) {
      found.emplace_back(text.c_str() + begin);
      begin += found.back().size() + 1;
    }
    return found;
  }();
  return all;
}

std::uint64_t number_of(std::string_view flag, const char* variable) {
  std::string_view text;
  if (const char* value = std::getenv(variable)) text = value;
  for (const std::string& argument : arguments())
    if (argument.starts_with(flag)) text = std::string_view(argument).substr(flag.size());
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

std::uint64_t seed_of_process() {
  static const std::uint64_t seed = number_of("--seed=", "ASYNCIO_TEST_SEED");
  return seed;
}

std::uint64_t seeds_to_try() {
  static const std::uint64_t count = number_of("--seeds=", "ASYNCIO_TEST_SEEDS");
  return count;
}

bool shuffles_by_default() {
  static const bool shuffles = [] {
    const std::vector<std::string>& all = arguments();
    return std::find(all.begin(), all.end(), "--shuffle-tasks") != all.end() ||
           number_of("--shuffle-tasks=", "ASYNCIO_TEST_SHUFFLE_TASKS") != 0;
  }();
  return shuffles;
}

const std::string& program_name() {
  static const std::string name = arguments().empty() ? "./test" : arguments().front();
  return name;
}

}  // namespace asyncio::testing::internal
