// threads.hpp: where loops and threads meet: to_thread, Loop::run_in_executor, wrap_future,
// run_coroutine_threadsafe. Sources:
// docs.python.org/3/library/asyncio-task.html#running-in-threads
// docs.python.org/3/library/asyncio-eventloop.html#executing-code-in-thread-or-process-pools
#pragma once
#include <concepts>
#include <functional>
#include <memory>
#include <tuple>
#include <utility>

#include "asyncio/core/events.hpp"
#include "asyncio/sync/concurrent_futures.hpp"

namespace asyncio {
namespace detail {

class LoopPort;

// Something that a thread sets off and the loop's thread does, once. Made and destroyed on the
// loop's thread, so it may hold futures and tasks; threads know it by its number.
class Delivery : public CallbackBlock {
 public:
  std::uint64_t number() const noexcept { return number_; }  // in the order of their creation

 protected:
  // `expected`: a thread will set it off, so virtual time waits for it.
  Delivery(Loop& loop, bool expected);
  ~Delivery() override = default;
  virtual void deliver() = 0;

 private:
  friend class LoopPort;
  void call() final;
  void drop_function() noexcept final {}

  LoopPort* port_ = nullptr;
  std::uint64_t number_ = 0;
  bool expected_;
};

// A loop as other threads may know it: it can be asked also when the loop is gone.
class LoopPort {
 public:
  // The loop's thread only.
  static std::shared_ptr<LoopPort> of(Loop& loop);
  explicit LoopPort(Scheduler& scheduler);
  LoopPort(const LoopPort&) = delete;
  LoopPort& operator=(const LoopPort&) = delete;
  ~LoopPort();

  // The loop's thread only. Takes `delivery` over and returns its number.
  std::uint64_t add(Delivery* delivery);
  void withdraw(std::uint64_t number) noexcept;
  // Any thread. False where the delivery was withdrawn or the loop is gone.
  bool send(std::uint64_t number) noexcept;
  // The loop ends: on its thread.
  void close() noexcept;

 private:
  struct Table;
  friend class Delivery;
  void forget(Delivery& delivery) noexcept;
  void release(Delivery& delivery) noexcept;

  Scheduler* scheduler_;  // null once the loop is gone; written under the table's mutex
  std::unique_ptr<Table> table_;
};

// Closes the port with the loop.
struct LoopPortOwner {
  LoopPortOwner() = default;
  LoopPortOwner(const LoopPortOwner&) = delete;
  LoopPortOwner& operator=(const LoopPortOwner&) = delete;
  ~LoopPortOwner() {
    if (port) port->close();
  }
  std::shared_ptr<LoopPort> port;
};

template <class T>
class ResultDelivery final : public Delivery {
 public:
  ResultDelivery(Loop& loop, ConcurrentFuture<T> source, Future<T> target, bool alone)
      : Delivery(loop, true),
        source_(std::move(source)),
        target_(std::move(target)),
        alone_(alone) {}

 private:
  void deliver() override {
    if (target_.done()) return;
    if (source_.cancelled())
      target_.cancel();
    else if (std::exception_ptr error =
                 alone_ ? source_.state()->take_exception() : source_.exception())
      target_.set_exception(std::move(error));
    else if constexpr (std::is_void_v<T>)
      target_.set_result();
    else
      target_.set_result(alone_ ? source_.state()->take_value() : source_.state()->value());
  }

