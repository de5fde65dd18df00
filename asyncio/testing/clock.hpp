// clock.hpp: virtual time. The clock stands still while anything can run, and jumps to the next
// deadline when nothing can: a day of timers passes in milliseconds.
#pragma once
#include "asyncio/base/clock.hpp"

namespace asyncio::testing {

class VirtualClock final : public asyncio::detail::TimeSource {
 public:
  TimePoint now() noexcept override { return now_; }
  bool jump_to(TimePoint deadline) noexcept override {
    if (deadline > now_) now_ = deadline;
    return true;
  }
  void advance(Duration step) noexcept { now_ += step; }

 private:
  TimePoint now_{std::chrono::hours(1)};  // not zero, so that times before the start exist
};

}  // namespace asyncio::testing
