#include "asyncio/core/runners.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "asyncio/testing.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using tests::error_of;

// The first line of a message that has more.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::unique_ptr<Loop> virtual_loop() {
  LoopOptions options;
  options.time_source = std::make_shared<testing::VirtualClock>();
  return std::make_unique<Loop>(std::move(options));
}

Coro<int> number(int value) { co_return value; }
Coro<> nothing() { co_return; }

Coro<> fail() {
  throw ValueError("main");
  co_return;
}

TEST(Run, gives_the_result_of_main_or_throws_what_it_throws) {
  EXPECT_EQ(run(number(5)), 5);
  EXPECT_EQ(error_of([] { run(fail()); }), "ValueError: main");
  auto pointer = run([]() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(6); }());
  EXPECT_EQ(*pointer, 6);
  EXPECT_EQ(find_running_loop(), nullptr);
}

TEST(find_running_loop, is_null_outside_a_loop_and_the_loop_within) {
  EXPECT_EQ(find_running_loop(), nullptr);
  Loop loop;
  Loop* seen = nullptr;
  loop.call_soon([&] { seen = find_running_loop(); });
  loop.run_until_complete(sleep(0s));
  EXPECT_EQ(seen, &loop);
  EXPECT_EQ(find_running_loop(), nullptr);
}

TEST(Run, takes_any_awaitable) {
  EXPECT_EQ(run(sleep(0s, 4)), 4);
  EXPECT_EQ(run(wait_for(number(3), 1s)), 3);
}

TEST(Run, is_refused_inside_a_running_loop) {
  const std::string error =
      run([]() -> Coro<std::string> { co_return error_of([] { run(number(1)); }); }());
  EXPECT_EQ(first_line(error),
            "RuntimeError: asyncio.run() cannot be called from a running event loop");
}

TEST(Run, cancels_what_main_left_behind_and_what_that_starts_while_it_ends) {
  std::vector<std::string> ended;
  auto leftover = [](std::vector<std::string>& names, std::string name, auto self) -> Coro<> {
    std::exception_ptr cancelled;
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      cancelled = std::current_exception();
    }
    names.push_back(name);
    co_await sleep(1s);  // the cleanup may wait
    if (name == "first") create_task(self(names, "started during the end", self));
    names.push_back(name + " cleaned up");
    std::rethrow_exception(cancelled);
  };
  auto async_main = [&]() -> Coro<> {
    create_task(leftover(ended, "first", leftover));
    co_await sleep(0s);
  };
  run(async_main(), {.loop_factory = virtual_loop});
  EXPECT_EQ(ended, (std::vector<std::string>{"first", "first cleaned up", "started during the end",
                                             "started during the end cleaned up"}));
}

TEST(Run, reports_a_leftover_that_fails_while_it_is_cancelled) {
  std::vector<std::string> reports;
  auto async_main = [&]() -> Coro<> {
    get_running_loop().set_exception_handler([&](Loop&, const ExceptionContext& context) {
      reports.push_back(context.message + ": " + describe(context.exception));
    });
    create_task([]() -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        throw ValueError("cleanup");
      }
    });
    co_await sleep(0s);
  };
  run(async_main(), {.loop_factory = virtual_loop});
  EXPECT_EQ(reports, std::vector<std::string>{
                         "unhandled exception during asyncio.run() shutdown: ValueError: cleanup"});
}

TEST(Run, ends_leftovers_also_where_main_fails) {
  bool ended = false;
  auto async_main = [&]() -> Coro<> {
    create_task([&]() -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        ended = true;
        throw;
      }
    });
    co_await sleep(0s);
    throw ValueError("main");
  };
  EXPECT_EQ(error_of([&] { run(async_main(), {.loop_factory = virtual_loop}); }),
            "ValueError: main");
  EXPECT_TRUE(ended);
}

TEST(Run, a_main_that_cancels_itself_throws_cancelled_error_and_no_interrupt) {
  EXPECT_EQ(error_of([] {
              run([]() -> Coro<> {
                current_task()->cancel("self");
                co_await sleep(1h);
              }());
            }),
            "CancelledError: self");
}

TEST(Runner, runs_several_mains_on_one_loop_and_in_one_context) {
  static ContextVar<int> variable("variable", 0);
  auto step = []() -> Coro<Loop*> {
    static_cast<void>(variable.set(variable.get() + 1));
    co_return &get_running_loop();
  };
  Runner runner;
  Loop* first = runner.run(step());
  Loop* second = runner.run(step());

  EXPECT_EQ(first, second);
  EXPECT_EQ(first, &runner.get_loop());
  EXPECT_EQ(runner.run([]() -> Coro<int> { co_return variable.get(); }()), 2);
  EXPECT_EQ(variable.get(), 0);
}

TEST(Runner, goes_on_with_tasks_that_an_earlier_main_left) {
  Runner runner({.loop_factory = virtual_loop});
  Task<int> left = runner.run([]() -> Coro<Task<int>> {
    co_return create_task([]() -> Coro<int> {
      co_await sleep(1s);
      co_return 8;
    });
  }());
  EXPECT_FALSE(left.done());
  EXPECT_EQ(runner.run([](Task<int> task) -> Coro<int> { co_return co_await task; }(left)), 8);
}

