// tsan
#include "asyncio/sync/workers.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "asyncio/core/sleep.hpp"
#include "asyncio/sync/locks.hpp"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

TEST(run_workers, each_worker_has_a_thread_and_a_loop_of_its_own) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::atomic<int> arrived{0};
  run_workers(3, [&]() -> Coro<> {
    {
      const std::lock_guard held(mutex);
      threads.insert(std::this_thread::get_id());
    }
    ++arrived;
    while (arrived < 3) co_await sleep(0s);  // all at the same time
  });
  EXPECT_EQ(threads.size(), 3u);
  EXPECT_EQ(threads.count(std::this_thread::get_id()), 0u);
}

TEST(run_workers, first_exception_is_thrown_after_all_have_ended) {
  std::atomic<int> started{0};
  std::atomic<int> ended{0};
  try {
    run_workers(3, [&]() -> Coro<> {
      const int number = ++started;
      if (number == 1) throw ValueError("worker failed");
      for (int i = 0; i < 10; ++i) co_await sleep(0s);
      ++ended;
    });
    FAIL() << "nothing was thrown";
  } catch (const ValueError& error) {
    EXPECT_STREQ(error.what(), "worker failed");
  }
  EXPECT_EQ(ended, 2);
}

TEST(run_workers, ctrl_c_cancels_every_worker) {
  std::atomic<int> waiting{0};
  std::atomic<int> cancelled{0};
  EXPECT_THROW(run_workers(2,
                           [&]() -> Coro<> {
                             if (++waiting == 2) kill(getpid(), SIGINT);
                             try {
                               co_await Event().wait();
                             } catch (const CancelledError&) {
                               ++cancelled;
                               throw;
                             }
                           }),
               KeyboardInterrupt);
  EXPECT_EQ(cancelled, 2);
}

TEST(run_workers, is_refused_inside_a_running_loop) {
  run([]() -> Coro<> {
    EXPECT_THROW(run_workers(1, []() -> Coro<> { co_return; }), RuntimeError);
    co_return;
  }());
}

}  // namespace
}  // namespace asyncio
