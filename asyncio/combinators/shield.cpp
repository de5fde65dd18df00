#include "asyncio/combinators/shield.hpp"

namespace asyncio::detail {

ShieldBase::ShieldBase(FutureBase& outer, FutureBase& inner) noexcept : Follower(outer) {
  watch_.set(*this, inner);
}

void ShieldBase::begin() {
  FutureBase& inner = *watch_.child();
  if (!inner.done()) {
    start(watch_);
    return;
  }
  if (inner.cancelled()) cancel_outer(inner.failure());  // as if it was awaited itself
  settle(watch_);
}

// A failure that comes later is the inner one's own, so it is not marked as retrieved here.
void ShieldBase::outer_cancelled() noexcept {
  if (watch_.is_linked()) stop(watch_);
}

void ShieldBase::copy_end(FutureBase& inner) noexcept {
  if (inner.cancelled()) {
    cancel_outer(nullptr);  // without the message, as in Python
  } else if (std::exception_ptr error = take_failure(inner)) {
    outer_.set_exception(std::move(error));
  } else {
    try {
      copy_value(inner);
    } catch (...) {  // a value that cannot be copied
      outer_.set_exception(std::current_exception());
    }
  }
}

void ShieldBase::settle(ChildWatch& watch) {
  FutureBase& inner = *watch.child();
  if (!outer_.done()) copy_end(inner);
  watch.release();
}

}  // namespace asyncio::detail