TEST(Runner, closed_refuses_everything_but_close) {
  Runner runner;
  runner.run(nothing());
  runner.close();
  runner.close();
  EXPECT_EQ(error_of([&] { runner.run(nothing()); }), "RuntimeError: Runner is closed");
  EXPECT_EQ(error_of([&] { runner.get_loop(); }), "RuntimeError: Runner is closed");
  Runner unused;
  unused.close();
  EXPECT_EQ(error_of([&] { unused.get_loop(); }), "RuntimeError: Runner is closed");
}

TEST(Runner, is_refused_inside_a_running_loop_and_can_be_used_afterwards) {
  Runner runner;
  auto nested = [&]() -> Coro<std::string> { co_return error_of([&] { runner.run(number(1)); }); };
  EXPECT_EQ(runner.run(nested()),
            "RuntimeError: Runner.run() cannot be called from a running event loop");
  EXPECT_EQ(runner.run(number(2)), 2);
}

TEST(Runner, cannot_be_closed_while_it_runs) {
  Runner runner;
  auto closing = [&]() -> Coro<std::string> {
    std::string error = error_of([&] { runner.close(); });
    co_await sleep(0s);  // nothing was cancelled
    co_return error;
  };
  EXPECT_EQ(runner.run(closing()), "RuntimeError: Cannot close a running event loop");
  EXPECT_EQ(runner.run(number(2)), 2);
}

TEST(Runner, stopped_from_within_says_that_main_is_not_done) {
  Runner runner;
  auto stops = []() -> Coro<> {
    get_running_loop().stop();
    co_await sleep(1h);
  };
  EXPECT_EQ(error_of([&] { runner.run(stops()); }),
            "RuntimeError: Event loop stopped before Future completed.");
  EXPECT_EQ(runner.run(number(2)), 2);
}

TEST(Runner, an_interrupt_while_leftovers_end_does_not_keep_the_others_from_ending) {
  bool cleaned_up = false;
  auto async_main = [&]() -> Coro<> {
    create_task([]() -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        throw KeyboardInterrupt();
      }
    });
    create_task([&]() -> Coro<> {
      co_await try_finally([]() -> Coro<> { co_await sleep(1h); },
                           [&]() -> Coro<> {
                             co_await sleep(1s);
                             cleaned_up = true;
                           });
    });
    co_await sleep(0s);
  };
  EXPECT_EQ(error_of([&] { run(async_main(), {.loop_factory = virtual_loop}); }),
            "KeyboardInterrupt");
  EXPECT_TRUE(cleaned_up);
}

// ---- Ctrl-C

TEST(RunSigint, the_first_cancels_main_and_becomes_keyboard_interrupt) {
  bool cancelled = false;
  auto async_main = [&]() -> Coro<> {
    get_running_loop().call_soon([] { raise(SIGINT); });
    try {
      co_await Future<>();
    } catch (const CancelledError&) {
      cancelled = true;
      throw;
    }
  };
  EXPECT_EQ(error_of([&] { run(async_main()); }), "KeyboardInterrupt");
  EXPECT_TRUE(cancelled);
}

TEST(RunSigint, a_main_that_ends_normally_after_it_keeps_its_result) {
  auto async_main = []() -> Coro<int> {
    get_running_loop().call_soon([] { raise(SIGINT); });
    try {
      co_await Future<>();
    } catch (const CancelledError&) {}
    co_return 9;
  };
  EXPECT_EQ(run(async_main()), 9);
}

TEST(RunSigint, a_main_that_fails_after_it_throws_its_own_error) {
  auto async_main = []() -> Coro<> {
    get_running_loop().call_soon([] { raise(SIGINT); });
    try {
      co_await Future<>();
    } catch (const CancelledError&) {
      throw ValueError("cleanup");
    }
  };
  EXPECT_EQ(error_of([&] { run(async_main()); }), "ValueError: cleanup");
}

TEST(RunSigint, the_second_leaves_at_once_while_main_still_cleans_up) {
  bool cleaned_up = false;
  auto async_main = [&]() -> Coro<> {
    get_running_loop().call_soon([] { raise(SIGINT); });
    try {
      co_await Future<>();
    } catch (const CancelledError&) {}
    get_running_loop().call_soon([] { raise(SIGINT); });
    co_await Future<>();  // a cleanup that would take for ever
    cleaned_up = true;
  };
  EXPECT_EQ(error_of([&] { run(async_main()); }), "KeyboardInterrupt");
  EXPECT_FALSE(cleaned_up);
}

TEST(RunSigint, the_handler_that_was_there_before_is_back_afterwards) {
  run(nothing());
  struct sigaction action{};
  ASSERT_EQ(sigaction(SIGINT, nullptr, &action), 0);
  EXPECT_EQ(action.sa_handler, SIG_DFL);
}

TEST(RunSigint, is_left_to_a_program_that_handles_it_itself) {
  static volatile sig_atomic_t caught = 0;
  struct sigaction mine{};
  struct sigaction before{};
  mine.sa_handler = [](int) { caught = 1; };
  ASSERT_EQ(sigaction(SIGINT, &mine, &before), 0);
  const int value = run([]() -> Coro<int> {
    raise(SIGINT);
    co_await sleep(0s);
    co_return 1;
  }());
  sigaction(SIGINT, &before, nullptr);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(caught, 1);
}

}  // namespace
}  // namespace asyncio
