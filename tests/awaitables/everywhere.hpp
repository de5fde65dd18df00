// everywhere.hpp: an awaitable in every place that takes one. What a place refuses to take does
// not compile here.
#pragma once
#include <gtest/gtest.h>

#include <chrono>
#include <utility>
#include <vector>

#include "asyncio/asyncio.hpp"

namespace asyncio::tests {

using namespace std::chrono_literals;

template <class Make>
using Made = decltype(std::declval<Make&>()());

template <class Make>
std::vector<Made<Make>> two_of(Make& make) {
  std::vector<Made<Make>> both;
  both.push_back(make());
  both.push_back(make());
  return both;
}

template <class Make>
Coro<> where_one_is_taken(Make& make) {
  static_cast<void>(co_await make());
  static_cast<void>(co_await create_task(make(), {.name = "one"}));
  static_cast<void>(co_await create_task(make(), {.eager_start = true}));
  static_cast<void>(co_await wait_for(make(), 60s));
  static_cast<void>(co_await wait_for(make(), std::nullopt));
  static_cast<void>(co_await shield(make()));
  const auto outcome = co_await outcome_of(make());
  EXPECT_TRUE(outcome.has_value()) << describe(outcome.exception());
  const auto in_time = co_await move_on_after(60s, make());
  EXPECT_TRUE(in_time.has_value());
}

template <class Make>
Coro<> where_many_are_taken(Make& make) {
  static_cast<void>(co_await gather(make(), make()));
  static_cast<void>(co_await gather(two_of(make)));
  static_cast<void>(co_await gather(return_exceptions, make(), make()));
  for (const auto& each : co_await gather(return_exceptions, two_of(make)))
    EXPECT_TRUE(each.has_value()) << describe(each.exception());
  for (auto& each : as_completed(two_of(make), {.timeout = 60s})) static_cast<void>(co_await each);
  auto completed = as_completed(two_of(make));
  int count = 0;
  while (auto task = co_await completed.next()) {
    static_cast<void>(co_await std::move(*task));
    ++count;
  }
  EXPECT_EQ(count, 2);
  std::vector<decltype(create_task(make()))> tasks;
  tasks.push_back(create_task(make()));
  tasks.push_back(create_task(make()));
  EXPECT_EQ((co_await wait(std::move(tasks), {.timeout = 60s})).done.size(), 2U);
}

template <class Make>
Coro<> in_scopes(Make& make) {
  co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    group.create_task(make(), {.name = "of a group"});
    static_cast<void>(co_await group.create_task(make()));
  });
  co_await with(timeout(60s), [&]() -> Coro<> { static_cast<void>(co_await make()); });
  co_await try_finally([&]() -> Coro<> { static_cast<void>(co_await make()); },
                       [&]() -> Coro<> { static_cast<void>(co_await make()); });
}

// make() gives the awaitable, a new one each time, that succeeds within a minute.
template <class Make>
Coro<> everywhere(Make make) {
  co_await where_one_is_taken(make);
  co_await where_many_are_taken(make);
  co_await in_scopes(make);
}

}  // namespace asyncio::tests
