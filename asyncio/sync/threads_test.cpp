// tsan
#include "asyncio/sync/threads.hpp"

#include <gtest/gtest.h>

#include <future>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "asyncio/core/runners.hpp"
#include "asyncio/core/sleep.hpp"
#include "asyncio/sync/locks.hpp"
#include "tests/support.hpp"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using ThreadGate = std::binary_semaphore;
using tests::error_of;

ContextVar<std::string> request("request", "none");

TEST(to_thread, runs_elsewhere_with_a_copy_of_the_context) {
  run([]() -> Coro<> {
    const auto here = std::this_thread::get_id();
    request.set("r-1");
    auto work = [](int n) {
      std::string seen = request.get();
      request.set("changed in the thread");
      return std::make_tuple(std::this_thread::get_id(), seen, n);
    };
    auto [thread, seen, n] = co_await to_thread(work, 5);
    EXPECT_NE(thread, here);
    EXPECT_EQ(seen, "r-1");
    EXPECT_EQ(n, 5);
    EXPECT_EQ(request.get(), "r-1");
  }());
}

TEST(to_thread, nothing_starts_before_it_is_awaited) {
  run([]() -> Coro<> {
    std::atomic<bool> started{false};
    auto work = to_thread([&started] { started = true; });
    co_await sleep(0s);
    EXPECT_FALSE(started);
    co_await std::move(work);
    EXPECT_TRUE(started);
  }());
}

TEST(to_thread, exceptions_and_move_only_values_come_back) {
  run([]() -> Coro<> {
    EXPECT_EQ(co_await error_of(to_thread([] { throw ValueError("in a thread"); })),
              "ValueError: in a thread");
    auto value = co_await to_thread([](std::unique_ptr<int> given) { return given; },
                                    std::make_unique<int>(3));
    EXPECT_EQ(*value, 3);
  }());
}

TEST(to_thread, loop_runs_on_while_the_thread_works) {
  run([]() -> Coro<> {
    ThreadGate gate(0);
    auto work = create_task(to_thread([&gate] { gate.acquire(); }));
    for (int i = 0; i < 5; ++i) co_await sleep(0s);
    EXPECT_FALSE(work.done());
    gate.release();
    co_await work;
  }());
}

TEST(run_in_executor, is_submitted_at_once_and_can_be_awaited_later) {
  run([]() -> Coro<> {
    std::promise<void> ran;
    auto future = get_running_loop().run_in_executor([&ran] {
      ran.set_value();
      return std::string("eager");
    });
    ran.get_future().wait();  // without the loop's help
    EXPECT_FALSE(future.done());
    EXPECT_EQ(co_await future, "eager");
  }());
}

TEST(run_in_executor, cancelled_while_queued_never_runs_and_while_running_drops_the_result) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    ThreadPoolExecutor pool(1);
    std::promise<void> started;
    ThreadGate gate(0);
    std::atomic<bool> second_ran{false};
    std::atomic<bool> first_ended{false};
    auto first = loop.run_in_executor(pool, [&] {
      started.set_value();
      gate.acquire();
      first_ended = true;
      return 1;
    });
    auto second = loop.run_in_executor(pool, [&] {
      second_ran = true;
      return 2;
    });
    started.get_future().wait();

    first.cancel();
    second.cancel();
    co_await sleep(0s);
    co_await sleep(0s);
    EXPECT_TRUE(first.cancelled());
    EXPECT_FALSE(first_ended);
    gate.release();
    co_await loop.run_in_executor(pool, [] {});

    EXPECT_TRUE(first_ended);
    EXPECT_FALSE(second_ran);
  }());
}

TEST(run_in_executor, cancelled_awaiter_is_cancelled_at_once) {
  // Outside of run(), which joins the thread that still uses them when the coroutine is gone.
  std::promise<void> started;
  ThreadGate gate(0);
  run([&]() -> Coro<> {
    auto task = create_task(to_thread([&] {
      started.set_value();
      gate.acquire();
    }));
    co_await sleep(0s);
    started.get_future().wait();
    task.cancel("enough");
    EXPECT_EQ(co_await error_of(task), "CancelledError: enough");
    gate.release();
  }());
}

