#include "asyncio/base/copyable.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace asyncio::detail {
namespace {

using MoveOnly = std::unique_ptr<int>;

struct Tree : std::vector<Tree> {};  // holds itself

TEST(Copyable, looks_into_containers_pairs_tuples_and_variants) {
  EXPECT_FALSE(kCopyable<MoveOnly>);
  EXPECT_FALSE(kCopyable<std::vector<MoveOnly>>);
  EXPECT_FALSE(kCopyable<std::vector<std::vector<MoveOnly>>>);
  EXPECT_FALSE((kCopyable<std::map<int, MoveOnly>>));
  EXPECT_FALSE((kCopyable<std::pair<int, std::vector<MoveOnly>>>));
  EXPECT_FALSE((kCopyable<std::tuple<int, std::optional<std::vector<MoveOnly>>>>));
  EXPECT_FALSE((kCopyable<std::variant<int, std::vector<MoveOnly>>>));
  EXPECT_FALSE((kCopyable<std::array<std::vector<MoveOnly>, 2>>));
}

TEST(Copyable, says_yes_to_what_can_be_copied) {
  EXPECT_TRUE(kCopyable<int>);
  EXPECT_TRUE(kCopyable<std::vector<std::string>>);
  EXPECT_TRUE((kCopyable<std::map<int, std::pair<int, std::string>>>));
  EXPECT_TRUE((kCopyable<std::tuple<std::shared_ptr<int>, std::variant<int, std::string>>>));
  EXPECT_TRUE(kCopyable<Tree>);
}

}  // namespace
}  // namespace asyncio::detail
