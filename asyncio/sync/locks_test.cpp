#include "asyncio/sync/locks.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "asyncio/core/runners.hpp"
#include "asyncio/core/sleep.hpp"
#include "tests/support.hpp"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using Order = std::vector<std::string>;
using tests::error_of;
using tests::pass;

// Appends `name` once it holds the lock or permit, and keeps that for one pass.
template <class L>
Coro<> sit(std::string name, L& lock, Order& order) {
  auto held = co_await lock.scoped();
  order.push_back(name);
  co_await sleep(0s);
}

template <class L>
Coro<> take(std::string name, L& lock, Order& order) {
  co_await lock.acquire();
  order.push_back(name);
}

// Passes seen by another task while `work` runs.
template <class A>
Coro<int> passes_of(A work) {
  int passes = 0;
  bool over = false;
  auto counter = create_task([](int& count, bool& stop) -> Coro<> {
    while (!stop) {
      co_await sleep(0s);
      ++count;
    }
  }(passes, over));
  co_await std::move(work);
  over = true;
  const int seen = passes;
  co_await counter;
  co_return seen;
}

// ---- Lock

TEST(Lock, waiters_get_it_first_come_first_served) {
  run([]() -> Coro<> {
    Lock lock;
    Order order;
    auto a = create_task(sit("a", lock, order));
    auto b = create_task(sit("b", lock, order));
    auto c = create_task(sit("c", lock, order));

    co_await a;
    co_await b;
    co_await c;

    EXPECT_EQ(order, (Order{"a", "b", "c"}));
    EXPECT_FALSE(lock.locked());
  }());
}

TEST(Lock, free_lock_costs_no_pass) {
  run([]() -> Coro<> {
    Lock lock;
    auto work = [](Lock& l) -> Coro<> {
      for (int i = 0; i < 100; ++i) {
        co_await l.acquire();
        l.release();
      }
    };
    EXPECT_EQ(co_await passes_of(work(lock)), 0);
  }());
}

// Otherwise one task with a lock that is always free would starve the loop.
TEST(Lock, a_task_that_never_waits_yields_once_its_budget_is_used_up) {
  run([]() -> Coro<> {
    Lock lock;
    auto work = [](Lock& l) -> Coro<> {
      for (int i = 0; i < 1000; ++i) {
        co_await l.acquire();
        l.release();
      }
    };
    const int passes = co_await passes_of(work(lock));
    EXPECT_GE(passes, 6);
    EXPECT_LE(passes, 9);
  }());
}

TEST(Lock, newcomer_does_not_overtake_a_woken_waiter) {
  run([]() -> Coro<> {
    Lock lock;
    Order order;
    co_await lock.acquire();
    auto waiter = create_task(take("waiter", lock, order));
    co_await pass();

    lock.release();
    EXPECT_FALSE(lock.locked());
    EXPECT_FALSE(lock.try_acquire());
    auto newcomer = create_task(take("newcomer", lock, order));
    co_await pass(2);

    EXPECT_EQ(order, Order{"waiter"});
    lock.release();
    co_await newcomer;
    EXPECT_EQ(order, (Order{"waiter", "newcomer"}));
  }());
}

TEST(Lock, waiter_that_is_chosen_and_then_cancelled_passes_its_turn_on) {
  run([]() -> Coro<> {
    Lock lock;
    Order order;
    co_await lock.acquire();
    auto first = create_task(take("first", lock, order));
    auto second = create_task(take("second", lock, order));
    co_await pass();

    lock.release();
    first.cancel();

    co_await second;
    EXPECT_TRUE(first.cancelled());
    EXPECT_EQ(order, Order{"second"});
  }());
}

TEST(Lock, cancelled_waiter_leaves_and_the_others_still_get_it) {
  run([]() -> Coro<> {
    Lock lock;
    Order order;
    co_await lock.acquire();
    auto first = create_task(take("first", lock, order));
    auto second = create_task(take("second", lock, order));
    co_await pass();

    first.cancel();
    lock.release();  // the first in the line is cancelled, but has not left yet

    co_await second;
    EXPECT_TRUE(first.cancelled());
    EXPECT_TRUE(lock.locked());
  }());
}