TEST(run_in_executor, virtual_time_waits_for_threads) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    EXPECT_EQ(loop.scheduler().outside_work, 0);
    auto first = loop.run_in_executor([] {});
    auto second = loop.run_in_executor([] {});
    EXPECT_EQ(loop.scheduler().outside_work, 2);
    co_await first;
    co_await second;
    EXPECT_EQ(loop.scheduler().outside_work, 0);
  }());
}

TEST(run_in_executor, a_loop_may_end_before_its_job) {
  auto pool = std::make_shared<ThreadPoolExecutor>(1);
  ThreadGate gate(0);
  run([](ThreadPoolExecutor& p, ThreadGate& g) -> Coro<> {
    auto future = get_running_loop().run_in_executor(p, [&g] {
      g.acquire();
      return std::string(100, 'x');
    });
    co_await sleep(0s);
  }(*pool, gate));
  gate.release();
  pool->shutdown();
}

TEST(run_in_executor, many_results_all_arrive) {
  run([]() -> Coro<> {
    ThreadPoolExecutor pool(4);
    std::vector<Future<int>> futures;
    for (int i = 0; i < 500; ++i)
      futures.push_back(get_running_loop().run_in_executor(pool, [i] { return i; }));
    for (int i = 0; i < 500; ++i) EXPECT_EQ(co_await futures[static_cast<std::size_t>(i)], i);
  }());
}

TEST(default_executor, can_be_replaced_and_refuses_jobs_after_its_shutdown) {
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    auto pool = std::make_shared<ThreadPoolExecutor>(1);
    loop.set_default_executor(pool);
    EXPECT_EQ(&loop.default_executor(), pool.get());
    ThreadGate gate(0);
    auto busy = loop.run_in_executor([&gate] { gate.acquire(); });
    auto opener = create_task([](ThreadGate& g) -> Coro<> {
      co_await sleep(0s);
      g.release();
    }(gate));
    co_await loop.shutdown_default_executor();
    EXPECT_TRUE(opener.done());  // the loop went on while the threads were joined
    co_await busy;
    EXPECT_EQ(co_await error_of(to_thread([] {})),
              "RuntimeError: Executor shutdown has been called");
  }());
}

TEST(default_executor, shutdown_with_a_timeout_gives_up_with_a_warning) {
  ThreadGate gate(0);
  ThreadGate ended(0);
  run([](ThreadGate& g, ThreadGate& e) -> Coro<> {
    auto future = get_running_loop().run_in_executor([&g, &e] {
      g.acquire();
      e.release();
    });
    co_await get_running_loop().shutdown_default_executor(1ms);
    EXPECT_FALSE(future.done());
    g.release();
    co_await future;
  }(gate, ended));
  ended.acquire();
}

TEST(wrap_future, a_threads_future_can_be_awaited_and_cancelled) {
  run([]() -> Coro<> {
    ThreadPoolExecutor pool(1);
    ThreadGate gate(0);
    auto work = pool.submit([&gate] {
      gate.acquire();
      return 4;
    });
    auto queued = pool.submit([] { return 5; });
    auto wrapped = wrap_future(work);
    auto wrapped_queued = wrap_future(queued);
    wrapped_queued.cancel();
    co_await sleep(0s);
    EXPECT_TRUE(queued.cancelled());
    gate.release();
    EXPECT_EQ(co_await wrapped, 4);
    EXPECT_EQ(work.result(), 4);
  }());
}

TEST(wrap_future, cancelling_the_source_cancels_the_awaiter) {
  run([]() -> Coro<> {
    ConcurrentFuture<int> source;
    auto wrapped = wrap_future(source);
    std::thread canceller([source] { source.cancel(); });
    EXPECT_EQ(co_await error_of(wrapped), "CancelledError");
    canceller.join();
  }());
}

