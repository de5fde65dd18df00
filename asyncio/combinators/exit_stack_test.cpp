#include "asyncio/combinators/exit_stack.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "asyncio/testing.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using Log = std::vector<std::string>;
using tests::error_of;

struct Resource {
  Log* log;
  std::string name;
  bool swallows = false;
  std::string enter_error = {};
  std::string exit_error = {};

  Coro<> aenter() {
    co_await sleep(1s);
    if (!enter_error.empty()) throw ValueError(enter_error);
    log->push_back("enter " + name);
  }
  Coro<bool> aexit(std::exception_ptr error) {
    co_await sleep(1s);
    log->push_back("exit " + name + (error ? " " + describe(error) : ""));
    if (!exit_error.empty()) throw ValueError(exit_error);
    co_return swallows;
  }
};

ASYNCIO_TEST(AsyncExitStack, leaves_in_reverse_order) {
  Log log;
  co_await with(AsyncExitStack(), [&](AsyncExitStack& stack) -> Coro<> {
    Resource& a = co_await stack.enter(Resource{&log, "a"});
    EXPECT_EQ(a.name, "a");
    stack.push_callback([&] { log.push_back("plain callback"); });
    stack.push_callback([&]() -> Coro<> {
      co_await sleep(1s);
      log.push_back("awaited callback");
    });
    co_await stack.enter(Resource{&log, "b"});
    log.push_back("body");
  });
  EXPECT_EQ(log, (Log{"enter a", "enter b", "body", "exit b", "awaited callback", "plain callback",
                      "exit a"}));
}

ASYNCIO_TEST(AsyncExitStack, references_to_entered_managers_stay_good_while_it_grows) {
  Log log;
  co_await with(AsyncExitStack(), [&](AsyncExitStack& stack) -> Coro<> {
    Resource& first = co_await stack.enter(Resource{&log, "first"});
    for (int i = 0; i < 20; ++i) co_await stack.enter(Resource{&log, std::to_string(i)});
    EXPECT_EQ(first.name, "first");
  });
  EXPECT_EQ(log.back(), "exit first");
}

ASYNCIO_TEST(AsyncExitStack, an_error_travels_outwards_until_it_is_swallowed) {
  Log log;
  const std::string error =
      co_await error_of(with(AsyncExitStack(), [&](AsyncExitStack& stack) -> Coro<> {
        co_await stack.enter(Resource{&log, "outer"});
        co_await stack.enter(Resource{.log = &log, .name = "swallows", .swallows = true});
        co_await stack.enter(Resource{&log, "inner"});
        log.clear();
        throw ValueError("body");
      }));
  EXPECT_EQ(error, "");
  EXPECT_EQ(log,
            (Log{"exit inner ValueError: body", "exit swallows ValueError: body", "exit outer"}));
}

ASYNCIO_TEST(AsyncExitStack, an_error_of_a_cleanup_goes_on_to_the_next_ones_and_leaves) {
  Log log;
  const std::string error =
      co_await error_of(with(AsyncExitStack(), [&](AsyncExitStack& stack) -> Coro<> {
        co_await stack.enter(Resource{&log, "outer"});
        co_await stack.enter(Resource{.log = &log, .name = "broken", .exit_error = "cleanup"});
        stack.push_callback([] { throw ValueError("callback"); });
        log.clear();
      }));
  EXPECT_EQ(error, "ValueError: cleanup");
  EXPECT_EQ(log, (Log{"exit broken ValueError: callback", "exit outer ValueError: cleanup"}));
}

ASYNCIO_TEST(AsyncExitStack, a_manager_that_cannot_be_entered_is_not_left_but_the_others_are) {
  Log log;
  const std::string error =
      co_await error_of(with(AsyncExitStack(), [&](AsyncExitStack& stack) -> Coro<> {
        co_await stack.enter(Resource{&log, "a"});
        co_await stack.enter(Resource{.log = &log, .name = "b", .enter_error = "refused"});
      }));
  EXPECT_EQ(error, "ValueError: refused");
  EXPECT_EQ(log, (Log{"enter a", "exit a ValueError: refused"}));
}

ASYNCIO_TEST(AsyncExitStack, pop_all_moves_the_cleanups_elsewhere) {
  Log log;
  AsyncExitStack kept;
  co_await with(AsyncExitStack(), [&](AsyncExitStack& stack) -> Coro<> {
    co_await stack.enter(Resource{&log, "a"});
    kept = stack.pop_all();
  });
  EXPECT_EQ(log, Log{"enter a"});

  co_await kept.aclose();
  co_await kept.aclose();

  EXPECT_EQ(log, (Log{"enter a", "exit a"}));
}

ASYNCIO_TEST(AsyncExitStack, a_cancelled_body_leaves_through_all_cleanups) {
  Log log;
  auto task = create_task([&]() -> Coro<> {
    co_await with(AsyncExitStack(), [&](AsyncExitStack& stack) -> Coro<> {
      co_await stack.enter(Resource{&log, "a"});
      co_await stack.enter(Resource{&log, "b"});
      co_await sleep(1h);
    });
  });
  co_await sleep(3s);
  task.cancel("outside");
  EXPECT_EQ(co_await error_of(task), "CancelledError: outside");
  EXPECT_EQ(log, (Log{"enter a", "enter b", "exit b CancelledError: outside",
                      "exit a CancelledError: outside"}));
}

}  // namespace
}  // namespace asyncio
