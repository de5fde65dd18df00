// Awaits in a row that need not suspend: the stack must not grow by one byte each.
#include <gtest/gtest.h>

#include <cstdint>

#include "asyncio/testing.hpp"
#include "tests/stress/sizes.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

// Where the stack stands now.
[[gnu::noinline]] std::uintptr_t stack_address() {
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

// The lowest and the highest place of the stack that was seen.
struct StackRange {
  std::uintptr_t lowest = UINTPTR_MAX;
  std::uintptr_t highest = 0;
  void look() {
    const std::uintptr_t here = stack_address();
    if (here < lowest) lowest = here;
    if (here > highest) highest = here;
  }
  std::uintptr_t size() const { return highest - lowest; }
};

// A frame or two more are the compiler's business; one for each await would be megabytes.
constexpr std::uintptr_t kSlack = 64 * 1024;

Coro<int> ready(StackRange& stack, int value) {
  stack.look();
  co_return value;
}

ASYNCIO_TEST(ReadyAwaits, of_coroutines_need_no_more_stack_after_ten_million) {
  StackRange stack;
  std::int64_t sum = 0;
  for (int i = 0; i < stress::times(10'000'000); ++i) sum += co_await ready(stack, 1);
  EXPECT_EQ(sum, stress::times(10'000'000));
  EXPECT_LT(stack.size(), kSlack);
}

ASYNCIO_TEST(ReadyAwaits, of_done_futures_need_no_more_stack) {
  StackRange stack;
  Future<int> done;
  done.set_result(1);
  std::int64_t sum = 0;
  for (int i = 0; i < stress::times(10'000'000); ++i) {
    sum += co_await done;
    stack.look();
  }
  EXPECT_EQ(sum, stress::times(10'000'000));
  EXPECT_LT(stack.size(), kSlack);
}

ASYNCIO_TEST(ReadyAwaits, of_free_locks_need_no_more_stack) {
  StackRange stack;
  Lock lock;
  for (int i = 0; i < stress::times(1'000'000); ++i) {
    co_await lock.acquire();
    stack.look();
    lock.release();
  }
  EXPECT_LT(stack.size(), kSlack);
}

AsyncGenerator<int> endless(StackRange& stack) {
  for (int i = 0;; ++i) {
    stack.look();
    co_yield i;
  }
}

ASYNCIO_TEST(ReadyAwaits, of_generator_items_need_no_more_stack) {
  StackRange stack;
  auto numbers = endless(stack);
  for (int i = 0; i < stress::times(1'000'000); ++i) {
    auto item = co_await numbers.next();
    EXPECT_EQ(item, i);
    if (item != i) break;
  }
  EXPECT_LT(stack.size(), kSlack);
  co_await numbers.aclose();
}

// Each level stands on the heap, so its depth is bounded by memory and not by the stack.
Coro<int> nested(StackRange& stack, int depth) {
  stack.look();
  if (depth == 0) co_return 0;
  const int below = co_await nested(stack, depth - 1);
  stack.look();
  co_return below + 1;
}

ASYNCIO_TEST(ReadyAwaits, of_coroutines_within_coroutines_need_no_more_stack) {
  StackRange stack;
  EXPECT_EQ(co_await nested(stack, stress::times(500'000)), stress::times(500'000));
  EXPECT_LT(stack.size(), kSlack);
}

}  // namespace
}  // namespace asyncio
