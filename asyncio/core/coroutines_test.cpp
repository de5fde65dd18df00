#include "asyncio/core/coroutines.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

static_assert(!std::is_copy_constructible_v<Coro<>>);
static_assert(!Awaitable<Coro<>&>, "a coroutine is awaited as an rvalue");
static_assert(Awaitable<Coro<>>);
static_assert(!Awaitable<int>);
static_assert(std::is_same_v<await_result_t<Coro<int>>, int>);

Coro<int> number(int value) { co_return value; }

Coro<int> sum_to(int n) {
  if (n == 0) co_return 0;
  co_return n + co_await sum_to(n - 1);
}

ASYNCIO_TEST(Coro, does_nothing_before_it_is_awaited_and_then_runs_inline) {
  bool ran = false;
  bool others_ran = false;
  auto body = [&]() -> Coro<> {
    ran = true;
    co_return;
  };
  Coro<> coroutine = body();
  EXPECT_FALSE(ran);
  get_running_loop().call_soon([&] { others_ran = true; });

  co_await std::move(coroutine);

  EXPECT_TRUE(ran);
  EXPECT_FALSE(others_ran);
  co_await sleep(0s);
}

ASYNCIO_TEST(Coro, nested_ones_cost_no_pass) { EXPECT_EQ(co_await sum_to(1000), 500500); }

ASYNCIO_TEST(Coro, is_awaited_once) {
  Coro<int> coroutine = number(1);
  EXPECT_EQ(co_await std::move(coroutine), 1);
  std::string error;
  try {
    co_await std::move(coroutine);
  } catch (const RuntimeError& caught) {
    error = caught.what();
  }
  EXPECT_EQ(error, "cannot reuse already awaited coroutine");
  EXPECT_THROW(create_task(std::move(coroutine)), RuntimeError);
}

ASYNCIO_TEST(Coro, moved_from_cannot_be_awaited_and_the_target_can) {
  Coro<int> first = number(1);
  Coro<int> second = number(2);
  second = std::move(first);
  EXPECT_EQ(co_await std::move(second), 1);
  bool refused = false;
  try {
    co_await std::move(first);
  } catch (const RuntimeError&) {
    refused = true;
  }
  EXPECT_TRUE(refused);
}

ASYNCIO_TEST(Coro, an_exception_passes_through_every_level_as_the_same_object) {
  static const void* thrown = nullptr;
  auto inner = []() -> Coro<> {
    try {
      throw ValueError("deep");
    } catch (const ValueError& error) {
      thrown = &error;
      throw;
    }
    co_return;
  };
  auto outer = [&]() -> Coro<> { co_await inner(); };
  const void* caught = nullptr;
  try {
    co_await outer();
  } catch (const ValueError& error) {
    caught = &error;
  }
  EXPECT_EQ(caught, thrown);
  EXPECT_NE(caught, nullptr);
}

ASYNCIO_TEST(Coro, frees_its_parameters_when_it_was_never_awaited_or_has_ended) {
  auto held = std::make_shared<int>(1);
  auto body = [](std::shared_ptr<int> parameter) -> Coro<int> { co_return *parameter; };
  {
    Coro<int> dropped = body(held);
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
  Coro<int> closed = body(held);
  closed.close();
  EXPECT_EQ(held.use_count(), 1);

  EXPECT_EQ(co_await body(held), 1);
  EXPECT_EQ(held.use_count(), 1);
}

ASYNCIO_TEST(Coro, results_may_be_move_only_and_without_a_default) {
  struct Token {
    explicit Token(int n) : number(std::make_unique<int>(n)) {}
    std::unique_ptr<int> number;
  };
  auto body = []() -> Coro<Token> { co_return Token(3); };
  Token token = co_await body();
  EXPECT_EQ(*token.number, 3);
}

ASYNCIO_TEST(Coro, may_hold_temporaries_across_an_await) {
  auto join = [](std::string a, std::string b) -> Coro<std::string> {
    co_await sleep(1s);
    co_return a + b;
  };
  const std::string text =
      std::string(40, 'a') + co_await join(std::string(40, 'b'), std::string(40, 'c'));
  EXPECT_EQ(text, std::string(40, 'a') + std::string(40, 'b') + std::string(40, 'c'));
}

TEST(Coro, never_awaited_is_reported_in_debug_mode_but_not_when_closed) {
  std::vector<std::string> lines;
  logging::set_sink([&](LogLevel, std::string_view line) { lines.emplace_back(line); });
  {
    Loop loop({.debug = true});
    { Coro<int> forgotten = number(1); }
    Coro<int> closed = number(1);
    closed.close();
  }
  logging::set_sink({});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("number"), std::string::npos);
  EXPECT_NE(lines[0].find("was never awaited"), std::string::npos);
  EXPECT_NE(lines[0].find("coroutines_test.cpp"), std::string::npos);
}

}  // namespace
}  // namespace asyncio
