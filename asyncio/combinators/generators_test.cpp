#include "asyncio/combinators/generators.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "asyncio/testing.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using Log = std::vector<std::string>;
using tests::error_of;

AsyncGenerator<int> count_to(int last) {
  for (int i = 1; i <= last; ++i) {
    co_await sleep(1s);
    co_yield i;
  }
}

// Yields for ever; writes down how it ends, after a cleanup that awaits.
AsyncGenerator<int> careful(Log& log) {
  std::exception_ptr error;
  try {
    for (int i = 1;; ++i) co_yield i;
  } catch (const GeneratorExit&) {
    error = std::current_exception();
  } catch (...) {
    error = std::current_exception();
    log.push_back(describe(error));
  }
  co_await sleep(1s);
  log.push_back("cleaned up");
  std::rethrow_exception(error);
}

ASYNCIO_TEST(AsyncGenerator, gives_its_items_and_then_nothing_for_ever) {
  auto numbers = count_to(3);
  std::vector<int> items;
  while (auto item = co_await numbers.next()) items.push_back(*item);
  EXPECT_EQ(items, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(co_await numbers.next(), std::nullopt);
  EXPECT_EQ(co_await numbers.next(), std::nullopt);
}

ASYNCIO_TEST(AsyncGenerator, does_not_start_before_the_first_item_is_asked_for) {
  bool started = false;
  auto body = [&]() -> AsyncGenerator<int> {
    started = true;
    co_yield 1;
  };
  {
    auto never_started = body();
    co_await never_started.aclose();
    EXPECT_EQ(co_await never_started.next(), std::nullopt);
    auto dropped = body();
  }
  co_await sleep(0s);
  EXPECT_FALSE(started);
}

ASYNCIO_TEST(AsyncGenerator, items_that_are_ready_cost_no_pass) {
  Log log;
  auto numbers = careful(log);
  bool others_ran = false;
  get_running_loop().call_soon([&] { others_ran = true; });
  for (int i = 1; i <= 1000; ++i) EXPECT_EQ(co_await numbers.next(), i);
  EXPECT_FALSE(others_ran);
  co_await numbers.aclose();
}

ASYNCIO_TEST(AsyncGenerator, items_may_be_move_only) {
  auto body = []() -> AsyncGenerator<std::unique_ptr<int>> { co_yield std::make_unique<int>(7); };
  auto generator = body();
  std::optional<std::unique_ptr<int>> item = co_await generator.next();
  EXPECT_EQ(**item, 7);
  EXPECT_EQ(co_await generator.next(), std::nullopt);
}

ASYNCIO_TEST(AsyncGenerator, an_error_in_it_reaches_the_consumer_and_ends_it) {
  auto body = []() -> AsyncGenerator<int> {
    co_yield 1;
    throw ValueError("v");
  };
  auto generator = body();
  EXPECT_EQ(co_await generator.next(), 1);
  EXPECT_EQ(co_await error_of(generator.next()), "ValueError: v");
  EXPECT_EQ(co_await generator.next(), std::nullopt);
}

ASYNCIO_TEST(AsyncGenerator, aclose_runs_its_cleanup_with_awaits_and_only_once) {
  Log log;
  auto generator = careful(log);
  co_await generator.next();
  co_await generator.aclose();
  EXPECT_EQ(log, Log{"cleaned up"});
  co_await generator.aclose();
  EXPECT_EQ(log.size(), 1U);
  EXPECT_EQ(co_await generator.next(), std::nullopt);
}

ASYNCIO_TEST(AsyncGenerator, that_yields_while_it_is_closed_is_an_error) {
  auto body = []() -> AsyncGenerator<int> {
    for (int i = 0; i < 2; ++i) {
      try {
        co_yield i;
      } catch (const GeneratorExit&) {}
    }
  };
  auto generator = body();
  co_await generator.next();
  EXPECT_EQ(co_await error_of(generator.aclose()),
            "RuntimeError: async generator ignored GeneratorExit");
  co_await generator.aclose();
}

ASYNCIO_TEST(AsyncGenerator, athrow_throws_at_the_yield_and_gives_the_next_item) {
  Log log;
  auto body = [&]() -> AsyncGenerator<int> {
    bool thrown = false;
    try {
      co_yield 1;
    } catch (const ValueError& error) {
      log.push_back(error.what());
      thrown = true;
    }
    if (thrown) co_yield 2;
  };
  auto generator = body();
  co_await generator.next();
  EXPECT_EQ(co_await generator.athrow(std::make_exception_ptr(ValueError("in"))), 2);
  EXPECT_EQ(log, Log{"in"});
  EXPECT_EQ(co_await error_of(generator.athrow(std::make_exception_ptr(ValueError("through")))),
            "ValueError: through");
  EXPECT_EQ(co_await generator.next(), std::nullopt);
}

ASYNCIO_TEST(AsyncGenerator, athrow_before_the_first_item_ends_it_without_running_it) {
  Log log;
  auto generator = careful(log);
  EXPECT_EQ(co_await error_of(generator.athrow(std::make_exception_ptr(ValueError("early")))),
            "ValueError: early");
  EXPECT_EQ(co_await generator.next(), std::nullopt);
  EXPECT_TRUE(log.empty());
}

ASYNCIO_TEST(AsyncGenerator, a_cancellation_unwinds_it_first_and_then_the_consumer) {
  Log log;
  auto body = [&]() -> AsyncGenerator<int> {
    try {
      co_yield 1;
      co_await sleep(1h);
    } catch (const CancelledError&) {
      log.push_back("generator");
      throw;
    }
  };
  auto generator = body();
  auto consumer = create_task([&]() -> Coro<> {
    try {
      while (co_await generator.next()) {}
    } catch (const CancelledError&) {
      log.push_back("consumer");
      throw;
    }
  });
  co_await testing::all_tasks_blocked();

  consumer.cancel("stop");
  EXPECT_EQ(co_await error_of(consumer), "CancelledError: stop");

  EXPECT_EQ(log, (Log{"generator", "consumer"}));
  EXPECT_EQ(co_await generator.next(), std::nullopt);
}

ASYNCIO_TEST(AsyncGenerator, serves_one_consumer_at_a_time) {
  auto numbers = count_to(2);
  auto first = create_task([&]() -> Coro<int> { co_return *co_await numbers.next(); });
  co_await testing::all_tasks_blocked();
  EXPECT_EQ(co_await error_of(numbers.next()),
            "RuntimeError: anext(): asynchronous generator is already running");
  EXPECT_EQ(co_await error_of(numbers.aclose()),
            "RuntimeError: aclose(): asynchronous generator is already running");
  EXPECT_EQ(co_await first, 1);
  EXPECT_EQ(co_await numbers.next(), 2);
}

ASYNCIO_TEST(AsyncGenerator, dropped_at_a_yield_it_is_closed_by_the_loop) {
  Log log;
  {
    auto generator = careful(log);
    co_await generator.next();
  }
  EXPECT_TRUE(log.empty());
  co_await sleep(2s);
  EXPECT_EQ(log, Log{"cleaned up"});
}

ASYNCIO_TEST(AsyncGenerator, dropped_while_another_task_is_inside_it_is_closed_afterwards) {
  Log log;
  auto slow = [](Log& entries) -> AsyncGenerator<std::string> {
    try {
      co_await sleep(1s);
      co_yield "item";
    } catch (const GeneratorExit&) {
      entries.push_back("closed");
      throw;
    }
  };
  auto generator = std::make_unique<AsyncGenerator<std::string>>(slow(log));
  auto consumer = create_task([&]() -> Coro<std::string> {
    auto item = co_await generator->next();
    co_return item.value_or("end");
  });
  co_await sleep(0s);

  generator.reset();

  EXPECT_EQ(co_await consumer, "item");
  co_await sleep(1s);
  EXPECT_EQ(log, Log{"closed"});
}

ASYNCIO_TEST(AsyncGenerator,
             dropped_while_another_task_is_inside_that_is_cancelled_frees_its_frame) {
  auto held = std::make_shared<int>(1);
  auto waiting = [](std::shared_ptr<int> number) -> AsyncGenerator<int> {
    co_await sleep(1h);
    co_yield *number;
  };
  auto generator = std::make_unique<AsyncGenerator<int>>(waiting(held));
  auto consumer = create_task([&]() -> Coro<> { co_await generator->next(); });
  co_await sleep(0s);

  generator.reset();
  EXPECT_EQ(held.use_count(), 2);
  consumer.cancel();

  EXPECT_EQ(co_await error_of(consumer), "CancelledError");
  EXPECT_EQ(held.use_count(), 1);
}

ASYNCIO_TEST(AsyncGenerator, dropped_while_another_task_closes_it_ends_once) {
  Log log;
  auto generator = std::make_unique<AsyncGenerator<int>>(careful(log));
  co_await generator->next();
  auto closer = create_task(generator->aclose());
  co_await sleep(0s);

  generator.reset();

  co_await closer;
  co_await sleep(2s);
  EXPECT_EQ(log, Log{"cleaned up"});
}

TEST(AsyncGenerator, dropped_while_a_task_is_inside_that_its_loop_destroys_frees_its_frame) {
  auto held = std::make_shared<int>(1);
  {
    Loop loop;
    auto waiting = [](std::shared_ptr<int> number) -> AsyncGenerator<int> {
      co_await sleep(1h);
      co_yield *number;
    };
    auto generator = std::make_unique<AsyncGenerator<int>>(waiting(held));
    auto consumer = loop.create_task(
        [](AsyncGenerator<int>& source) -> Coro<> { co_await source.next(); }(*generator));
    loop.call_later(1ms, [&] {
      generator.reset();
      loop.stop();
    });
    loop.run_forever();
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(AsyncGenerator, inside_another_one_is_closed_once_when_the_loop_shuts_down) {
  Log log;
  std::optional<AsyncGenerator<int>> kept;
  auto outer = [](Log& entries) -> AsyncGenerator<int> {
    auto inner = careful(entries);
    while (auto item = co_await inner.next()) co_yield *item;
  };
  auto async_main = [&]() -> Coro<> {
    kept.emplace(outer(log));
    co_await kept->next();
  };
  testing::run(async_main());
  EXPECT_EQ(log, Log{"cleaned up"});
}

TEST(AsyncGenerator, dropped_as_the_last_thing_in_main_it_is_still_closed) {
  Log log;
  auto body = [](Log& entries) -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (const GeneratorExit&) {
      entries.push_back("closed");
      throw;
    }
  };
  auto async_main = [&]() -> Coro<> {
    auto generator = body(log);
    co_await generator.next();
  };
  run(async_main());
  EXPECT_EQ(log, Log{"closed"});
}

TEST(AsyncGenerator, kept_past_main_it_is_closed_when_the_loop_shuts_down) {
  Log log;
  std::optional<AsyncGenerator<int>> kept;
  auto async_main = [&]() -> Coro<> {
    kept.emplace(careful(log));
    co_await kept->next();
  };
  testing::run(async_main());
  EXPECT_EQ(log, Log{"cleaned up"});
  kept.reset();
}

TEST(AsyncGenerator, dropped_after_its_loop_is_gone_its_frame_is_freed) {
  auto held = std::make_shared<int>(1);
  auto body = [](std::shared_ptr<int> number) -> AsyncGenerator<int> { co_yield *number; };
  std::optional<AsyncGenerator<int>> kept;
  {
    Loop loop;
    kept.emplace(body(held));
    loop.run_until_complete(
        [](AsyncGenerator<int>& generator) -> Coro<> { co_await generator.next(); }(*kept));
  }
  EXPECT_EQ(held.use_count(), 2);
  kept.reset();
  EXPECT_EQ(held.use_count(), 1);
}

ASYNCIO_TEST(ShutdownAsyncgens, closes_what_is_suspended_and_reports_what_fails) {
  Log log;
  Loop& loop = get_running_loop();
  loop.set_exception_handler([&](Loop&, const ExceptionContext& context) {
    log.push_back(context.message + ": " + describe(context.exception));
  });
  auto broken = []() -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (const GeneratorExit&) {
      throw ValueError("cleanup");
    }
  };
  auto first = broken();
  auto second = careful(log);
  auto finished = count_to(0);
  co_await first.next();
  co_await second.next();
  co_await finished.next();

  co_await loop.shutdown_asyncgens();

  EXPECT_EQ(log, (Log{"an error occurred during closing of asynchronous generator: "
                      "ValueError: cleanup",
                      "cleaned up"}));
  EXPECT_EQ(co_await second.next(), std::nullopt);
}

ASYNCIO_TEST(ShutdownAsyncgens, goes_on_after_a_cleanup_that_ends_cancelled) {
  Log log;
  auto cancelled = []() -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (const GeneratorExit&) {
      throw CancelledError("cleanup");
    }
  };
  auto first = cancelled();
  auto second = careful(log);
  co_await first.next();
  co_await second.next();

  EXPECT_EQ(co_await error_of(get_running_loop().shutdown_asyncgens()), "");

  EXPECT_EQ(log, Log{"cleaned up"});
}

ASYNCIO_TEST(AsyncGenerator, survives_a_cancellation_at_every_suspension) {
  co_await testing::cancel_everywhere([]() -> Coro<> {
    auto numbers = count_to(3);
    while (co_await numbers.next()) co_await sleep(1s);
  });
}

}  // namespace
}  // namespace asyncio