TEST(Lock, release_of_a_free_lock_is_refused_with_pythons_sentence) {
  Lock lock;
  EXPECT_EQ(error_of([&] { lock.release(); }), "RuntimeError: Lock is not acquired.");
}

TEST(Lock, guard_releases_once_also_when_moved_or_released_early) {
  run([]() -> Coro<> {
    Lock lock;
    {
      auto held = co_await lock.scoped();
      Guard moved = std::move(held);
      EXPECT_TRUE(lock.locked());
      moved.release();
      EXPECT_FALSE(lock.locked());
      co_await lock.acquire();
    }
    EXPECT_TRUE(lock.locked());
  }());
}

TEST(Lock, guard_releases_when_an_exception_leaves_the_block) {
  run([]() -> Coro<> {
    Lock lock;
    auto fails = [](Lock& l) -> Coro<> {
      auto held = co_await l.scoped();
      throw ValueError("inside");
    };
    EXPECT_EQ(co_await error_of(fails(lock)), "ValueError: inside");
    EXPECT_FALSE(lock.locked());
  }());
}

TEST(Lock, its_waits_can_be_kept_and_run_as_tasks) {
  run([]() -> Coro<> {
    Lock lock;
    auto wait = lock.acquire();
    auto first = create_task(std::move(wait));
    auto second = create_task(lock.scoped());
    co_await first;
    co_await pass(2);
    EXPECT_FALSE(second.done());
    lock.release();
    co_await pass(2);
    EXPECT_TRUE(second.done());
    EXPECT_TRUE(lock.locked());
    second = {};  // the guard goes with the last handle
    EXPECT_FALSE(lock.locked());
  }());
}

Coro<> contend(Lock& lock) {
  co_await lock.acquire();
  auto waiter = create_task(lock.acquire());
  co_await sleep(0s);
  lock.release();
  co_await waiter;
  lock.release();
}

TEST(Lock, contended_use_in_two_loops_is_refused) {
  Lock lock;
  Runner first;
  first.run(contend(lock));
  Runner second;
  EXPECT_NE(error_of([&] { second.run(contend(lock)); }).find("is bound to a different event loop"),
            std::string::npos);
}

TEST(Lock, repr_reads_as_pythons) {
  run([]() -> Coro<> {
    Lock lock;
    EXPECT_NE(lock.repr().find("<asyncio.locks.Lock object at 0x"), std::string::npos);
    EXPECT_NE(lock.repr().find(" [unlocked]>"), std::string::npos);
    co_await lock.acquire();
    auto waiter = create_task(lock.acquire());
    co_await pass();
    EXPECT_NE(lock.repr().find(" [locked, waiters:1]>"), std::string::npos);
    waiter.cancel();
  }());
}

// ---- Event

Coro<> await_event(std::string name, Event& event, Order& order) {
  co_await event.wait();
  order.push_back(name + (event.is_set() ? " set" : " clear"));
}

TEST(Event, set_followed_by_clear_still_releases_all_waiters) {
  run([]() -> Coro<> {
    Event event;
    Order order;
    auto a = create_task(await_event("a", event, order));
    auto b = create_task(await_event("b", event, order));
    co_await pass();

    event.set();
    event.clear();
    auto late = create_task(await_event("late", event, order));
    co_await a;
    co_await b;
    co_await pass(2);

    EXPECT_EQ(order, (Order{"a clear", "b clear"}));
    EXPECT_FALSE(late.done());
    late.cancel();
  }());
}

TEST(Event, wait_for_a_raised_flag_costs_no_pass) {
  run([]() -> Coro<> {
    Event event;
    event.set();
    EXPECT_EQ(co_await passes_of(event.wait()), 0);
  }());
}

TEST(Event, waiter_cancelled_in_the_pass_that_wakes_it_gets_the_cancellation) {
  run([]() -> Coro<> {
    Event event;
    Order order;
    auto a = create_task(await_event("a", event, order));
    auto b = create_task(await_event("b", event, order));
    co_await pass();
    event.set();
    a.cancel();
    co_await b;
    EXPECT_TRUE(a.cancelled());
    EXPECT_EQ(order, Order{"b set"});
    EXPECT_NE(event.repr().find("Event object at 0x"), std::string::npos);
    EXPECT_NE(event.repr().find("[set]>"), std::string::npos);
  }());
}

