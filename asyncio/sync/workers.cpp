#include "asyncio/sync/workers.hpp"

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

#include "asyncio/sync/threads.hpp"

namespace asyncio {
namespace detail {
namespace {

// The threads of one run_workers(). The calling thread runs a loop, too: it waits for the others
// and takes Ctrl-C.
class Workers {
 public:
  Workers(CoroFunction main, RunOptions options)
      : main_(std::move(main)), options_(std::move(options)) {}
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() {
    stop();
    for (std::thread& thread : threads_) thread.join();
  }

  // Starts them and returns when all have ended; cancelled, it cancels them first.
  Coro<> supervise(unsigned count) {
    start(count);
    std::exception_ptr cancelled;
    while (!ended_.done()) {
      try {
        co_await wrap_future(ended_view());
      } catch (const CancelledError&) {
        cancelled = std::current_exception();
        stop();
      }
    }
    if (cancelled) std::rethrow_exception(cancelled);
  }

  void rethrow_first() const {
    if (first_error_) std::rethrow_exception(first_error_);
  }

 private:
  struct Entry {  // how to cancel the main task of one loop
    std::shared_ptr<LoopPort> port;
    std::uint64_t number;
  };

  // A future per await: cancelling the await must not cancel ended_ for good.
  ConcurrentFuture<> ended_view() {
    ConcurrentFuture<> view;
    ended_.state()->add_callback([view] { view.state()->set_value(); });
    return view;
  }

  void start(unsigned count) {
    running_ = count;
    for (unsigned i = 0; i < count; ++i) {
      try {
        threads_.emplace_back([this] { work(); });
      } catch (...) {
        one_ended(count - i, std::current_exception());
        stop();
        return;
      }
    }
  }

  void work() {
    std::exception_ptr error;
    try {
      run(run_main(), options_);
    } catch (...) {
      error = std::current_exception();
    }
    one_ended(1, error);
  }

  Coro<> run_main() {
    Loop& loop = get_running_loop();
    std::shared_ptr<LoopPort> port = LoopPort::of(loop);
    const std::uint64_t number = port->add(new CancelDelivery(loop, *current_task()));
    if (!enter({std::move(port), number})) throw CancelledError();
    co_await main_();
  }

  // False where it came too late, and there is nothing to begin with.
  bool enter(Entry entry) {
    const std::lock_guard held(mutex_);
    entries_.push_back(std::move(entry));
    return !stopping_;
  }

  void stop() noexcept {
    const std::lock_guard held(mutex_);
    stopping_ = true;
    for (const Entry& entry : entries_) entry.port->send(entry.number);
  }

  void one_ended(unsigned count, const std::exception_ptr& error) {
    {
      const std::lock_guard held(mutex_);
      if (error && !first_error_ && !(stopping_ && is_cancellation(error))) first_error_ = error;
      running_ -= count;
      if (running_ > 0) return;
    }
    ended_.state()->set_value();
  }

  static bool is_cancellation(const std::exception_ptr& error) noexcept {
    try {
      std::rethrow_exception(error);
    } catch (const CancelledError&) {
      return true;
    } catch (...) {
      return false;
    }
  }

  const CoroFunction main_;
  const RunOptions options_;
  std::vector<std::thread> threads_;
  ConcurrentFuture<> ended_;
  std::mutex mutex_;
  std::vector<Entry> entries_;  // under the mutex, like all below
  unsigned running_ = 0;
  bool stopping_ = false;
  std::exception_ptr first_error_;
};

}  // namespace
}  // namespace detail

void run_workers(unsigned loops, CoroFunction main, RunOptions options) {
  if (loops == 0) loops = std::max(1U, std::thread::hardware_concurrency());
  detail::Workers workers(std::move(main), std::move(options));
  run(workers.supervise(loops));
  workers.rethrow_first();
}

}  // namespace asyncio
