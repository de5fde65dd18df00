#include "asyncio/base/intrusive_list.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace asyncio::detail {
namespace {

struct Item : Link {
  int value = 0;
};

std::vector<int> values(IntrusiveList<Item>& list) {
  std::vector<int> result;
  for (Item* item = list.first(); item != nullptr; item = list.after(*item))
    result.push_back(item->value);
  return result;
}

class IntrusiveListTest : public testing::Test {
 protected:
  IntrusiveListTest() {
    for (int i = 0; i < 4; ++i) items[static_cast<std::size_t>(i)].value = i;
  }
  std::array<Item, 4> items;
  IntrusiveList<Item> list;
};

TEST_F(IntrusiveListTest, keeps_the_order_of_pushes_at_both_ends) {
  list.push_back(items[1]);
  list.push_back(items[2]);
  list.push_front(items[0]);

  EXPECT_EQ(values(list), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(list.pop_front().value, 0);
  EXPECT_EQ(list.back().value, 2);
  EXPECT_FALSE(items[0].is_linked());
}

TEST_F(IntrusiveListTest, an_element_leaves_from_the_middle_by_itself) {
  for (int i = 0; i < 3; ++i) list.push_back(items[static_cast<std::size_t>(i)]);

  items[1].unlink();

  EXPECT_EQ(values(list), (std::vector<int>{0, 2}));
}

TEST_F(IntrusiveListTest, the_only_element_is_known_as_such_and_leaves_the_list_empty) {
  list.push_back(items[0]);
  list.push_back(items[1]);
  EXPECT_EQ(list.only(), nullptr);
  items[0].unlink();
  EXPECT_EQ(list.only(), &items[1]);

  EXPECT_EQ(&list.pop_only(), &items[1]);

  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.only(), nullptr);
  EXPECT_FALSE(items[1].is_linked());
}

TEST_F(IntrusiveListTest, splicing_moves_everything_and_empties_the_other) {
  IntrusiveList<Item> other;
  list.push_back(items[0]);
  other.push_back(items[1]);
  other.push_back(items[2]);

  list.splice_back(other);

  EXPECT_EQ(values(list), (std::vector<int>{0, 1, 2}));
  EXPECT_TRUE(other.empty());
}

TEST_F(IntrusiveListTest, a_copy_of_an_element_is_in_no_list) {
  list.push_back(items[0]);
  const Item copy(items[0]);
  EXPECT_FALSE(copy.is_linked());
  EXPECT_TRUE(items[0].is_linked());
}

}  // namespace
}  // namespace asyncio::detail
