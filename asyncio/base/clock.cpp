#include "asyncio/base/clock.hpp"

#include <ctime>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace asyncio::detail {
namespace {

std::int64_t monotonic_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

#if defined(__x86_64__)
bool counter_is_invariant() noexcept {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(0x80000007, &a, &b, &c, &d) == 0) return false;
  return (d & (1U << 8)) != 0;
}

struct Rate {
  std::uint64_t ns_per_tick_q32 = 0;  // 0: do not interpolate
  std::uint64_t trusted_ticks = 0;
};

// Measured once a process, over 200 us. Slightly too slow a rate is chosen (1 in 4,096): within
// one window the interpolated time is at most 4 ns behind, and never ahead of the kernel's.
Rate measure_rate() noexcept {
  if (!counter_is_invariant()) return {};
  const std::int64_t start_ns = monotonic_ns();
  const std::uint64_t start_ticks = __builtin_ia32_rdtsc();
  std::int64_t end_ns = start_ns;
  while (end_ns - start_ns < 200'000) end_ns = monotonic_ns();
  const std::uint64_t ticks = __builtin_ia32_rdtsc() - start_ticks;
  if (ticks == 0) return {};
  const auto elapsed = static_cast<std::uint64_t>(end_ns - start_ns);
  Rate rate;
  rate.ns_per_tick_q32 = (elapsed << 32) / ticks;
  rate.ns_per_tick_q32 -= rate.ns_per_tick_q32 >> 12;
  rate.trusted_ticks = ticks * 16'000 / elapsed;
  return rate;
}
#endif

}  // namespace

FastClock::FastClock() noexcept {
#if defined(__x86_64__)
  static const Rate rate = measure_rate();
  ns_per_tick_q32_ = rate.ns_per_tick_q32;
  trusted_ticks_ = rate.trusted_ticks;
#endif
  refresh();
}

TimePoint FastClock::refresh() noexcept {
  const std::int64_t kernel_ns = monotonic_ns();
#if defined(__x86_64__)
  base_ticks_ = __builtin_ia32_rdtsc();  // after the clock: interpolation may lag, never lead
#endif
  if (kernel_ns > base_ns_) base_ns_ = kernel_ns;
  return TimePoint(Duration(base_ns_));
}

}  // namespace asyncio::detail
