#include "asyncio/net/address.hpp"

#include <gtest/gtest.h>

#include "asyncio/base/errors.hpp"
#include "asyncio/io/backend.hpp"

namespace asyncio {
namespace {

Address through_the_system(const Address& address) {
  return Address::from_system(address.to_system());
}

TEST(Address, reads_as_python_prints_it) {
  EXPECT_EQ(Address::parse("127.0.0.1", 8080)->repr(), "('127.0.0.1', 8080)");
  EXPECT_EQ(Address::parse("::1", 80)->repr(), "('::1', 80, 0, 0)");
  EXPECT_EQ(Address::of_path("/run/x.sock").repr(), "'/run/x.sock'");
  EXPECT_EQ(Address().repr(), "None");
}

TEST(Address, tells_numbers_from_names) {
  EXPECT_FALSE(Address::parse("localhost", 1));
  EXPECT_FALSE(Address::parse("256.1.1.1", 1));
  EXPECT_FALSE(Address::parse("", 1));
  EXPECT_FALSE(Address::parse("127.0.0.1%1", 1));
  EXPECT_EQ(Address::parse("fe80::1%1", 5)->repr(), "('fe80::1%lo', 5, 0, 1)");
  EXPECT_THROW(static_cast<void>(Address::parse("::", 65'536)), ValueError);
  EXPECT_THROW(static_cast<void>(Address::parse("::", -1)), ValueError);
}

TEST(Address, survives_the_way_through_a_sockaddr) {
  for (const Address& address :
       {*Address::parse("10.1.2.3", 65'535), *Address::parse("2001:db8::7", 1),
        Address::of_path("/tmp/a"), Address::of_path(std::string("\0abstract", 9))})
    EXPECT_EQ(through_the_system(address), address) << address.repr();
  EXPECT_THROW(static_cast<void>(Address().to_system()), ValueError);
  EXPECT_EQ(Address::from_system(detail::SocketAddress{}), Address());
}

TEST(Address, refuses_a_path_that_does_not_fit) {
  EXPECT_EQ(Address::of_path(std::string(107, 'x')).path().size(), 107U);
  EXPECT_THROW(static_cast<void>(Address::of_path(std::string(108, 'x'))), OSError);
}

}  // namespace
}  // namespace asyncio
