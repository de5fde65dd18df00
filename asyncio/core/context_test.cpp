#include "asyncio/core/context.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "asyncio/testing.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using tests::error_of;

TEST(ContextVar, gives_its_value_else_the_fallback_else_the_default_else_an_error) {
  ContextVar<int> bare("bare");
  ContextVar<int> with_default("with_default", 7);
  EXPECT_EQ(error_of([&] { bare.get(); }), "LookupError: <ContextVar name='bare'>");
  EXPECT_EQ(bare.get(3), 3);
  EXPECT_EQ(with_default.get(), 7);
  EXPECT_EQ(with_default.get(8), 8);

  const auto token = bare.set(1);

  EXPECT_EQ(bare.get(), 1);
  EXPECT_EQ(bare.get(3), 1);
  EXPECT_EQ(token.old_value(), nullptr);
  bare.reset(token);
}

TEST(ContextVar, reset_brings_back_what_set_replaced_and_takes_each_token_once) {
  ContextVar<std::string> variable("variable");
  ContextVar<std::string> other("other");
  const auto first = variable.set("one");
  const auto second = variable.set("two");
  ASSERT_NE(second.old_value(), nullptr);
  EXPECT_EQ(*second.old_value(), "one");
  EXPECT_EQ(error_of([&] { other.reset(second); }).find("ValueError: "), 0U);

  variable.reset(second);
  EXPECT_EQ(variable.get(), "one");
  EXPECT_EQ(error_of([&] { variable.reset(second); }),
            "RuntimeError: Token has already been used once");

  variable.reset(first);
  EXPECT_EQ(variable.get("nothing"), "nothing");
}

TEST(Context, run_keeps_what_the_function_sets_and_shows_it_to_nobody_else) {
  ContextVar<int> variable("variable", 0);
  Context context = copy_context();
  const Context before = context.copy();

  const int inside = context.run([&] {
    static_cast<void>(variable.set(5));
    EXPECT_EQ(context.get(variable), 5);  // at once, as in Python
    return variable.get();
  });

  EXPECT_EQ(inside, 5);
  EXPECT_EQ(variable.get(), 0);
  EXPECT_EQ(context.get(variable), 5);
  EXPECT_TRUE(context.contains(variable));
  EXPECT_FALSE(before.contains(variable));
  EXPECT_EQ(error_of([&] { before.get(variable); }), "LookupError: <ContextVar name='variable'>");
}

TEST(Context, cannot_be_entered_twice_and_is_left_by_an_exception) {
  Context context;
  EXPECT_EQ(error_of([&] { context.run([&] { context.run([] {}); }); }),
            "RuntimeError: cannot enter context: this Context is already entered");
  EXPECT_EQ(error_of([&] { context.run([] { throw ValueError("v"); }); }), "ValueError: v");
  EXPECT_EQ(context.run([] { return 1; }), 1);
}

TEST(Context, a_loop_run_inside_of_it_gives_its_tasks_copies) {
  static ContextVar<int> variable("variable", 0);
  Context context;

  const int seen = context.run([] {
    static_cast<void>(variable.set(1));
    return run([]() -> Coro<int> {
      const int first = variable.get();
      static_cast<void>(variable.set(2));
      co_return first;
    }());
  });

  EXPECT_EQ(seen, 1);
  EXPECT_EQ(context.get(variable), 1);
}

ASYNCIO_TEST(Context, an_eager_task_started_inside_of_it_has_a_copy_from_its_first_step_on) {
  static ContextVar<int> variable("variable", 0);
  Context context;
  auto body = []() -> Coro<int> {
    const int first = variable.get();
    static_cast<void>(variable.set(20));
    co_await sleep(1s);
    co_return first + variable.get();
  };

  auto task = context.run([&] {
    static_cast<void>(variable.set(1));
    auto eager = create_task(body(), {.eager_start = true});
    EXPECT_EQ(variable.get(), 1);
    return eager;
  });

  EXPECT_EQ(co_await task, 21);
  EXPECT_EQ(context.get(variable), 1);
}