// ---- Semaphore

TEST(Semaphore, release_assigns_the_permit_before_the_waiter_runs) {
  run([]() -> Coro<> {
    Semaphore seats(1);
    Order order;
    co_await seats.acquire();
    auto waiter = create_task(take("waiter", seats, order));
    co_await pass();

    seats.release();

    EXPECT_TRUE(seats.locked());
    EXPECT_FALSE(seats.try_acquire());
    co_await waiter;
    EXPECT_TRUE(seats.locked());
  }());
}

TEST(Semaphore, spare_permit_waits_behind_a_woken_waiter) {
  run([]() -> Coro<> {
    Semaphore seats(0);
    Order order;
    auto waiter = create_task(take("waiter", seats, order));
    co_await pass();
    seats.release();
    seats.release();
    EXPECT_TRUE(seats.locked());
    co_await take("newcomer", seats, order);
    EXPECT_EQ(order, (Order{"waiter", "newcomer"}));
    EXPECT_TRUE(seats.locked());
  }());
}

TEST(Semaphore, waiter_that_had_its_permit_and_is_cancelled_passes_it_on) {
  run([]() -> Coro<> {
    Semaphore seats(0);
    Order order;
    auto first = create_task(take("first", seats, order));
    auto second = create_task(take("second", seats, order));
    co_await pass();

    seats.release();
    first.cancel();
    co_await second;

    EXPECT_TRUE(first.cancelled());
    EXPECT_TRUE(seats.locked());
    seats.release();
    EXPECT_FALSE(seats.locked());
  }());
}

TEST(Semaphore, waiting_and_cancelled_waiter_takes_no_permit_with_it) {
  run([]() -> Coro<> {
    Semaphore seats(0);
    Order order;
    auto first = create_task(take("first", seats, order));
    co_await pass();
    first.cancel();
    seats.release();
    co_await pass(2);
    EXPECT_TRUE(first.cancelled());
    EXPECT_TRUE(seats.try_acquire());
  }());
}

TEST(Semaphore, no_permit_is_lost_when_waits_and_cancellations_mix) {
  run([]() -> Coro<> {
    constexpr int kSeats = 3;
    Semaphore seats(kSeats);
    unsigned random = 12345;
    std::vector<Task<>> tasks;
    for (int i = 0; i < 300; ++i) {
      tasks.push_back(create_task([](Semaphore& s, int held) -> Coro<> {
        auto seat = co_await s.scoped();
        for (int j = 0; j < held; ++j) co_await sleep(0s);
      }(seats, i % 4)));
      random = random * 1103515245U + 12345U;
      if ((random >> 16) % 3 == 0) tasks[(random >> 18) % tasks.size()].cancel();
      if ((random >> 20) % 2 == 0) co_await pass();
    }
    for (auto& task : tasks)
      while (!task.done()) co_await pass();

    for (int i = 0; i < kSeats; ++i) EXPECT_TRUE(seats.try_acquire());
    EXPECT_FALSE(seats.try_acquire());
  }());
}

TEST(Semaphore, a_task_that_never_waits_yields_and_keeps_count) {
  run([]() -> Coro<> {
    Semaphore seats(2);
    auto work = [](Semaphore& s) -> Coro<> {
      for (int i = 0; i < 1000; ++i) {
        co_await s.acquire();
        s.release();
      }
    };
    EXPECT_GE(co_await passes_of(work(seats)), 6);
    EXPECT_TRUE(seats.try_acquire());
    EXPECT_TRUE(seats.try_acquire());
    EXPECT_FALSE(seats.try_acquire());
  }());
}

TEST(Semaphore, negative_start_is_refused_with_pythons_sentence) {
  EXPECT_EQ(error_of([] { Semaphore seats(-1); }),
            "ValueError: Semaphore initial value must be >= 0");
}

