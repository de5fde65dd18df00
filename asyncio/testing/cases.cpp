#include "asyncio/testing/cases.hpp"

#include <string>
#include <utility>

#include "asyncio/combinators/with.hpp"
#include "asyncio/testing/internal/seeds.hpp"

namespace asyncio::testing {
namespace {

std::string command_for(std::uint64_t seed) {
  std::string command = internal::program_name();
  if (const ::testing::TestInfo* info = ::testing::UnitTest::GetInstance()->current_test_info())
    command += std::string(" --gtest_filter=") + info->test_suite_name() + "." + info->name();
  if (internal::shuffles_by_default()) command += " --shuffle-tasks";
  return command + " --seed=" + std::to_string(seed);
}

int report(const RunResult& result) {
  const std::vector<std::string> problems = result.problems();
  for (const std::string& problem : problems) ADD_FAILURE() << problem;
  if (::testing::Test::HasFailure() && result.seed != 0)
    ADD_FAILURE() << "seed " << result.seed << "; to see it again:\n  " << command_for(result.seed);
  return static_cast<int>(problems.size());
}

bool has_ended_early() { return ::testing::Test::HasFailure() || ::testing::Test::IsSkipped(); }

Coro<> within(AsyncFixture& fixture, CoroFunction test) {
  co_await fixture.set_up();
  if (has_ended_early()) co_return;  // as GoogleTest does
  co_await try_finally(test, [&fixture]() -> Coro<> { co_await fixture.tear_down(); });
}

}  // namespace

int run_test(Coro<> body) { return report(run(std::move(body))); }

int run_test(CoroFunction test, TestOptions options) {
  const std::uint64_t seeds = options.seed ? 0 : internal::seeds_to_try();
  if (seeds == 0) return report(run(test(), options));
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    options.seed = seed;
    const int problems = report(run(test(), options));
    if (has_ended_early()) return problems;
  }
  return 0;
}

int run_test(::testing::Test& fixture, CoroFunction test, TestOptions options) {
  auto* const asynchronous = dynamic_cast<AsyncFixture*>(&fixture);
  if (asynchronous == nullptr) return run_test(std::move(test), options);
  return run_test(
      CoroFunction([asynchronous, test]() -> Coro<> { co_await within(*asynchronous, test); }),
      options);
}

}  // namespace asyncio::testing
