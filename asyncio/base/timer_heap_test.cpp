#include "asyncio/base/timer_heap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace asyncio::detail {
namespace {

TEST(TimerHeap, gives_deadlines_in_order_and_equal_ones_in_insertion_order) {
  TimerHeap heap;
  std::vector<TimerSlot> slots(5);
  const std::int64_t deadlines[] = {30, 10, 20, 10, 10};

  for (std::size_t i = 0; i < slots.size(); ++i) heap.push(deadlines[i], slots[i]);

  std::vector<std::ptrdiff_t> order;
  while (!heap.empty()) order.push_back(&heap.pop() - slots.data());
  EXPECT_EQ(order, (std::vector<std::ptrdiff_t>{1, 3, 4, 2, 0}));
}

TEST(TimerHeap, a_removed_timer_never_comes_out) {
  TimerHeap heap;
  TimerSlot first;
  TimerSlot second;
  heap.push(1, first);
  heap.push(2, second);

  heap.remove(first);

  EXPECT_FALSE(first.is_queued());
  EXPECT_EQ(&heap.pop(), &second);
  EXPECT_TRUE(heap.empty());
}

// Against a multimap, which has the same order and no cleverness.
TEST(TimerHeap, agrees_with_a_multimap_under_random_use) {
  std::mt19937 random(20240607);
  TimerHeap heap;
  std::vector<TimerSlot> slots(500);
  std::multimap<std::int64_t, TimerSlot*> model;

  for (int step = 0; step < 20'000; ++step) {
    TimerSlot& slot = slots[random() % slots.size()];
    if (!slot.is_queued()) {
      const std::int64_t when = static_cast<std::int64_t>(random() % 50);
      heap.push(when, slot);
      model.emplace(when, &slot);
    } else if (random() % 2 == 0) {
      heap.remove(slot);
      std::erase_if(model, [&](const auto& entry) { return entry.second == &slot; });
    } else {
      ASSERT_EQ(heap.next_deadline(), model.begin()->first);
      ASSERT_EQ(&heap.pop(), model.begin()->second);
      model.erase(model.begin());
    }
    ASSERT_EQ(heap.size(), model.size());
  }
}

// Thousands due at once are sorted rather than popped: the order is the same.
TEST(TimerHeap, gives_what_is_due_as_a_multimap_does_however_much_that_is) {
  for (const int due_percent : {1, 20, 50, 100}) {
    std::mt19937 random(static_cast<unsigned>(due_percent));
    TimerHeap heap;
    std::vector<TimerSlot> slots(5'000);
    std::multimap<std::int64_t, TimerSlot*> model;
    std::vector<TimerSlot*> given;
    std::vector<TimerSlot*> expected;

    for (TimerSlot& slot : slots) {
      const auto when = static_cast<std::int64_t>(random() % 1'000);
      heap.push(when, slot);
      model.emplace(when, &slot);
      if (random() % 100 == 0) heap.next_deadline();  // so that some stand in order already
    }
    const std::int64_t now = 10 * due_percent - 1;
    heap.pop_due(now, [&](TimerSlot& slot) { given.push_back(&slot); });
    for (const auto& [when, slot] : model)
      if (when <= now) expected.push_back(slot);

    EXPECT_EQ(given, expected);
    EXPECT_EQ(heap.size(), slots.size() - expected.size());
    for (TimerSlot* slot : given) EXPECT_FALSE(slot->is_queued());
    for (auto rest = model.upper_bound(now); rest != model.end(); ++rest)
      ASSERT_EQ(&heap.pop(), rest->second);
  }
}

TEST(TimerHeap, cancelling_a_hundred_thousand_in_random_order_leaves_it_empty) {
  std::mt19937 random(7);
  TimerHeap heap;
  std::vector<TimerSlot> slots(100'000);
  std::vector<TimerSlot*> order;
  for (TimerSlot& slot : slots) {
    heap.push(static_cast<std::int64_t>(random()), slot);
    order.push_back(&slot);
  }
  std::shuffle(order.begin(), order.end(), random);

  for (TimerSlot* slot : order) heap.remove(*slot);

  EXPECT_TRUE(heap.empty());
}

}  // namespace
}  // namespace asyncio::detail
