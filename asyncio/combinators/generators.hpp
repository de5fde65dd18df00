// generators.hpp: AsyncGenerator<T>, a coroutine that awaits and yields.
// Source: docs.python.org/3/reference/expressions.html#asynchronous-generator-functions, PEP 525.
//   while (auto item = co_await generator.next()) use(*item);
#pragma once
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "asyncio/core/tasks.hpp"

namespace asyncio {

template <class T>
class AsyncGenerator;

namespace detail {

// The part of a generator's promise that does not depend on T.
//
//   created --next()--> running --yielding()--> suspended --next(), athrow()--> running
//      |                   |                        |
//      +----aclose()-------+---body left------------+--aclose()--> finished
class GeneratorPromiseBase : public CoroPromiseBase, public GeneratorLink {
 public:
  enum class State : std::uint8_t { created, running, suspended, finished };

  explicit GeneratorPromiseBase(
      std::source_location where = std::source_location::current()) noexcept
      : CoroPromiseBase(where) {}
  GeneratorPromiseBase(const GeneratorPromiseBase&) = delete;
  GeneratorPromiseBase& operator=(const GeneratorPromiseBase&) = delete;
  ~GeneratorPromiseBase() {
    if (GeneratorLink::is_linked()) GeneratorLink::unlink();
  }

  struct FinalStep : FinalAwaiter {
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
      handle.promise().finish();
      return FinalAwaiter::await_suspend(handle);
    }
  };
  FinalStep final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}

  State state() const noexcept { return state_; }
  void finish() noexcept {
    state_ = State::finished;
    if (GeneratorLink::is_linked()) GeneratorLink::unlink();
  }
  // Before each step. Throws RuntimeError where a step is under way (`what` names the call).
  void begin_step(const char* what, CoroPromiseBase& consumer);
  void throw_at_yield(std::exception_ptr error) noexcept { injected_ = std::move(error); }
  // Whoever is inside keeps the frame, also where the AsyncGenerator is dropped meanwhile.
  void add_user() noexcept { ++users_; }
  void drop_user() noexcept {
    if (--users_ == 0 && dropped_) drop();
  }
  // The AsyncGenerator is gone: the loop closes what is suspended, and frees the frame; where
  // somebody is inside, once they have left.
  void drop() noexcept;

  // co_yield: back to the consumer; on resumption throws what athrow() or aclose() sent.
  struct YieldAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
      handle.promise().state_ = State::suspended;
      return handle.promise().return_to_parent();
    }
    void await_resume() const {
      if (promise->injected_) [[unlikely]]
        std::rethrow_exception(std::exchange(promise->injected_, nullptr));
    }
    GeneratorPromiseBase* promise;
  };

 private:
  std::exception_ptr injected_;
  State state_ = State::created;
  bool dropped_ = false;
  std::uint32_t users_ = 0;
};

// Keeps a generator's frame while it stands.
class GeneratorUse {
 public:
  GeneratorUse() noexcept = default;
  explicit GeneratorUse(GeneratorPromiseBase& promise) noexcept : promise_(&promise) {
    promise.add_user();
  }
  GeneratorUse(GeneratorUse&& other) noexcept : promise_(std::exchange(other.promise_, nullptr)) {}
  GeneratorUse& operator=(GeneratorUse&& other) noexcept {
    std::swap(promise_, other.promise_);
    return *this;
  }
  ~GeneratorUse() {
    if (promise_ != nullptr) promise_->drop_user();
  }
  GeneratorPromiseBase& promise() const noexcept { return *promise_; }

 private:
  GeneratorPromiseBase* promise_ = nullptr;
};

template <class T>
class GeneratorPromise final : public GeneratorPromiseBase {
 public:
  explicit GeneratorPromise(std::source_location where = std::source_location::current()) noexcept
      : GeneratorPromiseBase(where) {}
  AsyncGenerator<T> get_return_object() noexcept;
  template <class U = T>
  YieldAwaiter yield_value(U&& value, std::source_location = std::source_location::current()) {
    value_.emplace(std::forward<U>(value));
    return YieldAwaiter{this};
  }
  std::optional<T>& value() noexcept { return value_; }

