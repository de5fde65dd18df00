// tsan
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "asyncio/testing.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using tests::error_of;

TEST(Signals, the_handler_runs_in_the_loop_and_not_in_the_signal) {
  Loop loop;
  std::vector<std::string> order;
  loop.add_signal_handler(SIGUSR1, [&] {
    order.push_back("handler");
    loop.stop();
  });
  loop.call_soon([&] {
    raise(SIGUSR1);
    order.push_back("raised");
  });

  loop.run_forever();

  EXPECT_EQ(order, (std::vector<std::string>{"raised", "handler"}));
}

TEST(Signals, one_from_another_thread_wakes_a_loop_that_sleeps) {
  Loop loop;
  int calls = 0;
  loop.add_signal_handler(SIGUSR2, [&] {
    ++calls;
    loop.stop();
  });
  std::thread sender([] { kill(getpid(), SIGUSR2); });

  loop.run_forever();
  sender.join();

  EXPECT_EQ(calls, 1);
}

TEST(Signals, the_last_handler_counts_and_removing_it_restores_what_was_before) {
  struct sigaction before{};
  ASSERT_EQ(sigaction(SIGUSR1, nullptr, &before), 0);
  Loop loop;
  std::string called;
  loop.add_signal_handler(SIGUSR1, [&] { called += "first"; });
  loop.add_signal_handler(SIGUSR1, [&] {
    called += "second";
    loop.stop();
  });
  loop.call_soon([] { raise(SIGUSR1); });

  loop.run_forever();

  EXPECT_EQ(called, "second");
  EXPECT_TRUE(loop.remove_signal_handler(SIGUSR1));
  EXPECT_FALSE(loop.remove_signal_handler(SIGUSR1));
  struct sigaction after{};
  ASSERT_EQ(sigaction(SIGUSR1, nullptr, &after), 0);
  EXPECT_EQ(after.sa_handler, before.sa_handler);
}

TEST(Signals, closing_the_loop_gives_its_signals_back) {
  Loop other;
  {
    Loop loop;
    loop.add_signal_handler(SIGUSR1, [] {});
    EXPECT_NE(error_of([&] {
                other.add_signal_handler(SIGUSR1, [] {});
              }).find("is handled by another event loop"),
              std::string::npos);
  }
  struct sigaction after{};
  ASSERT_EQ(sigaction(SIGUSR1, nullptr, &after), 0);
  EXPECT_EQ(after.sa_handler, SIG_DFL);
  other.add_signal_handler(SIGUSR1, [] {});
}

TEST(Signals, refuses_what_is_no_signal_and_what_cannot_be_caught) {
  Loop loop;
  EXPECT_EQ(error_of([&] { loop.add_signal_handler(0, [] {}); }),
            "ValueError: invalid signal number 0");
  EXPECT_EQ(error_of([&] { loop.remove_signal_handler(65); }),
            "ValueError: invalid signal number 65");
  EXPECT_EQ(error_of([&] { loop.add_signal_handler(32, [] {}); }),
            "ValueError: invalid signal number 32");
  EXPECT_EQ(error_of([&] { loop.add_signal_handler(SIGKILL, [] {}); }),
            "RuntimeError: sig " + std::to_string(SIGKILL) + " cannot be caught");
  loop.close();
  EXPECT_EQ(error_of([&] { loop.add_signal_handler(SIGUSR1, [] {}); }),
            "RuntimeError: Event loop is closed");
}

TEST(Signals, a_throwing_handler_is_reported_like_any_callback) {
  Loop loop;
  std::vector<std::string> reports;
  loop.set_exception_handler([&](Loop&, const ExceptionContext& context) {
    reports.push_back(describe(context.exception));
    loop.stop();
  });
  loop.add_signal_handler(SIGUSR1, [] { throw ValueError("handler"); });
  loop.call_soon([] { raise(SIGUSR1); });
  loop.run_forever();
  EXPECT_EQ(reports, std::vector<std::string>{"ValueError: handler"});
}

TEST(Signals, a_task_that_never_lets_the_loop_rest_does_not_keep_them_out) {
  Loop loop;
  bool handled = false;
  loop.add_signal_handler(SIGUSR1, [&] { handled = true; });
  const int turns = loop.run_until_complete([](bool& seen) -> Coro<int> {
    raise(SIGUSR1);
    for (int turn = 1; turn <= 100'000; ++turn) {
      co_await sleep(0s);
      if (seen) co_return turn;
    }
    co_return -1;
  }(handled));
  EXPECT_GT(turns, 0);
  EXPECT_LE(turns, 200);
}

TEST(Signals, a_loop_in_another_thread_takes_them_too) {
  std::thread worker([] {
    Loop loop;
    int calls = 0;
    loop.add_signal_handler(SIGUSR1, [&] {
      if (++calls == 2)
        loop.stop();
      else
        kill(getpid(), SIGUSR1);
    });
    loop.call_soon([] { kill(getpid(), SIGUSR1); });
    loop.run_forever();
    EXPECT_EQ(calls, 2);
  });
  worker.join();
}

// Else the handler, in one thread, could look at a loop that another has just destroyed.
TEST(Signals, loops_may_come_and_go_under_a_rain_of_signals) {
  struct sigaction ignore{};
  struct sigaction before{};
  ignore.sa_handler = SIG_IGN;
  ASSERT_EQ(sigaction(SIGUSR1, &ignore, &before), 0);
  std::atomic<bool> enough{false};
  std::thread sender([&] {
    while (!enough) pthread_kill(pthread_self(), SIGUSR1);
  });
  for (int i = 0; i < 50; ++i) {
    Loop loop;
    loop.add_signal_handler(SIGUSR1, [&] { loop.stop(); });
    loop.run_forever();
  }
  enough = true;
  sender.join();
  ASSERT_EQ(sigaction(SIGUSR1, &before, nullptr), 0);
}

}  // namespace
}  // namespace asyncio
