#include <memory>
#include <tuple>

#include "tests/awaitables/everywhere.hpp"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using tests::everywhere;

Coro<> nothing() { co_return; }
Coro<int> number() {
  co_await sleep(0s);
  co_return 5;
}
Coro<std::unique_ptr<int>> move_only() { co_return std::make_unique<int>(5); }
Coro<std::vector<std::unique_ptr<int>>> many_move_only() {
  co_return std::vector<std::unique_ptr<int>>(3);
}
AsyncGenerator<int> one_item() { co_yield 1; }

TEST(Everywhere, coroutines) {
  run([]() -> Coro<> {
    co_await everywhere([] { return nothing(); });
    co_await everywhere([] { return number(); });
    co_await everywhere([] { return move_only(); });
    co_await everywhere([] { return many_move_only(); });
  }());
}

TEST(Everywhere, sleeps_tasks_and_futures) {
  run([]() -> Coro<> {
    co_await everywhere([] { return sleep(0s); });
    co_await everywhere([] { return sleep(1ms, 5); });
    co_await everywhere([] { return create_task(number()); });
    co_await everywhere([] { return create_task(move_only()); });
    co_await everywhere([] {
      Future<> done;
      done.set_result();
      return done;
    });
    co_await everywhere([] {
      Future<std::string> done;
      done.set_result("value");
      return done;
    });
  }());
}

TEST(Everywhere, combinators) {
  run([]() -> Coro<> {
    co_await everywhere([] { return gather(number(), nothing(), move_only()); });
    co_await everywhere([] { return gather(return_exceptions, number(), nothing()); });
    co_await everywhere([] {
      std::vector<Coro<int>> numbers;
      numbers.push_back(number());
      return gather(std::move(numbers));
    });
    co_await everywhere([] { return wait(std::vector<Task<int>>{create_task(number())}); });
    co_await everywhere([] { return wait_for(number(), 60s); });
    co_await everywhere([] { return move_on_after(60s, number()); });
    co_await everywhere([] { return shield(number()); });
    co_await everywhere([] { return outcome_of(number()); });
    co_await everywhere(
        []() -> Coro<int> { co_return co_await with(timeout(60s), [] { return number(); }); });
    co_await everywhere(
        [] { return try_finally([] { return number(); }, [] { return nothing(); }); });
  }());
}

TEST(Everywhere, what_belongs_to_a_generator_or_a_stack) {
  run([]() -> Coro<> {
    std::vector<AsyncGenerator<int>> kept;
    co_await everywhere([&] {
      kept.push_back(one_item());
      return kept.back().next();
    });
    co_await everywhere([&] {
      kept.push_back(one_item());
      return kept.back().aclose();
    });
    std::vector<std::unique_ptr<AsyncExitStack>> stacks;
    co_await everywhere([&] {
      stacks.push_back(std::make_unique<AsyncExitStack>());
      return stacks.back()->aclose();
    });
  }());
}

TEST(Everywhere, what_threads_do) {
  run([]() -> Coro<> {
    ThreadPoolExecutor pool(2);
    co_await everywhere([] { return to_thread([] { return 3; }); });
    co_await everywhere([] { return get_running_loop().run_in_executor([] {}); });
    co_await everywhere([&] { return get_running_loop().run_in_executor(pool, [] { return 4; }); });
  }());
}

}  // namespace
}  // namespace asyncio
