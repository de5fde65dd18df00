// Linked into the test programs that are registered ON_SIMULATED. With ASYNCIO_BACKEND=simulated
// every loop that asks for epoll gets a network in memory of its own, beside real time; tests that
// need the kernel's sockets (unfit.hpp) are skipped, each with its reason.
//
// The library does not know the word: a program must not be put on a network in memory by its
// environment. So the linker sends make_epoll_backend() here (-Wl,--wrap in cmake/Testing.cmake).
#include <errno.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/core/events.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/io/simulated.hpp"
#include "tests/simulated/unfit.hpp"

namespace asyncio::tests {

std::unique_ptr<detail::IoBackend> real_epoll() asm(
    "__real__ZN7asyncio6detail18make_epoll_backendEv");
std::unique_ptr<detail::IoBackend> epoll_or_simulated() asm(
    "__wrap__ZN7asyncio6detail18make_epoll_backendEv");

namespace {

bool asks_for_simulated() {
  const char* const name = std::getenv("ASYNCIO_BACKEND");
  if (name == nullptr || std::string_view(name) != "simulated") return false;
  ::unsetenv("ASYNCIO_BACKEND");  // the library and child processes would not understand it
  return true;
}
const bool is_simulated = asks_for_simulated();

// The simulated backend has epoll beside it, for what is no socket of its own.
thread_local bool tls_makes_network = false;

bool is_of(const Unfit& unfit, const ::testing::TestInfo& test) {
  if (unfit.program != program_invocation_short_name) return false;
  const std::string suite = test.test_suite_name();
  return unfit.test == suite + "." + test.name() || unfit.test == suite + ".*";
}

class Unfits final : public ::testing::EmptyTestEventListener {
  void OnTestStart(const ::testing::TestInfo& test) override {
    for (const Unfit& each : kUnfit)
      if (is_of(each, test)) GTEST_SKIP() << "not on the simulated network: " << each.reason;
  }
};

// The list may only hold what there is.
class NothingStale final : public ::testing::Environment {
  void SetUp() override {
    for (const Unfit& each : kUnfit)
      if (each.program == program_invocation_short_name && !exists(each))
        ADD_FAILURE() << "tests/simulated/unfit.hpp names " << each.test
                      << ", which is no test\n  cure: take it out, or correct its name";
  }
  static bool exists(const Unfit& unfit) {
    const auto& tests = *::testing::UnitTest::GetInstance();
    for (int i = 0; i < tests.total_test_suite_count(); ++i) {
      const ::testing::TestSuite& suite = *tests.GetTestSuite(i);
      for (int j = 0; j < suite.total_test_count(); ++j)
        if (is_of(unfit, *suite.GetTestInfo(j))) return true;
    }
    return false;
  }
};

[[maybe_unused]] const bool is_prepared = [] {
  ::testing::AddGlobalTestEnvironment(new NothingStale);
  if (is_simulated) ::testing::UnitTest::GetInstance()->listeners().Append(new Unfits);
  return true;
}();

}  // namespace

std::unique_ptr<detail::IoBackend> epoll_or_simulated() {
  if (!is_simulated || tls_makes_network) return real_epoll();
  const auto network = std::make_shared<detail::SimulatedNetwork>();
  network->set_asks_system(true);
  tls_makes_network = true;
  auto backend = network->make_backend();
  tls_makes_network = false;
  return backend;
}

// Otherwise an optimisation across files that goes past the linker's hook would let every test pass
// on the wrong backend.
TEST(Backend, of_a_new_loop_is_the_simulated_one_exactly_where_that_was_asked_for) {
  EXPECT_EQ(Loop().backend().name() == std::string_view("simulated"), is_simulated);
}

}  // namespace asyncio::tests