TEST(Semaphore, repr_names_value_and_waiters) {
  Semaphore seats(3);
  EXPECT_NE(seats.repr().find("<asyncio.locks.Semaphore object at 0x"), std::string::npos);
  EXPECT_NE(seats.repr().find("[unlocked, value:3]>"), std::string::npos);
}

TEST(BoundedSemaphore, release_above_the_start_is_refused_and_changes_nothing) {
  run([]() -> Coro<> {
    BoundedSemaphore seats(1);
    EXPECT_EQ(error_of([&] { seats.release(); }),
              "ValueError: BoundedSemaphore released too many times");
    co_await seats.acquire();
    seats.release();
    EXPECT_TRUE(seats.try_acquire());
    EXPECT_TRUE(seats.locked());
    EXPECT_NE(seats.repr().find("BoundedSemaphore object"), std::string::npos);
  }());
}

// ---- Condition

Coro<> await_change(std::string name, Condition& condition, Order& order) {
  auto held = co_await condition.scoped();
  try {
    co_await condition.wait();
    order.push_back(name + (condition.locked() ? " locked" : " free"));
  } catch (const CancelledError& error) {
    order.push_back(name + " cancelled:" + error.message() +
                    (condition.locked() ? " locked" : " free"));
    throw;
  }
}

TEST(Condition, notify_wakes_as_many_as_it_says_and_each_holds_the_lock) {
  run([]() -> Coro<> {
    Condition condition;
    Order order;
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b", "c"})
      tasks.push_back(create_task(await_change(name, condition, order)));
    co_await pass();
    {
      auto held = co_await condition.scoped();
      condition.notify(2);
      co_await pass(2);
      EXPECT_TRUE(order.empty());  // we hold the lock
    }
    co_await pass(5);
    EXPECT_EQ(order, (Order{"a locked", "b locked"}));
    {
      auto held = co_await condition.scoped();
      condition.notify_all();
    }
    co_await tasks[2];
    EXPECT_FALSE(condition.locked());
  }());
}

TEST(Condition, waiter_notified_and_then_cancelled_notifies_another) {
  run([]() -> Coro<> {
    Condition condition;
    Order order;
    auto first = create_task(await_change("first", condition, order));
    auto second = create_task(await_change("second", condition, order));
    co_await pass();
    {
      auto held = co_await condition.scoped();
      condition.notify();
      first.cancel("stop");
    }
    co_await second;
    EXPECT_TRUE(first.cancelled());
    EXPECT_EQ(order, (Order{"first cancelled:stop locked", "second locked"}));
  }());
}

TEST(Condition, wait_takes_the_lock_again_through_repeated_cancels_and_throws_the_latest) {
  run([]() -> Coro<> {
    Condition condition;
    Order order;
    auto task = create_task(await_change("w", condition, order));
    co_await pass();
    {
      auto held = co_await condition.scoped();
      task.cancel("one");
      co_await pass(2);
      EXPECT_FALSE(task.done());  // it waits for the lock that we hold
      task.cancel("two");
      co_await pass(2);
      EXPECT_FALSE(task.done());
    }
    while (!task.done()) co_await pass();
    EXPECT_EQ(order, Order{"w cancelled:two locked"});
    EXPECT_FALSE(condition.locked());
  }());
}

TEST(Condition, wait_for_returns_only_where_the_predicate_is_true) {
  run([]() -> Coro<> {
    Condition condition;
    int value = 0;
    auto task = create_task([](Condition& c, int& v) -> Coro<int> {
      auto held = co_await c.scoped();
      co_await c.wait_for([&v] { return v >= 2; });
      co_return v;
    }(condition, value));
    for (int i = 0; i < 2; ++i) {
      co_await pass(2);
      EXPECT_FALSE(task.done());
      auto held = co_await condition.scoped();
      ++value;
      condition.notify_all();
    }
    EXPECT_EQ(co_await task, 2);
  }());
}

