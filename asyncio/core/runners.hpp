// runners.hpp: run, Runner. Source: docs.python.org/3/library/asyncio-runner.html
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "asyncio/core/events.hpp"

namespace asyncio {

struct RunOptions {
  bool debug = false;
  Backend backend = Backend::automatic;
  // The loop to run on, where its options matter; debug and backend above are ignored then.
  std::function<std::unique_ptr<Loop>()> loop_factory = {};
};

// One loop for several run() calls.
//
// The first SIGINT cancels the main task, and becomes KeyboardInterrupt only if that ends
// cancelled; a second one leaves run() at once, with KeyboardInterrupt.
class Runner {
 public:
  explicit Runner(RunOptions options = {});
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner();  // close()

  // Runs `main` as the main task. Throws what it throws; RuntimeError inside a running loop.
  template <Awaitable A>
  await_result_t<A> run(A&& main) {
    prepare("Runner.run() cannot be called from a running event loop");
    auto task = create_main_task(detail::as_coroutine(std::forward<A>(main)));
    run_main(task.base());
    if constexpr (!std::is_void_v<await_result_t<A>>) return task.state()->take_value(true);
  }
  // Made on first use. Throws RuntimeError("Runner is closed").
  Loop& get_loop();
  // Cancels what is left until nothing is, closes generators, joins the executor, closes the loop.
  void close();

 private:
  enum class State : std::uint8_t { created, initialized, closed };

  void prepare(const char* misuse);
  template <class T>
  Task<T> create_main_task(Coro<T> main) {
    // Every run() shares the runner's context: what one sets, the next one sees.
    return loop_->create_task(std::move(main), {.context = context_});
  }
  void run_main(detail::TaskBase& main);

  RunOptions options_;
  State state_ = State::created;
  std::unique_ptr<Loop> loop_;
  Context context_;  // copied when the runner was made
};

namespace detail {
[[noreturn]] void throw_nested_run();
}  // namespace detail

// Runs `main` on a new loop, then ends whatever it left behind: see Runner::close().
// Throws RuntimeError inside a running loop.
template <Awaitable A>
await_result_t<A> run(A&& main, RunOptions options = {}) {
  if (detail::tls_scheduler != nullptr) detail::throw_nested_run();
  Runner runner(std::move(options));
  if constexpr (std::is_void_v<await_result_t<A>>) {
    runner.run(std::forward<A>(main));
    runner.close();
  } else {
    auto result = runner.run(std::forward<A>(main));
    runner.close();
    return result;
  }
}

}  // namespace asyncio
