#include "asyncio/core/tasks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

Coro<int> after(Duration delay, int value) {
  co_await sleep(delay);
  co_return value;
}

Coro<> forever() { co_await sleep(1h); }

ASYNCIO_TEST(Task, does_not_start_before_the_creator_suspends) {
  bool ran = false;
  auto task = create_task([&]() -> Coro<> {
    ran = true;
    co_return;
  });
  EXPECT_FALSE(ran);

  co_await sleep(0s);

  EXPECT_TRUE(ran);
  EXPECT_TRUE(task.done());
}

ASYNCIO_TEST(Task, cancelled_before_its_first_step_never_runs_its_body) {
  bool ran = false;
  auto parameter = std::make_shared<int>(1);
  auto task = create_task(
      [&ran](std::shared_ptr<int>) -> Coro<> {
        ran = true;
        co_return;
      },
      parameter);

  task.cancel("early");
  std::string message;
  try {
    co_await task;
  } catch (const CancelledError& error) {
    message = error.message();
  }

  EXPECT_FALSE(ran);
  EXPECT_EQ(message, "early");
  EXPECT_EQ(parameter.use_count(), 1);
}

ASYNCIO_TEST(Task, two_cancels_give_one_error_with_the_first_message_and_a_count_of_two) {
  int errors = 0;
  std::string message;
  auto task = create_task([&]() -> Coro<int> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError& error) {
      ++errors;
      message = error.message();
    }
    co_await sleep(1s);  // not interrupted again
    co_return current_task()->cancelling();
  });
  co_await testing::all_tasks_blocked();

  EXPECT_TRUE(task.cancel("first"));
  EXPECT_TRUE(task.cancel("second"));

  EXPECT_EQ(co_await task, 2);
  EXPECT_EQ(errors, 1);
  EXPECT_EQ(message, "first");
  EXPECT_FALSE(task.cancelled());
}

ASYNCIO_TEST(Task, a_cancel_of_oneself_comes_at_the_next_suspension_with_the_last_message) {
  std::string message;
  auto task = create_task([&]() -> Coro<> {
    current_task()->cancel("one");
    current_task()->cancel("two");
    co_await after(0s, 0);  // a coroutine that suspends
  });
  try {
    co_await task;
  } catch (const CancelledError& error) {
    message = error.message();
  }
  EXPECT_EQ(message, "two");
}

ASYNCIO_TEST(Task, that_cancels_itself_and_returns_ends_cancelled_without_its_value) {
  auto task = create_task([]() -> Coro<int> {
    current_task()->cancel();
    co_return 1;
  });
  co_await wait(std::vector{task});
  EXPECT_TRUE(task.cancelled());
  EXPECT_THROW(static_cast<void>(task.result()), CancelledError);
}

ASYNCIO_TEST(Task, uncancel_to_zero_withdraws_a_request_that_was_not_delivered) {
  auto task = create_task([]() -> Coro<int> {
    AnyTask self = *current_task();
    self.cancel();
    EXPECT_EQ(self.uncancel(), 0);
    co_await sleep(1s);
    co_return 5;
  });
  EXPECT_EQ(co_await task, 5);
}

ASYNCIO_TEST(Task, a_cancel_reaches_the_awaited_task_first_and_waits_for_it) {
  std::vector<std::string> order;
  auto child = create_task([&]() -> Coro<int> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      order.push_back("child cancelled");
    }
    co_await sleep(1s);
    order.push_back("child done");
    co_return 7;
  });
  auto parent = create_task([&]() -> Coro<int> {
    int value = co_await child;
    order.push_back("parent resumed");
    co_return value;
  });
  co_await testing::all_tasks_blocked();

  parent.cancel();

  EXPECT_EQ(co_await parent, 7);  // the child swallowed it
  EXPECT_EQ(order, (std::vector<std::string>{"child cancelled", "child done", "parent resumed"}));
  EXPECT_EQ(child.cancelling(), 1);
}

ASYNCIO_TEST(Task, cancel_wins_over_a_result_that_is_there_but_not_taken) {
  Future<int> future;
  auto task = create_task([&]() -> Coro<int> { co_return co_await future; });
  co_await testing::all_tasks_blocked();

  future.set_result(1);
  task.cancel("late");
  co_await wait(std::vector{task});

  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(future.result(), 1);
}

