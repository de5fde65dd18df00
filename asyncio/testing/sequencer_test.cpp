#include "asyncio/testing/sequencer.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "asyncio/testing.hpp"

namespace asyncio {
namespace {

ASYNCIO_TEST(Sequencer, gives_each_its_turn_whatever_the_order_of_asking) {
  testing::Sequencer order;
  std::vector<int> ran;
  std::vector<Task<>> tasks;
  for (const int position : {2, 0, 3, 1})
    tasks.push_back(create_task([&order, &ran, position]() -> Coro<> {
      const auto turn = co_await order(position);
      ran.push_back(position);
      co_await sleep(std::chrono::seconds(1));
      ran.push_back(position);
    }));
  for (auto& task : tasks) co_await task;
  EXPECT_EQ(ran, (std::vector<int>{0, 0, 1, 1, 2, 2, 3, 3}));
  EXPECT_THROW(static_cast<void>(co_await order(2)), RuntimeError);
}

}  // namespace
}  // namespace asyncio
