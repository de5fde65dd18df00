#include <asyncio/asyncio.hpp>
#include <asyncio/testing.hpp>
#include <cstdio>

using namespace std::chrono_literals;

// Virtual time: a day passes at once.
ASYNCIO_TEST(Installed, works) {
  co_await asyncio::sleep(24h);
  std::puts("testing works");
}

int main(int argc, char** argv) {
  testing::GTEST_FLAG(brief) = true;
  testing::InitGoogleTest(&argc, argv);
  std::freopen("/dev/null", "w", stderr);
  return RUN_ALL_TESTS();
}
