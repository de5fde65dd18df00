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
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