  ConcurrentFuture<T> source_;
  Future<T> target_;
  bool alone_;  // nobody else asks for the result, so it may be moved
};

template <class T>
Future<T> future_of(Loop& loop, ConcurrentFuture<T> source, bool alone) {
  Future<T> future = loop.create_future<T>();
  std::shared_ptr<LoopPort> port = LoopPort::of(loop);
  const std::uint64_t number = port->add(new ResultDelivery<T>(loop, source, future, alone));
  future.add_done_callback([source](const Future<T>& ended) {
    if (ended.cancelled()) source.cancel();
  });
  source.state()->add_callback([port = std::move(port), number] { port->send(number); });
  return future;
}

}  // namespace detail

// ---- from a coroutine to a thread

template <std::invocable F>
Future<std::invoke_result_t<F&>> Loop::run_in_executor(ThreadPoolExecutor& executor, F function) {
  check_open();
  auto future = detail::future_of(*this, executor.submit(std::move(function)), true);
  future.state()->set_purpose(detail::FuturePurpose::executor);
  return future;
}
template <std::invocable F>
Future<std::invoke_result_t<F&>> Loop::run_in_executor(F function) {
  check_open();
  return run_in_executor(default_executor(), std::move(function));
}

// Runs function(args...) in a thread of the default executor, with a copy of this context.
// Nothing happens before it is awaited. A thread cannot be interrupted: cancelling the await
// drops the result, and the function goes on, so what it refers to must outlive it.
template <class F, class... Args>
  requires std::invocable<F&, Args...>
Coro<std::invoke_result_t<F&, Args...>> to_thread(F function, Args... args) {
  co_return co_await get_running_loop().run_in_executor(
      [context = copy_context(), function = std::move(function),
       values = std::tuple<Args...>(std::move(args)...)]() mutable {
        return context.run(
            [&]() -> decltype(auto) { return std::apply(function, std::move(values)); });
      });
}

// A future of the running loop for work elsewhere; cancelling it cancels that.
template <class T>
Future<T> wrap_future(ConcurrentFuture<T> future) {
  return detail::future_of(get_running_loop(), std::move(future), false);
}
// The same for a std::future, which can only be waited for: a thread of the default executor does.
template <class F>
  requires requires(F& future) {
    future.get();
    future.wait();
    { future.valid() } -> std::same_as<bool>;
  }
auto wrap_future(F future) {
  return get_running_loop().run_in_executor(
      [future = std::move(future)]() mutable { return future.get(); });
}

// ---- from a thread to a coroutine

namespace detail {

class CancelDelivery final : public Delivery {
 public:
  CancelDelivery(Loop& loop, AnyTask task) : Delivery(loop, false), task_(std::move(task)) {}

 private:
  void deliver() override { task_.cancel(); }
  AnyTask task_;
};

// Cancels the future where nobody else ends it: the loop was closed first.
template <class T>
class Promised {
 public:
  explicit Promised(ConcurrentFuture<T> future) noexcept : future_(std::move(future)) {}
  Promised(Promised&&) noexcept = default;
  Promised& operator=(Promised&&) = delete;
  ~Promised() {
    if (future_.state()) future_.cancel();
  }
  const ConcurrentFuture<T>& future() const noexcept { return future_; }

 private:
  ConcurrentFuture<T> future_;
};

template <class T>
void copy_outcome(const Task<T>& task, const ConcurrentFuture<T>& future) {
  if (task.cancelled())
    future.cancel();
  else if (std::exception_ptr error = task.exception())
    future.state()->finish(std::move(error));
  else if constexpr (std::is_void_v<T>)
    future.state()->set_value();
  else
    future.state()->set_value(task.state()->take_value(true));
}

// In the loop: starts what run_coroutine_threadsafe() was given.
template <class T>
void start_promised(Loop& loop, Coro<T> coroutine, Promised<T> promised) {
  ConcurrentFuture<T> future = promised.future();
  if (future.done()) {  // cancelled before it began
    coroutine.close();
    return;
  }
  Task<T> task = create_task(std::move(coroutine));
  std::shared_ptr<LoopPort> port = LoopPort::of(loop);
  const std::uint64_t number = port->add(new CancelDelivery(loop, task));
  task.add_done_callback([port, number, promised = std::move(promised)](const Task<T>& ended) {
    port->withdraw(number);
    copy_outcome(ended, promised.future());
  });
  future.add_done_callback([port, number](const ConcurrentFuture<T>& ended) {
    if (ended.cancelled()) port->send(number);
  });
}

}  // namespace detail

// Runs a coroutine as a task of a loop that runs in another thread. cancel() of the result
// cancels the task there. Throws RuntimeError("Event loop is closed").
template <class T>
ConcurrentFuture<T> run_coroutine_threadsafe(Coro<T> coroutine, Loop& loop) {
  ConcurrentFuture<T> future;
  loop.call_soon_threadsafe(
      [&loop, coroutine = std::move(coroutine), promised = detail::Promised<T>(future)]() mutable {
        detail::start_promised(loop, std::move(coroutine), std::move(promised));
      });
  return future;
}

}  // namespace asyncio
