#include "asyncio/core/coroutines.hpp"

#include <string>

#include "asyncio/base/function_name.hpp"
#include "asyncio/base/logging.hpp"
#include "asyncio/core/tasks.hpp"

namespace asyncio::detail {

constinit std::atomic<int> debug_loops{0};

void CoroPromiseBase::unhandled_exception() noexcept {
  exception_ = std::current_exception();
  if (tls_scheduler != nullptr && tls_scheduler->debug && tls_scheduler->current_task != nullptr)
    tls_scheduler->current_task->note_traceback(exception_);
}

std::coroutine_handle<> CoroPromiseBase::leave_task() noexcept {
  root_task().body_left(*this);
  return std::noop_coroutine();
}

void CoroPromiseBase::drop_exception() noexcept {
  if ((callee_ & kIsCallee) == 0) exception_.~exception_ptr();
}

void throw_coroutine_reused() { throw RuntimeError("cannot reuse already awaited coroutine"); }

void report_never_awaited(CoroPromiseBase& promise) noexcept {
  const std::source_location& place = promise.where();
  std::string text = "RuntimeWarning: coroutine '" + short_function_name(place.function_name()) +
                     "' was never awaited\n  defined at " + place.file_name() + ":" +
                     std::to_string(place.line());
  // Who made it is not known; who drops it now is the one, as a rule.
  if (tls_scheduler != nullptr && tls_scheduler->current_task != nullptr)
    text += "\n  dropped by " + tls_scheduler->current_task->repr();
  logging::log(LogLevel::warning, text);
}

}  // namespace asyncio::detail
