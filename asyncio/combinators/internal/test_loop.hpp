// test_loop.hpp: what the tests of this folder share: a loop whose clock jumps to the next timer
// instead of sleeping, and which keeps what nobody awaited.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/core/events.hpp"
#include "asyncio/core/sleep.hpp"

namespace asyncio::detail {

class JumpingTime final : public TimeSource {
 public:
  TimePoint now() noexcept override { return now_; }
  bool jump_to(TimePoint deadline) noexcept override {
    now_ = deadline;
    return true;
  }

 private:
  TimePoint now_{};
};

// A loop that ends with the object, and the reports it got until then.
class TestLoop {
 public:
  TestLoop()
      : loop_(std::make_unique<Loop>(
            LoopOptions{.poll_interval = 1, .time_source = std::make_shared<JumpingTime>()})) {
    loop_->set_exception_handler([this](Loop&, const ExceptionContext& context) {
      reports.push_back(context.message + ": " + describe(context.exception));
    });
  }

  // Runs the coroutine that `body` returns.
  template <class F>
  auto run(F body) {
    return loop_->run_until_complete(body());
  }
  // Starts it and lets it run for some passes.
  template <class F>
  void run_for(int passes, F body) {
    auto task = loop_->create_task(body());
    loop_->run_until_complete(sleep_passes(passes));
  }
  void destroy() { loop_.reset(); }
  Loop& operator*() const { return *loop_; }
  Loop* operator->() const { return loop_.get(); }

  static Coro<> sleep_passes(int passes) {
    for (int i = 0; i < passes; ++i) co_await sleep(Duration::zero());
  }

  std::vector<std::string> reports;

 private:
  std::unique_ptr<Loop> loop_;
};

inline std::uint64_t passes_so_far() { return current_scheduler().passes; }

// What the awaitable throws, as describe() prints it; "" where it throws nothing.
template <class A>
Coro<std::string> failure_of(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (const CancelledError& error) {
    co_return "CancelledError(" + error.message() + ")";
  } catch (...) {
    co_return describe(std::current_exception());
  }
  co_return "";
}

inline Coro<int> value_after(int passes, int value) {
  co_await TestLoop::sleep_passes(passes);
  co_return value;
}
inline Coro<int> fails_after(int passes, std::string message) {
  co_await TestLoop::sleep_passes(passes);
  throw ValueError(message);
}

}  // namespace asyncio::detail
