#include "asyncio/net/dns.hpp"

#include <vector>

#include "asyncio/net/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace net_test;

TEST(Resolve, numeric_hosts_need_no_thread) {
  run([]() -> Coro<> {
    const std::vector<Address> four = co_await resolve("127.0.0.1", 80);
    EXPECT_EQ(four.at(0).repr(), "('127.0.0.1', 80)");
    const std::vector<Address> six = co_await resolve("::1", 80);
    EXPECT_EQ(six.at(0).repr(), "('::1', 80, 0, 0)");
    const std::vector<Address> all = co_await resolve("", 0, {.passive = true});
    EXPECT_FALSE(all.empty());
  }());
}

TEST(Resolve, a_name_goes_through_the_system) {
  run([]() -> Coro<> {
    const std::vector<Address> found = co_await resolve("localhost", 7);
    EXPECT_FALSE(found.empty());
    for (const Address& address : found) EXPECT_EQ(address.port(), 7);
    EXPECT_EQ((co_await error_of(resolve("no such host", 7))).find("GaiError: [Errno -"), 0U);
  }());
}

}  // namespace
}  // namespace asyncio