TEST(Condition, use_without_the_lock_is_refused_with_pythons_sentences) {
  run([]() -> Coro<> {
    Condition condition;
    EXPECT_EQ(co_await error_of(condition.wait()), "RuntimeError: cannot wait on un-acquired lock");
    EXPECT_EQ(error_of([&] { condition.notify(); }),
              "RuntimeError: cannot notify on un-acquired lock");
    EXPECT_EQ(error_of([&] { condition.notify_all(); }),
              "RuntimeError: cannot notify on un-acquired lock");
    EXPECT_NE(condition.repr().find("Condition object at 0x"), std::string::npos);
  }());
}

TEST(Condition, two_conditions_can_share_a_lock) {
  run([]() -> Coro<> {
    Lock lock;
    Condition full(lock), empty(lock);
    auto held = co_await full.scoped();
    EXPECT_TRUE(empty.locked());
    empty.notify();
    held.release();
    EXPECT_FALSE(lock.locked());
  }());
}

// ---- Barrier

Coro<> arrive(std::string name, Barrier& barrier, Order& order) {
  try {
    const int index = co_await barrier.wait();
    order.push_back(name + std::to_string(index));
  } catch (const BrokenBarrierError& error) {
    order.push_back(name + " " + error.what());
  }
}

TEST(Barrier, nobody_passes_before_the_last_has_arrived_and_it_can_be_used_again) {
  run([]() -> Coro<> {
    Barrier barrier(3);
    Order order;
    for (int round = 0; round < 2; ++round) {
      order.clear();
      auto a = create_task(arrive("a", barrier, order));
      auto b = create_task(arrive("b", barrier, order));
      co_await pass(3);
      EXPECT_TRUE(order.empty());
      EXPECT_EQ(barrier.n_waiting(), 2);
      auto c = create_task(arrive("c", barrier, order));
      co_await a;
      co_await b;
      co_await c;
      EXPECT_EQ(order, (Order{"c2", "a0", "b1"}));
      EXPECT_EQ(barrier.n_waiting(), 0);
    }
  }());
}

TEST(Barrier, indices_are_unique_after_a_cancellation) {
  run([]() -> Coro<> {
    Barrier barrier(3);
    Order order;
    auto a = create_task(arrive("a", barrier, order));
    auto b = create_task(arrive("b", barrier, order));
    co_await pass(2);
    a.cancel();
    co_await pass(2);
    EXPECT_EQ(barrier.n_waiting(), 1);
    auto c = create_task(arrive("c", barrier, order));
    auto d = create_task(arrive("d", barrier, order));
    co_await b;
    co_await c;
    co_await d;
    EXPECT_EQ(order, (Order{"d2", "b1", "c0"}));
  }());
}

TEST(Barrier, reset_breaks_those_that_wait_and_the_next_round_works) {
  run([]() -> Coro<> {
    Barrier barrier(2);
    Order order;
    auto a = create_task(arrive("a", barrier, order));
    co_await pass(2);
    co_await barrier.reset();
    co_await a;
    EXPECT_EQ(order, Order{"a Abort or reset of barrier"});
    EXPECT_FALSE(barrier.broken());
    auto b = create_task(arrive("b", barrier, order));
    co_await arrive("c", barrier, order);
    co_await b;
    EXPECT_EQ(order.size(), 3u);
  }());
}

TEST(Barrier, abort_breaks_it_until_reset) {
  run([]() -> Coro<> {
    Barrier barrier(2);
    Order order;
    auto a = create_task(arrive("a", barrier, order));
    co_await pass(2);
    co_await barrier.abort();
    co_await a;
    co_await arrive("late", barrier, order);
    EXPECT_EQ(order, (Order{"a Abort or reset of barrier", "late Barrier aborted"}));
    EXPECT_TRUE(barrier.broken());
    EXPECT_NE(barrier.repr().find("[broken]>"), std::string::npos);
    co_await barrier.reset();
    EXPECT_FALSE(barrier.broken());
    EXPECT_NE(barrier.repr().find("[filling, waiters:0/2]>"), std::string::npos);
  }());
}

TEST(Barrier, no_parties_are_refused_with_pythons_sentence) {
  EXPECT_EQ(error_of([] { Barrier nobody(0); }), "ValueError: parties must be > 0");
}

}  // namespace
}  // namespace asyncio