 private:
  std::optional<T> value_;
};

// One step of a generator: next() or athrow().
class GeneratorStep {
 public:
  GeneratorStep(GeneratorPromiseBase* promise, const char* what, std::exception_ptr error) noexcept
      : promise_(promise), what_(what), error_(std::move(error)) {}
  GeneratorStep(GeneratorStep&&) noexcept = default;  // before it is awaited
  GeneratorStep& operator=(GeneratorStep&&) = delete;
  ~GeneratorStep() {
    if (under_way_) promise_->finish();  // its loop destroys the consumer; nobody will resume it
  }
  bool await_ready() const;
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> consumer) {
    promise_->begin_step(what_, consumer.promise());
    use_ = GeneratorUse(*promise_);
    under_way_ = true;
    if (error_) promise_->throw_at_yield(std::move(error_));
    return promise_->handle();
  }

 protected:
  // On resumption, first of all: throws what the generator threw.
  void end_step();
  GeneratorPromiseBase* promise_;

 private:
  const char* what_;
  std::exception_ptr error_;
  GeneratorUse use_;
  bool under_way_ = false;
};

template <class T>
class NextItem : public GeneratorStep {
 public:
  using GeneratorStep::GeneratorStep;
  std::optional<T> await_resume() {
    end_step();
    if (promise_->state() == GeneratorPromiseBase::State::finished) return std::nullopt;
    auto& value = static_cast<GeneratorPromise<T>*>(promise_)->value();
    return std::exchange(value, std::nullopt);
  }
};

// Throws GeneratorExit at the yield and runs the generator to its end.
Coro<> close_generator(GeneratorUse generator);

}  // namespace detail

// A lazy sequence whose items may take awaiting.
//
// Order:        the body runs in the task that asks for the next item, up to its co_yield.
// Cancellation: unwinds the generator first, then the consumer; the generator is finished then.
// Threads:      the loop's thread only; one consumer at a time.
// Lifetime:     move-only. Dropped while suspended at a co_yield, it is closed by a task that the
//               loop makes, so that its cleanup can await; what it refers to must live until then:
//               co_await aclose() where that matters. Dropped while another task awaits its next
//               item, it is closed once that task has the item.
template <class T>
class [[nodiscard]] AsyncGenerator {
 public:
  using promise_type = detail::GeneratorPromise<T>;

  AsyncGenerator(AsyncGenerator&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  AsyncGenerator& operator=(AsyncGenerator&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~AsyncGenerator() {
    if (frame_) frame_.promise().drop();
  }

  // The next item; nullopt at the end, and ever after.
  // Throws RuntimeError("anext(): asynchronous generator is already running").
  detail::NextItem<T> next() noexcept { return {&frame_.promise(), "anext()", nullptr}; }
  // Throws `error` at the co_yield; yields the item that comes next, if one does.
  detail::NextItem<T> athrow(std::exception_ptr error) noexcept {
    return {&frame_.promise(), "athrow()", std::move(error)};
  }
  // Ends it: its cleanup runs, awaits included. Nothing runs where it was never started.
  // Throws RuntimeError where the generator yields instead of ending.
  ASYNCIO_CORO_WRAPPER Coro<> aclose() {
    return detail::close_generator(detail::GeneratorUse(frame_.promise()));
  }

 private:
  friend promise_type;
  explicit AsyncGenerator(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
};

namespace detail {
template <class T>
AsyncGenerator<T> GeneratorPromise<T>::get_return_object() noexcept {
  return AsyncGenerator<T>(std::coroutine_handle<GeneratorPromise>::from_promise(*this));
}
}  // namespace detail

}  // namespace asyncio
