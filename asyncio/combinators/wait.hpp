// wait.hpp: wait. Source: docs.python.org/3/library/asyncio-task.html#asyncio.wait
#pragma once
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "asyncio/combinators/children.hpp"

namespace asyncio {

enum ReturnWhen { FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED };

struct WaitOptions {
  std::optional<Duration> timeout = {};  // none: for ever. Nothing is thrown when it is over
  ReturnWhen return_when = ALL_COMPLETED;
};

template <class T, class Handle = Task<T>>
struct WaitResult {
  std::vector<Handle> done, pending;  // in the order given
};

namespace detail {

// A timer that calls back once, in the pass that finds it due. Stopped by its destructor.
class Deadline final : public TimerNode {
 public:
  class Owner {
   public:
    virtual void deadline_reached() = 0;

   protected:
    ~Owner() = default;
  };

  explicit Deadline(Owner& owner) noexcept : owner_(owner) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { stop(); }

  void start(Scheduler& scheduler, Duration delay);
  void stop() noexcept;

  void notify() noexcept override;
  void run() override { owner_.deadline_reached(); }
  bool cancel_wait(const std::string&) override { return false; }

 private:
  Owner& owner_;
  Scheduler* scheduler_ = nullptr;
};

// What wait() does while it waits, for any type of future.
class Waiting final : private ChildOwner, private Deadline::Owner {
 public:
  Waiting(std::vector<FutureBase*> futures, const WaitOptions& options);
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  Future<> released;  // CPython's `waiter`

 private:
  void child_done(ChildWatch& watch) override;
  void deadline_reached() override;

  const ReturnWhen return_when_;
  std::size_t left_;
  std::unique_ptr<ChildWatch[]> watches_;
  Deadline deadline_;
};

// Throws ValueError, with CPython's sentences.
void check_wait_arguments(std::size_t count, const WaitOptions& options);

// Which elements are not there before: one flag each.
std::vector<bool> first_occurrences(const std::vector<FutureBase*>& futures);

template <class Handle>
std::vector<Handle> without_duplicates(std::vector<Handle> handles) {
  std::vector<FutureBase*> futures;
  for (const Handle& handle : handles) futures.push_back(&base_of(handle));
  const std::vector<bool> keep = first_occurrences(futures);
  std::vector<Handle> unique;
  for (std::size_t i = 0; i < handles.size(); ++i)
    if (keep[i]) unique.push_back(std::move(handles[i]));
  return unique;
}

template <class Result, class Handle>
Coro<Result> wait_for_some(std::vector<Handle> handles, WaitOptions options) {
  check_wait_arguments(handles.size(), options);
  handles = without_duplicates(std::move(handles));
  {
    std::vector<FutureBase*> futures;
    for (const Handle& handle : handles) futures.push_back(&base_of(handle));
    Waiting waiting(std::move(futures), options);
    co_await waiting.released;
  }
  Result result;
  for (Handle& handle : handles) {
    auto& half = base_of(handle).done() ? result.done : result.pending;
    half.push_back(std::move(handle));
  }
  co_return result;
}

}  // namespace detail

// Waits until the tasks, or the first of them, are done, or the timeout is over. Throws none of
// their failures and cancels nothing; duplicates count once.
// Throws ValueError where there are none, or return_when is not one of the three.
//
// Order:        results in the order given; resumes two passes after the last one that counts.
// Cancellation: throws CancelledError; the tasks go on.
// Threads:      the loop's thread only.
// Lifetime:     free: it holds the tasks it was given.
template <class T>
ASYNCIO_CORO_COPIES Coro<WaitResult<T>> wait(std::vector<Task<T>> tasks, WaitOptions options = {}) {
  return detail::wait_for_some<WaitResult<T>>(std::move(tasks), options);
}
template <class T>
ASYNCIO_CORO_COPIES Coro<WaitResult<T>> wait(std::initializer_list<Task<T>> tasks,
                                             WaitOptions options = {}) {
  return wait(std::vector<Task<T>>(tasks), options);
}
template <class T>
ASYNCIO_CORO_COPIES Coro<WaitResult<T, Future<T>>> wait(std::vector<Future<T>> futures,
                                                        WaitOptions options = {}) {
  return detail::wait_for_some<WaitResult<T, Future<T>>>(std::move(futures), options);
}
template <class T>
ASYNCIO_CORO_COPIES Coro<WaitResult<T, Future<T>>> wait(std::initializer_list<Future<T>> futures,
                                                        WaitOptions options = {}) {
  return wait(std::vector<Future<T>>(futures), options);
}
// Tasks of different results.
ASYNCIO_CORO_COPIES inline Coro<WaitResult<void, AnyTask>> wait(std::vector<AnyTask> tasks,
                                                                WaitOptions options = {}) {
  return detail::wait_for_some<WaitResult<void, AnyTask>>(std::move(tasks), options);
}

}  // namespace asyncio
