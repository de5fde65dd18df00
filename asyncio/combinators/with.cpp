#include "asyncio/combinators/with.hpp"

namespace asyncio::detail {

void throw_swallowed_without_value() {
  throw RuntimeError(
      "with(): aexit() swallowed the body's error, and there is no value to return\n"
      "  instead: let the body return void, or a type with a default value");
}

OwnCancellation::OwnCancellation()
    : task_(current_scheduler().current_task),
      requests_before_(task_->cancelling()),
      due_before_(task_->cancel_is_due()) {}

bool OwnCancellation::is_ours(const std::exception_ptr& error) const noexcept {
  if (is_interrupt(error)) return true;
  if (!is_cancelled_error(error)) return false;
  return due_before_ || task_->cancelling() > requests_before_;
}

}  // namespace asyncio::detail
