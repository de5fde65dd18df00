#include "asyncio/net/internal/hosts_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace asyncio::detail {
namespace {

using Family = Address::Family;

std::string hosts(const std::vector<Address>& addresses) {
  std::string all;
  for (const Address& each : addresses) all += (all.empty() ? "" : " ") + each.host();
  return all;
}

TEST(HostsFile, gives_all_addresses_of_a_name_in_the_order_of_the_file) {
  HostsFile file("");
  file.parse(
      "# a comment\n"
      "10.0.0.1 one.example one  # the first\r\n"
      "\t10.0.0.2\tone.example\n"
      "not-an-address one.example\n"
      "fd00::1 ONE.example.\n"
      "10.0.0.3");

  EXPECT_EQ(hosts(file.addresses_of("one.example", Family::none)), "10.0.0.1 10.0.0.2 fd00::1");
  EXPECT_EQ(hosts(file.addresses_of("One.Example.", Family::ipv6)), "fd00::1");
  EXPECT_EQ(hosts(file.addresses_of("one", Family::ipv4)), "10.0.0.1");
  EXPECT_EQ(hosts(file.addresses_of("one", Family::ipv6)), "");
  EXPECT_EQ(hosts(file.addresses_of("two", Family::none)), "");
  EXPECT_EQ(file.canonical_name_of("one"), "one.example");
  EXPECT_EQ(file.name_of(*Address::parse("10.0.0.2", 0)), "one.example");
  EXPECT_EQ(file.name_of(*Address::parse("10.0.0.3", 0)), std::nullopt);
}

TEST(HostsFile, is_read_again_once_it_has_changed) {
  const auto path =
      std::filesystem::temp_directory_path() / ("hosts_file_test." + std::to_string(::getpid()));
  std::ofstream(path) << "10.0.0.1 one\n";
  HostsFile file(path.string());
  file.refresh();
  EXPECT_EQ(hosts(file.addresses_of("one", Family::none)), "10.0.0.1");

  std::ofstream(path) << "10.0.0.2 one\n";
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now());
  file.refresh();
  EXPECT_EQ(hosts(file.addresses_of("one", Family::none)), "10.0.0.2");

  std::filesystem::remove(path);
  file.refresh();
  EXPECT_EQ(hosts(file.addresses_of("one", Family::none)), "");
}

TEST(Localhost, is_the_loopback_whatever_a_server_says) {
  EXPECT_EQ(hosts(localhost_addresses("LocalHost.", Family::none)), "::1 127.0.0.1");
  EXPECT_EQ(hosts(localhost_addresses("db.localhost", Family::ipv4)), "127.0.0.1");
  EXPECT_EQ(hosts(localhost_addresses("localhost.example", Family::none)), "");
}

}  // namespace
}  // namespace asyncio::detail