ASYNCIO_TEST(Task, awaiting_something_cancelled_ends_the_task_cancelled_with_count_zero) {
  auto inner = create_task(forever());
  auto outer = create_task([&]() -> Coro<> { co_await inner; });
  co_await testing::all_tasks_blocked();

  inner.cancel("inner");
  std::string message;
  try {
    co_await outer;
  } catch (const CancelledError& error) {
    message = error.message();
  }

  EXPECT_TRUE(outer.cancelled());
  EXPECT_EQ(outer.cancelling(), 0);
  EXPECT_EQ(message, "inner");
}

ASYNCIO_TEST(Task, cannot_await_itself) {
  Task<> task;
  task = create_task([&]() -> Coro<> { co_await task; });
  co_await wait(std::vector{task});
  const std::string error = describe(task.exception());
  EXPECT_EQ(error.find("RuntimeError: Task cannot await on itself: <Task"), 0U);
}

ASYNCIO_TEST(Task, tells_its_failure_and_keeps_the_same_exception_object) {
  auto task = create_task([]() -> Coro<> {
    throw std::runtime_error("boom");
    co_return;
  });
  const std::exception* first = nullptr;
  const std::exception* second = nullptr;
  try {
    co_await task;
  } catch (const std::exception& error) {
    first = &error;
  }
  try {
    task.result();
  } catch (const std::exception& error) {
    second = &error;
  }
  EXPECT_EQ(first, second);
  EXPECT_FALSE(task.cancel());
}

ASYNCIO_TEST(Task, results_may_be_move_only_and_without_a_default) {
  struct Token {
    explicit Token(int n) : number(std::make_unique<int>(n)) {}
    std::unique_ptr<int> number;
  };
  auto task = create_task([]() -> Coro<Token> { co_return Token(4); });

  const Token& shared = co_await task;
  EXPECT_EQ(*shared.number, 4);
  Token moved = co_await std::move(task);

  EXPECT_EQ(*moved.number, 4);
}

ASYNCIO_TEST(Task, an_rvalue_await_copies_where_another_handle_could_still_ask) {
  auto task = create_task([]() -> Coro<std::string> { co_return std::string(50, 'x'); });
  auto other = task;

  std::string moved = co_await std::move(task);

  EXPECT_EQ(moved, other.result());
}

ASYNCIO_TEST(Task, names_count_up_and_can_be_changed) {
  auto first = create_task(forever());
  auto second = create_task(forever(), {.name = "mine"});
  EXPECT_EQ(first.get_name().rfind("Task-", 0), 0U);
  EXPECT_EQ(second.get_name(), "mine");

  first.set_name("other");
  EXPECT_EQ(first.get_name(), "other");
  EXPECT_NE(first.repr().find("<Task pending name='other' coro=<forever()"), std::string::npos);

  first.cancel();
  second.cancel();
  co_await wait(std::vector{first, second});
  EXPECT_EQ(first.repr(), "<Task cancelled name='other'>");
}

// Each thread takes some numbers in advance.
TEST(Task, names_count_up_over_loops_and_are_given_only_once_by_all_threads) {
  constexpr std::size_t kTasks = 40;
  const auto numbers_of_tasks = [] {
    std::vector<int> numbers;
    for (int loops = 0; loops < 2; ++loops)
      run([](std::vector<int>& all) -> Coro<> {
        for (std::size_t i = 0; i < kTasks; ++i) {
          auto task = create_task(after(0s, 0));
          all.push_back(std::stoi(task.get_name().substr(5)));
          co_await task;
        }
      }(numbers));
    return numbers;
  };
  std::vector<int> all;
  std::mutex guard;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      const std::vector<int> numbers = numbers_of_tasks();
      EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
      const std::lock_guard held(guard);
      all.insert(all.end(), numbers.begin(), numbers.end());
    });
  for (std::thread& thread : threads) thread.join();

  std::sort(all.begin(), all.end());

  EXPECT_EQ(all.size(), 3 * 2 * kTasks);
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

ASYNCIO_TEST(Task, the_stack_names_every_coroutine_outermost_first) {
  auto task = create_task([]() -> Coro<> { co_await forever(); });
  co_await testing::all_tasks_blocked();

  auto stack = task.get_stack();

  EXPECT_EQ(stack.size(), 2U);
  EXPECT_EQ(stack.front().function, "<lambda>");
  EXPECT_EQ(stack.back().function, "forever");
  task.cancel();
  co_await wait(std::vector{task});
  EXPECT_TRUE(task.get_stack().empty());
}

