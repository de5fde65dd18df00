#include "asyncio/combinators/generators.hpp"

#include <string>
#include <vector>

#include "asyncio/core/events.hpp"
#include "asyncio/core/when_done.hpp"

namespace asyncio {
namespace detail {

void GeneratorPromiseBase::begin_step(const char* what, CoroPromiseBase& consumer) {
  if (state_ == State::running)
    throw RuntimeError(std::string(what) + ": asynchronous generator is already running");
  if (state_ == State::created) current_scheduler().generators.push_back(*this);
  state_ = State::running;
  set_parent(consumer);
}

bool GeneratorStep::await_ready() const {
  using State = GeneratorPromiseBase::State;
  if (promise_->state() == State::created && error_) {  // athrow() before the first item
    promise_->finish();
    std::rethrow_exception(error_);
  }
  return promise_->state() == State::finished;
}

void GeneratorStep::end_step() {
  under_way_ = false;
  if (promise_->has_exception()) [[unlikely]]
    std::rethrow_exception(promise_->take_exception());
}

namespace {

// A step that looks at nothing it yields.
class BlindStep : public GeneratorStep {
 public:
  using GeneratorStep::GeneratorStep;
  void await_resume() { end_step(); }
};

}  // namespace

Coro<> close_generator(GeneratorUse generator) {
  using State = GeneratorPromiseBase::State;
  GeneratorPromiseBase& promise = generator.promise();
  if (promise.state() == State::created) promise.finish();
  if (promise.state() == State::finished) co_return;
  try {
    co_await BlindStep(&promise, "aclose()", std::make_exception_ptr(GeneratorExit()));
  } catch (const GeneratorExit&) {
    co_return;
  }
  if (promise.state() != State::finished)
    throw RuntimeError("async generator ignored GeneratorExit");
}

namespace {

// Owns the frame of a generator whose AsyncGenerator is gone.
class OrphanFrame {
 public:
  explicit OrphanFrame(GeneratorPromiseBase& promise) noexcept : promise_(&promise) {}
  OrphanFrame(OrphanFrame&& other) noexcept : promise_(std::exchange(other.promise_, nullptr)) {}
  OrphanFrame& operator=(OrphanFrame&&) = delete;
  ~OrphanFrame() {
    if (promise_ != nullptr) promise_->handle().destroy();
  }
  GeneratorPromiseBase& promise() const noexcept { return *promise_; }

 private:
  GeneratorPromiseBase* promise_;
};

Coro<> close_orphan(OrphanFrame frame) { co_await close_generator(GeneratorUse(frame.promise())); }

}  // namespace

void GeneratorPromiseBase::drop() noexcept {
  dropped_ = users_ > 0;
  if (dropped_) return;
  OrphanFrame frame(*this);
  if (state_ != State::suspended) return;
  Scheduler* scheduler = tls_scheduler;
  if (scheduler == nullptr || !scheduler->running || scheduler->closed) return;
  try {
    scheduler->loop->call_soon([orphan = std::move(frame)]() mutable {
      // Eager: at the end of run(), a cancellation before its first step would close nothing.
      static_cast<void>(create_task(close_orphan(std::move(orphan)), {.eager_start = true}));
    });
  } catch (...) {  // no memory for the task: the frame is destroyed without its awaits
  }
}

}  // namespace detail

Coro<> Loop::shutdown_asyncgens() {
  std::vector<Task<>> closing;
  for (detail::GeneratorLink* link = state_->generators.first(); link != nullptr;
       link = state_->generators.after(*link)) {
    auto& promise = static_cast<detail::GeneratorPromiseBase&>(*link);
    if (promise.state() == detail::GeneratorPromiseBase::State::suspended)
      closing.push_back(
          asyncio::create_task(detail::close_generator(detail::GeneratorUse(promise))));
  }
  for (Task<>& task : closing) {
    while (!task.done()) co_await detail::WhenDone(task.base());
    if (task.cancelled()) continue;
    if (std::exception_ptr error = task.exception())
      call_exception_handler(
          {.message = "an error occurred during closing of asynchronous generator",
           .exception = error});
  }
}

}  // namespace asyncio
