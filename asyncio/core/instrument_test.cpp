#include "asyncio/core/instrument.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "asyncio/core/sleep.hpp"
#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

std::size_t shown_loops() {
  const detail::Registry& registry = detail::registry();
  std::size_t count = 0;
  for (const detail::Link* link = registry.loops.next; link != &registry.loops; link = link->next)
    ++count;
  return count;
}

TEST(Registry, says_what_it_is_before_anything_that_may_change) {
  const detail::Registry& registry = detail::registry();

  EXPECT_EQ(std::memcmp(&registry, "asyncio", 8), 0);
  EXPECT_EQ(offsetof(detail::Registry, version), 8u);
  EXPECT_EQ(offsetof(detail::Registry, size), 12u);
  EXPECT_EQ(offsetof(detail::Registry, library), 16u);
  EXPECT_EQ(registry.version, detail::kRegistryVersion);
}

TEST(Registry, has_a_loop_from_its_construction_to_its_destruction) {
  auto first = std::make_unique<Loop>();
  const std::size_t with_one = shown_loops();
  {
    Loop second;
    EXPECT_EQ(shown_loops(), with_one + 1);
    EXPECT_EQ(second.scheduler().shown.id, first->scheduler().shown.id + 1);
  }
  EXPECT_EQ(shown_loops(), with_one);
  first.reset();
  EXPECT_EQ(shown_loops(), with_one - 1);
}

ASYNCIO_TEST(Registry, knows_the_kind_of_a_node_through_the_base_class_of_its_class) {
  auto sleeper = create_task([]() -> Coro<> { co_await sleep(1h); });
  auto awaiter = create_task([&]() -> Coro<> { co_await sleeper; });  // a SharedAwaiter<...>
  co_await testing::all_tasks_blocked();

  const detail::WaitKind* kind = detail::kind_of(*awaiter.base().waiter());

  EXPECT_TRUE(kind != nullptr && *kind->type == typeid(detail::FutureWait));
  EXPECT_STREQ(detail::kind_of(*sleeper.base().waiter())->labels[0], "sleep");
  sleeper.cancel();
  EXPECT_THROW(co_await awaiter, CancelledError);
}

}  // namespace
}  // namespace asyncio