TEST(wrap_future, takes_a_std_future_too) {
  run([]() -> Coro<> {
    std::promise<std::string> promise;
    auto wrapped = wrap_future(promise.get_future());
    promise.set_value("kept");
    EXPECT_EQ(co_await wrapped, "kept");
  }());
}

// Runs f(loop) in a thread and the loop beside it until that returns.
template <class F>
void beside_a_loop(F f) {
  run([](F function) -> Coro<> {
    Loop& loop = get_running_loop();
    co_await to_thread([&] { function(loop); });
  }(std::move(f)));
}

Coro<int> twice(int n) {
  co_await sleep(0s);
  co_return 2 * n;
}
Coro<> wait_for_ever(std::string* seen) {
  try {
    co_await Future<>();
  } catch (const CancelledError&) {
    *seen = "cancelled";
    throw;
  }
}

TEST(run_coroutine_threadsafe, results_and_exceptions_reach_the_thread) {
  beside_a_loop([](Loop& loop) {
    EXPECT_EQ(run_coroutine_threadsafe(twice(21), loop).result(), 42);
    auto failing = run_coroutine_threadsafe(
        []() -> Coro<> {
          throw ValueError("in the loop");
          co_return;
        }(),
        loop);
    EXPECT_EQ(describe(failing.exception()), "ValueError: in the loop");
    EXPECT_THROW(failing.result(), ValueError);
  });
}

TEST(run_coroutine_threadsafe, result_that_takes_too_long_throws_and_cancel_reaches_the_task) {
  beside_a_loop([](Loop& loop) {
    std::string seen;
    auto future = run_coroutine_threadsafe(wait_for_ever(&seen), loop);
    // Cancelled before its first step it would never run, and see nothing.
    run_coroutine_threadsafe([]() -> Coro<> { co_return; }(), loop).result();
    EXPECT_THROW(future.result(1ms), TimeoutError);
    EXPECT_FALSE(future.done());
    EXPECT_TRUE(future.cancel());
    EXPECT_TRUE(future.cancelled());
    EXPECT_THROW(future.result(), CancelledError);
    while (seen.empty()) run_coroutine_threadsafe([]() -> Coro<> { co_return; }(), loop).result();
    EXPECT_EQ(seen, "cancelled");
  });
}

TEST(run_coroutine_threadsafe, task_that_is_cancelled_in_its_loop_cancels_the_future) {
  beside_a_loop([](Loop& loop) {
    auto future = run_coroutine_threadsafe(
        []() -> Coro<> {
          current_task()->cancel();
          co_await sleep(0s);
        }(),
        loop);
    EXPECT_THROW(future.result(), CancelledError);
    EXPECT_TRUE(future.cancelled());
  });
}

TEST(run_coroutine_threadsafe, closed_loop_is_refused) {
  Loop loop;
  loop.close();
  EXPECT_THROW(run_coroutine_threadsafe(twice(1), loop), RuntimeError);
}

// Otherwise the thread would wait for ever.
TEST(run_coroutine_threadsafe, loop_that_ends_first_cancels_the_future) {
  ConcurrentFuture<int> future;
  {
    Loop loop;
    future = run_coroutine_threadsafe(twice(1), loop);
  }
  EXPECT_TRUE(future.cancelled());
}

TEST(run_coroutine_threadsafe, calls_from_many_threads_are_all_answered) {
  beside_a_loop([](Loop& loop) {
    std::vector<std::thread> threads;
    std::atomic<long> sum{0};
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&loop, &sum] {
        for (int i = 0; i < 100; ++i) sum += run_coroutine_threadsafe(twice(i), loop).result();
      });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(sum, 4 * 9900);
  });
}

}  // namespace
}  // namespace asyncio