ASYNCIO_TEST(Task, callbacks_run_in_order_through_the_queue_and_can_be_removed) {
  std::vector<int> calls;
  auto task = create_task(after(1s, 1));
  task.add_done_callback([&](const Task<int>&) { calls.push_back(1); });
  auto removed = task.add_done_callback([&](const Task<int>&) { calls.push_back(2); });
  task.add_done_callback([&](const Task<int>& done) { calls.push_back(done.result() + 2); });
  EXPECT_TRUE(task.remove_done_callback(removed));
  EXPECT_FALSE(task.remove_done_callback(removed));

  co_await task;
  co_await sleep(0s);
  EXPECT_EQ(calls, (std::vector<int>{1, 3}));

  task.add_done_callback([&](const Task<int>&) { calls.push_back(4); });
  EXPECT_EQ(calls.size(), 2U);
  co_await sleep(0s);
  EXPECT_EQ(calls.back(), 4);
}

ASYNCIO_TEST(Task, eager_ones_run_to_their_first_suspension_inside_create_task) {
  std::vector<std::string> order;
  auto body = [&](std::string name, bool suspends) -> Coro<> {
    order.push_back(name + " as " + current_task()->get_name());
    if (suspends) co_await sleep(0s);
    order.push_back(name + " ends");
  };
  auto quick = create_task(body("quick", false), {.name = "q", .eager_start = true});
  order.push_back("created");
  EXPECT_TRUE(quick.done());
  auto slow = create_task(body("slow", true), {.name = "s", .eager_start = true});
  EXPECT_FALSE(slow.done());

  co_await slow;

  EXPECT_EQ(order, (std::vector<std::string>{"quick as q", "quick ends", "created", "slow as s",
                                             "slow ends"}));
}

ASYNCIO_TEST(CreateTask, keeps_the_callable_and_its_arguments_alive_until_the_body_ends) {
  auto state = std::make_shared<int>(0);
  auto task = create_task(
      [state](const std::string& text) -> Coro<std::size_t> {
        co_await sleep(1s);
        co_return text.size() + static_cast<std::size_t>(*state);
      },
      std::string(100, 'x'));
  EXPECT_EQ(co_await task, 100U);
  EXPECT_EQ(state.use_count(), 1);
}

TEST(CreateTask, needs_a_running_loop) {
  auto coroutine = forever();
  try {
    create_task(std::move(coroutine));
    FAIL() << "created a task without a loop";
  } catch (const RuntimeError& error) {
    EXPECT_STREQ(error.what(), "no running event loop");
  }
  coroutine.close();
}

ASYNCIO_TEST(AllTasks, are_those_that_are_not_done_in_creation_order) {
  auto a = create_task(forever(), {.name = "a"});
  auto b = create_task(after(0s, 1), {.name = "b"});
  auto c = create_task(forever(), {.name = "c"});
  co_await b;

  std::vector<std::string> names;
  for (const AnyTask& task : all_tasks()) names.push_back(task.get_name());

  EXPECT_EQ(names.size(), 3U);
  EXPECT_EQ(names[1], "a");
  EXPECT_EQ(names[2], "c");
  a.cancel();
  c.cancel();
  co_await wait(std::vector{a, c});
}

ASYNCIO_TEST(Task, the_message_of_a_cancel_goes_to_the_first_who_asks_and_to_nobody_else) {
  auto message_of = [](Task<> task) -> Coro<std::string> {
    try {
      co_await task;
    } catch (const CancelledError& error) {
      co_return "[" + error.message() + "]";
    }
    co_return "not cancelled";
  };
  Task<> task = create_task(sleep(1h));
  Task<std::string> first = create_task(message_of, task);
  Task<std::string> second = create_task(message_of, task);
  co_await testing::all_tasks_blocked();
  task.cancel("why");
  EXPECT_EQ(co_await first, "[why]");
  EXPECT_EQ(co_await second, "[]");
  EXPECT_EQ(co_await message_of(task), "[]");
}

