// Clean-up that awaits. C++ cannot co_await in a handler or a destructor, so: try_finally for
// Python's `finally: await ...`, outcome_of for handlers that await, AsyncExitStack for a varying
// number of resources.
#include <asyncio/asyncio.hpp>
#include <cstdio>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<> say_goodbye(std::string who) {
  co_await asyncio::sleep(1ms);
  std::printf("goodbye from %s\n", who.c_str());
}

asyncio::Coro<int> flaky(bool fail) {
  co_await asyncio::sleep(1ms);
  if (fail) throw std::runtime_error("flaky failed");
  co_return 3;
}

class Resource {
 public:
  explicit Resource(int n) : n_(n) {}
  asyncio::Coro<> aenter() {
    std::printf("acquire %d\n", n_);
    co_return;
  }
  asyncio::Coro<bool> aexit(std::exception_ptr) {
    co_await asyncio::sleep(0s);
    std::printf("release %d\n", n_);
    co_return false;
  }

 private:
  int n_;
};

asyncio::Coro<> async_main() {
  int value = co_await asyncio::try_finally([] { return flaky(false); },
                                            [] { return say_goodbye("success"); });
  std::printf("value %d\n", value);

  // Cancelled in the body: the clean-up still awaits to its end, then CancelledError goes on.
  auto task = asyncio::create_task([]() -> asyncio::Coro<> {
    co_await asyncio::try_finally([]() -> asyncio::Coro<> { co_await asyncio::sleep(1h); },
                                  [] { return say_goodbye("a cancelled task"); });
  });
  co_await asyncio::sleep(1ms);
  task.cancel();
  co_await asyncio::wait(std::vector{task});
  std::printf("cancelled %d\n", task.cancelled());

  // The failure as a value, so that handling it can await. Cancellation of ourselves passes
  // through.
  auto outcome = co_await asyncio::outcome_of(flaky(true));
  if (!outcome) {
    co_await asyncio::sleep(1ms);
    std::printf("handled: %s\n", asyncio::describe(outcome.exception()).c_str());
  }

  co_await asyncio::with(asyncio::AsyncExitStack(),
                         [](asyncio::AsyncExitStack& stack) -> asyncio::Coro<> {
                           for (int n = 1; n <= 3; ++n) co_await stack.enter(Resource(n));
                           stack.push_callback([] { return say_goodbye("the stack"); });
                         });
}

int main() { asyncio::run(async_main()); }
