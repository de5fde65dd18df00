// tsan
#include "asyncio/sync/concurrent_futures.hpp"

#include <gtest/gtest.h>

#include <future>
#include <semaphore>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace asyncio {
namespace {

using namespace std::chrono_literals;

// Holds a thread of a pool until it is opened.
class Gate {
 public:
  void open(int times = 1) { opened_.release(times); }
  void pass() {
    arrived_.release();
    opened_.acquire();
  }
  void await_arrival() { arrived_.acquire(); }

 private:
  std::counting_semaphore<> opened_{0};
  std::counting_semaphore<> arrived_{0};
};

TEST(ThreadPoolExecutor, result_and_exception_of_a_job_reach_the_future) {
  ThreadPoolExecutor pool(2);
  auto sum = pool.submit([] { return 40 + 2; });
  auto failing = pool.submit([]() -> int { throw std::runtime_error("in the pool"); });
  auto nothing = pool.submit([] {});

  EXPECT_EQ(sum.result(), 42);
  EXPECT_EQ(sum.result(), 42);
  EXPECT_THROW(failing.result(), std::runtime_error);
  EXPECT_NE(failing.exception(), nullptr);
  nothing.result();
  EXPECT_EQ(nothing.exception(), nullptr);
}

TEST(ThreadPoolExecutor, move_only_results_move_out) {
  ThreadPoolExecutor pool(1);
  auto made =
      pool.submit([value = std::make_unique<int>(7)]() mutable { return std::move(value); });
  EXPECT_EQ(*made.result(), 7);
}

TEST(ThreadPoolExecutor, idle_threads_are_used_again_before_new_ones_start) {
  ThreadPoolExecutor pool(8);
  std::set<std::thread::id> threads;
  for (int i = 0; i < 50; ++i) {
    threads.insert(pool.submit([] { return std::this_thread::get_id(); }).result());
    while (!pool.is_idle()) std::this_thread::yield();
  }
  // The thread may not wait yet when the next job comes; it mostly does.
  EXPECT_LE(pool.threads(), 3u);
  EXPECT_EQ(threads.size(), pool.threads());
}

TEST(ThreadPoolExecutor, never_more_threads_than_allowed_and_jobs_run_in_order) {
  ThreadPoolExecutor pool(1);
  Gate gate;
  std::vector<int> order;
  auto blocked = pool.submit([&] { gate.pass(); });
  gate.await_arrival();
  std::vector<ConcurrentFuture<>> jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(pool.submit([&order, i] { order.push_back(i); }));
  EXPECT_EQ(pool.threads(), 1u);
  gate.open();
  for (auto& job : jobs) job.result();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(ThreadPoolExecutor().max_threads(),
            std::min(32U, std::max(1U, std::thread::hardware_concurrency()) + 4U));
}

TEST(ThreadPoolExecutor, queued_job_can_be_cancelled_and_a_running_one_cannot) {
  ThreadPoolExecutor pool(1);
  Gate gate;
  bool ran = false;
  auto running = pool.submit([&] { gate.pass(); });
  gate.await_arrival();
  auto queued = pool.submit([&ran] { ran = true; });

  EXPECT_TRUE(running.running());
  EXPECT_FALSE(running.cancel());
  EXPECT_TRUE(queued.cancel());
  EXPECT_TRUE(queued.cancel());
  EXPECT_TRUE(queued.cancelled());
  EXPECT_THROW(queued.result(), CancelledError);
  gate.open();
  running.result();
  pool.shutdown();
  EXPECT_FALSE(ran);
}

TEST(ThreadPoolExecutor, shutdown_refuses_jobs_and_runs_or_cancels_what_is_queued) {
  for (const bool cancel : {false, true}) {
    ThreadPoolExecutor pool(1);
    Gate gate;
    auto running = pool.submit([&] { gate.pass(); });
    gate.await_arrival();
    auto queued = pool.submit([] { return 1; });
    // The running job goes on only once the queued one was cancelled, or at any time.
    std::thread opener([&, cancel] {
      while (cancel && !queued.cancelled()) std::this_thread::yield();
      gate.open();
    });
    pool.shutdown(true, cancel);
    opener.join();
    EXPECT_TRUE(running.done());
    EXPECT_EQ(queued.cancelled(), cancel);
    EXPECT_TRUE(queued.done());
    try {
      pool.submit([] {});
      FAIL() << "a job was taken";
    } catch (const RuntimeError& error) {
      EXPECT_STREQ(error.what(), "cannot schedule new futures after shutdown");
    }
  }
}

TEST(ThreadPoolExecutor, shutdown_without_waiting_lets_the_jobs_end_by_themselves) {
  Gate gate;
  ConcurrentFuture<int> running;
  {
    ThreadPoolExecutor pool(1);
    running = pool.submit([&gate] {
      gate.pass();
      return 3;
    });
    gate.await_arrival();
    pool.shutdown(false);
  }
  EXPECT_FALSE(running.done());
  gate.open();
  EXPECT_EQ(running.result(), 3);
}

TEST(ThreadPoolExecutor, a_job_may_drop_its_own_executor) {
  auto pool = std::make_shared<ThreadPoolExecutor>(1);
  std::promise<std::shared_ptr<ThreadPoolExecutor>> handed;
  auto job = pool->submit([&handed] { handed.get_future().get().reset(); });
  handed.set_value(std::move(pool));
  job.result();
}

TEST(ConcurrentFuture, wait_that_is_too_short_throws_and_leaves_the_work_running) {
  ThreadPoolExecutor pool(1);
  Gate gate;
  auto job = pool.submit([&gate] {
    gate.pass();
    return 5;
  });
  EXPECT_THROW(job.result(1ms), TimeoutError);
  EXPECT_THROW(job.exception(0ms), TimeoutError);
  EXPECT_FALSE(job.done());
  gate.open();
  EXPECT_EQ(job.result(Duration::max()), 5);
}

TEST(ConcurrentFuture, callbacks_run_once_in_order_and_a_throwing_one_stops_nobody) {
  ThreadPoolExecutor pool(1);
  Gate gate;
  std::string order;
  auto job = pool.submit([&gate] {
    gate.pass();
    return 5;
  });
  job.add_done_callback([&order](const ConcurrentFuture<int>& done) {
    order += 'a' + std::to_string(done.result());
    order += 'a';
  });
  job.add_done_callback([](const ConcurrentFuture<int>&) { throw ValueError("in a callback"); });
  job.add_done_callback([&order](const ConcurrentFuture<int>&) { order += 'b'; });
  gate.open();
  pool.shutdown();
  EXPECT_EQ(order.back(), 'b');
  order.clear();
  job.add_done_callback([&order](const ConcurrentFuture<int>&) { order += "now"; });
  EXPECT_EQ(order, "now");
}

TEST(ConcurrentFuture, cancel_and_finish_at_once_end_it_exactly_once) {
  for (int i = 0; i < 200; ++i) {
    ConcurrentFuture<int> future;
    std::atomic<int> ends{0};
    future.add_done_callback([&ends](const ConcurrentFuture<int>&) { ++ends; });
    std::thread finisher([future] { future.state()->set_value(1); });
    future.cancel();
    finisher.join();
    EXPECT_EQ(ends, 1);
    if (!future.cancelled()) {
      EXPECT_EQ(future.result(), 1);
    }
  }
}

}  // namespace
}  // namespace asyncio
