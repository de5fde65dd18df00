#include "asyncio/core/coroutines.hpp"

#include <cxxabi.h>

#include <string>

#include "asyncio/base/logging.hpp"
#include "asyncio/core/tasks.hpp"

namespace asyncio::detail {

constinit bool warn_never_awaited = false;

void CoroPromiseBase::unhandled_exception() noexcept {
  exception_ = std::current_exception();
  // The type is asked here, where it costs nothing; later it would take a rethrow.
  if (is_root()) root_task()->note_exception(abi::__cxa_current_exception_type());
}

std::coroutine_handle<> CoroPromiseBase::leave_task() noexcept {
  root_task()->body_left(*this);
  return std::noop_coroutine();
}

void throw_coroutine_reused() { throw RuntimeError("cannot reuse already awaited coroutine"); }

void report_never_awaited(CoroPromiseBase& promise) noexcept {
  const std::source_location& place = promise.where();
  logging::log(LogLevel::warning, std::string("RuntimeWarning: coroutine '") +
                                      place.function_name() + "' was never awaited\n  defined at " +
                                      place.file_name() + ":" + std::to_string(place.line()));
}

}  // namespace asyncio::detail