TEST(Context, many_variables_are_kept_apart) {
  std::vector<std::unique_ptr<ContextVar<int>>> variables;
  for (int i = 0; i < 20; ++i)
    variables.push_back(std::make_unique<ContextVar<int>>("v" + std::to_string(i)));
  Context context;
  context.run([&] {
    for (int i = 19; i >= 0; --i) static_cast<void>(variables[static_cast<size_t>(i)]->set(i));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(variables[static_cast<size_t>(i)]->get(), i);
  });
  EXPECT_EQ(context.size(), 20U);
}

ASYNCIO_TEST(Context, a_task_copies_it_when_made_and_keeps_its_own_changes_to_itself) {
  static ContextVar<int> variable("variable", 0);
  static_cast<void>(variable.set(1));
  auto task = create_task([]() -> Coro<int> {
    const int first = variable.get();
    static_cast<void>(variable.set(10));
    co_await sleep(1s);
    co_return first * 100 + variable.get();
  });
  static_cast<void>(variable.set(2));

  EXPECT_EQ(co_await task, 110);
  EXPECT_EQ(variable.get(), 2);
  EXPECT_EQ(task.get_context().get(variable), 10);
}

ASYNCIO_TEST(Context, an_awaited_coroutine_shares_it_with_its_caller) {
  static ContextVar<int> variable("variable", 0);
  auto child = []() -> Coro<> {
    static_cast<void>(variable.set(4));
    co_return;
  };
  co_await child();
  EXPECT_EQ(variable.get(), 4);
}

ASYNCIO_TEST(Context, given_to_a_task_it_is_changed_by_that_task) {
  static ContextVar<int> variable("variable", 0);
  Context context;
  auto body = []() -> Coro<> {
    static_cast<void>(variable.set(variable.get() + 1));
    co_return;
  };
  co_await create_task(body(), {.context = context});
  co_await create_task(body(), {.context = context});
  EXPECT_EQ(context.get(variable), 2);
  EXPECT_EQ(variable.get(), 0);
}

ASYNCIO_TEST(Context, callbacks_run_in_the_one_they_were_registered_in) {
  static ContextVar<int> variable("variable", 0);
  std::vector<int> seen;
  Loop& loop = get_running_loop();
  static_cast<void>(variable.set(1));
  loop.call_soon([&] {
    seen.push_back(variable.get());
    static_cast<void>(variable.set(50));
  });
  static_cast<void>(variable.set(2));
  loop.call_later(1s, [&] { seen.push_back(variable.get()); });
  static_cast<void>(variable.set(3));

  co_await sleep(2s);

  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
  EXPECT_EQ(variable.get(), 3);
}

ASYNCIO_TEST(Handle, gives_the_context_its_callback_runs_in) {
  static ContextVar<int> variable("variable", 0);
  Loop& loop = get_running_loop();
  static_cast<void>(variable.set(1));
  Handle handle = loop.call_soon([] { static_cast<void>(variable.set(variable.get() + 10)); });
  Context given;
  TimerHandle timer =
      loop.call_later(1s, [] { static_cast<void>(variable.set(5)); }, {.context = given});
  static_cast<void>(variable.set(2));

  EXPECT_EQ(handle.get_context().get(variable), 1);
  co_await sleep(2s);

  EXPECT_EQ(handle.get_context().get(variable), 11);
  EXPECT_EQ(timer.get_context().get(variable), 5);
  EXPECT_EQ(given.get(variable), 5);
  EXPECT_EQ(Handle().get_context().size(), 0U);
}

ASYNCIO_TEST(Context, of_a_callback_that_runs_again_keeps_what_it_set) {
  static ContextVar<int> variable("variable", 0);
  Loop& loop = get_running_loop();
  int pipe_ends[2];
  EXPECT_EQ(::pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK), 0);
  Event twice;
  loop.add_reader(pipe_ends[0], [&] {
    char byte;
    EXPECT_EQ(::read(pipe_ends[0], &byte, 1), 1);
    static_cast<void>(variable.set(variable.get() + 1));
    if (variable.get() == 2) twice.set();
  });

  EXPECT_EQ(::write(pipe_ends[1], "ab", 2), 2);
  co_await twice.wait();

  EXPECT_EQ(variable.get(), 0);
  loop.remove_reader(pipe_ends[0]);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

}  // namespace
}  // namespace asyncio