ASYNCIO_TEST(Task, ring_of_tasks_that_await_each_other_can_be_cancelled) {
  Task<> first, second;
  first = create_task([&]() -> Coro<> { co_await second; });
  second = create_task([&]() -> Coro<> { co_await first; });
  co_await sleep(0s);
  co_await sleep(0s);

  EXPECT_TRUE(first.cancel("ring"));
  co_await testing::all_tasks_blocked();

  EXPECT_TRUE(first.cancelled());
  EXPECT_TRUE(second.cancelled());
  EXPECT_EQ(first.cancelling(), 1);
}

ASYNCIO_TEST(Task, ring_through_a_gather_can_be_cancelled) {
  Task<> first, second;
  first = create_task([&]() -> Coro<> { co_await gather(second); });
  second = create_task([&]() -> Coro<> { co_await first; });
  co_await sleep(0s);
  co_await sleep(0s);

  first.cancel();
  co_await testing::all_tasks_blocked();

  EXPECT_TRUE(first.cancelled());
  EXPECT_TRUE(second.cancelled());
}

ASYNCIO_TEST(Task, long_chain_of_tasks_is_cancelled_without_using_up_the_stack) {
  constexpr int kTasks = 100'000;  // within each other they would take over 8 MiB of stack
  std::vector<Task<>> tasks{create_task(forever())};
  for (int i = 1; i < kTasks; ++i)
    tasks.push_back(create_task([](Task<> inner) -> Coro<> { co_await inner; }, tasks.back()));
  co_await sleep(0s);

  tasks.back().cancel();
  co_await testing::all_tasks_blocked();

  for (const Task<>& task : tasks) {
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(task.cancelling(), 1);
  }
}

TEST(Task, handles_may_be_asked_and_dropped_after_their_loop) {
  Task<int> done;
  Task<> pending;
  logging::set_sink([](LogLevel, std::string_view) {});
  {
    Loop loop;
    done = loop.create_task([]() -> Coro<int> { co_return 3; });
    pending = loop.create_task(forever());
    loop.run_until_complete(done);
    loop.close();
    EXPECT_FALSE(pending.done());
  }
  logging::set_sink({});
  EXPECT_EQ(done.result(), 3);
  EXPECT_FALSE(pending.done());
  EXPECT_THROW(pending.get_loop(), RuntimeError);
}

TEST(Task, pending_ones_are_named_when_their_loop_goes_and_their_frames_are_freed) {
  std::vector<std::string> lines;
  logging::set_sink([&](LogLevel, std::string_view line) { lines.emplace_back(line); });
  auto held = std::make_shared<int>(1);
  {
    Loop loop;
    loop.create_task([](std::shared_ptr<int>) -> Coro<> { co_await forever(); }, held);
    loop.call_soon([&loop] { loop.stop(); });
    loop.run_forever();
    EXPECT_EQ(held.use_count(), 2);
  }
  logging::set_sink({});
  EXPECT_EQ(held.use_count(), 1);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].rfind("Task was destroyed but it is pending!", 0), 0U);
}

TEST(Task, a_failure_that_nobody_retrieves_is_reported_once) {
  std::vector<std::string> messages;
  {
    Loop loop;
    loop.set_exception_handler(
        [&](Loop&, const ExceptionContext& context) { messages.push_back(context.message); });
    loop.run_until_complete([]() -> Coro<> {
      create_task([]() -> Coro<> {
        throw ValueError("lost");
        co_return;
      });
      co_await sleep(0s);
      co_await sleep(0s);
    }());
  }
  EXPECT_EQ(messages, std::vector<std::string>{"Task exception was never retrieved"});
}

TEST(Task, a_keyboard_interrupt_leaves_the_loop_and_ends_the_task) {
  Loop loop;
  auto task = loop.create_task([]() -> Coro<> {
    throw KeyboardInterrupt();
    co_return;
  });
  EXPECT_THROW(loop.run_forever(), KeyboardInterrupt);
  EXPECT_TRUE(task.done());
  EXPECT_EQ(describe(task.exception()), "KeyboardInterrupt");
}

ASYNCIO_TEST(Task, awaiting_a_foreign_awaiter_that_never_resumes_is_an_error_not_a_hang) {
  auto task = create_task([]() -> Coro<> { co_await std::suspend_always{}; });
  co_await wait(std::vector{task});
  EXPECT_EQ(describe(task.exception()).find("RuntimeError: Task got bad yield"), 0U);
}

}  // namespace
}  // namespace asyncio
