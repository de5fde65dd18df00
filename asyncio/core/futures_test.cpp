#include "asyncio/core/futures.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "asyncio/testing.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using tests::error_of;

ASYNCIO_TEST(Future, refuses_to_be_completed_twice) {
  Future<int> future;
  EXPECT_EQ(error_of([&] { future.result(); }), "InvalidStateError: Result is not set.");
  EXPECT_EQ(error_of([&] { future.exception(); }), "InvalidStateError: Exception is not set.");

  future.set_result(1);

  EXPECT_EQ(error_of([&] { future.set_result(2); }), "InvalidStateError: invalid state");
  EXPECT_EQ(error_of([&] { future.set_exception(ValueError("v")); }),
            "InvalidStateError: invalid state");
  EXPECT_FALSE(future.cancel());
  EXPECT_EQ(future.result(), 1);
  EXPECT_EQ(future.exception(), nullptr);
  co_return;
}

ASYNCIO_TEST(Future, wakes_all_awaiters_in_order_with_the_same_value) {
  Future<std::string> future;
  std::vector<std::string> order;
  std::vector<Task<>> tasks;
  for (const char* name : {"a", "b", "c"})
    tasks.push_back(create_task(
        [&](std::string who) -> Coro<> {
          const std::string& value = co_await future;
          order.push_back(who + value);
        },
        std::string(name)));
  co_await testing::all_tasks_blocked();

  future.set_result("!");
  EXPECT_TRUE(order.empty());  // nobody is resumed inline
  co_await wait(tasks);

  EXPECT_EQ(order, (std::vector<std::string>{"a!", "b!", "c!"}));
}

ASYNCIO_TEST(Future, cancelling_one_awaiter_cancels_it_for_all) {
  Future<> future;
  auto first = create_task([&]() -> Coro<> { co_await future; });
  auto second = create_task([&]() -> Coro<> { co_await future; });
  co_await testing::all_tasks_blocked();

  first.cancel("shared");
  co_await wait(std::vector{first, second});

  EXPECT_TRUE(future.cancelled());
  EXPECT_TRUE(second.cancelled());
  EXPECT_EQ(second.cancelling(), 0);
  EXPECT_EQ(error_of([&] { second.result(); }), "CancelledError: shared");
}

ASYNCIO_TEST(Future, awaiting_a_done_one_does_not_suspend) {
  Future<int> future;
  future.set_result(3);
  bool other_ran = false;
  get_running_loop().call_soon([&] { other_ran = true; });

  EXPECT_EQ(co_await future, 3);

  EXPECT_FALSE(other_ran);
  co_await sleep(0s);
}

ASYNCIO_TEST(Future, a_callback_that_throws_goes_to_the_exception_handler) {
  std::vector<std::string> reports;
  Loop& loop = get_running_loop();
  loop.set_exception_handler([&](Loop&, const ExceptionContext& context) {
    reports.push_back(context.message + ", " + describe(context.exception));
  });
  Future<> future;
  bool second_ran = false;
  future.add_done_callback([](const Future<>&) { throw ValueError("callback"); });
  future.add_done_callback([&](const Future<>&) { second_ran = true; });

  future.set_result();
  co_await sleep(0s);

  EXPECT_EQ(reports, std::vector<std::string>{"Exception in callback, ValueError: callback"});
  EXPECT_TRUE(second_ran);
}

ASYNCIO_TEST(Future, callbacks_see_the_context_they_were_registered_in) {
  static ContextVar<int> variable("variable", 0);
  auto token = variable.set(1);
  Future<> future;
  std::vector<int> seen;
  future.add_done_callback([&](const Future<>&) { seen.push_back(variable.get()); });
  variable.reset(token);
  Context other;
  other.run([&] { static_cast<void>(variable.set(7)); });
  future.add_done_callback([&](const Future<>&) { seen.push_back(variable.get()); },
                           {.context = other});

  future.set_result();
  co_await sleep(0s);

  EXPECT_EQ(seen, (std::vector<int>{1, 7}));
}

TEST(Future, made_outside_a_loop_belongs_to_the_first_that_awaits_it) {
  Future<int> future;
  EXPECT_EQ(error_of([&] { future.get_loop(); }).find("RuntimeError"), 0U);
  const int value = run([](Future<int> awaited) -> Coro<int> {
    get_running_loop().call_soon([awaited] { awaited.set_result(5); });
    co_return co_await awaited;
  }(future));
  EXPECT_EQ(value, 5);
}

TEST(Future, of_another_loop_cannot_be_awaited_while_pending_and_can_when_done) {
  Loop other;
  Future<int> future(other);
  auto read = [](Future<int> awaited) -> Coro<int> { co_return co_await awaited; };
  const std::string error = error_of([&] { run(read(future)); });
  EXPECT_NE(error.find("attached to a different loop"), std::string::npos);

  future.set_result(9);

  EXPECT_EQ(run(read(future)), 9);
}

TEST(Future, a_failure_nobody_retrieves_is_reported_when_the_last_handle_goes) {
  std::vector<std::string> messages;
  Loop loop;
  loop.set_exception_handler(
      [&](Loop&, const ExceptionContext& context) { messages.push_back(context.message); });
  {
    auto lost = loop.create_future<int>();
    lost.set_exception(ValueError("lost"));
    auto seen = loop.create_future<int>();
    seen.set_exception(ValueError("seen"));
    static_cast<void>(seen.exception());
  }
  EXPECT_EQ(messages, std::vector<std::string>{"Future exception was never retrieved"});
}

TEST(Future, repr_tells_its_state) {
  Future<int> future;
  EXPECT_EQ(future.repr(), "<Future pending>");
  future.cancel();
  EXPECT_EQ(future.repr(), "<Future cancelled>");
}

}  // namespace
}  // namespace asyncio
