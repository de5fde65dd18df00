// clock.hpp: the loop's clock. Real time is CLOCK_MONOTONIC, read through the time stamp counter
// where that is invariant (9 ns instead of 21); tests replace it by a virtual one.
#pragma once
#include <chrono>
#include <cstdint>

namespace asyncio {

using Clock = std::chrono::steady_clock;
using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<Clock, Duration>;

namespace detail {

// Where a loop gets its time from. Implementations need not be thread safe.
class TimeSource {
 public:
  TimeSource() = default;
  TimeSource(const TimeSource&) = delete;
  TimeSource& operator=(const TimeSource&) = delete;
  virtual ~TimeSource() = default;

  virtual TimePoint now() noexcept = 0;
  // A virtual clock jumps here when the loop has nothing to do before `deadline`, and returns
  // true; real time returns false, and the loop sleeps in its backend.
  virtual bool jump_to(TimePoint deadline) noexcept = 0;
};

// The monotonic clock, interpolated with the time stamp counter for at most 16 us between reads,
// once the process is old enough to know the counter's rate.
class FastClock {
 public:
  FastClock() noexcept;
  TimePoint now() noexcept {
#if defined(__x86_64__)
    const std::uint64_t ticks = __builtin_ia32_rdtsc() - base_ticks_;
    if (ticks < trusted_ticks_) [[likely]]
      return TimePoint(
          Duration(base_ns_ + static_cast<std::int64_t>((ticks * ns_per_tick_q32_) >> 32)));
#endif
    return refresh();
  }
  TimePoint refresh() noexcept;  // asks the kernel's clock

 private:
  void learn_rate() noexcept;

  std::uint64_t base_ticks_ = 0;
  std::uint64_t trusted_ticks_ = 0;  // 0: do not interpolate
  std::uint64_t ns_per_tick_q32_ = 0;
  std::int64_t base_ns_ = 0;
};

}  // namespace detail
}  // namespace asyncio
