#include "asyncio/base/clock.hpp"

#include <atomic>
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

// Both clocks at one moment.
struct Reading {
  std::int64_t ns = 0;
  std::uint64_t ticks = 0;
  bool exact = false;  // at most 100 ns lie between the two
};

Reading read_both() noexcept {
  Reading reading;
  const std::uint64_t before = __builtin_ia32_rdtsc();
  reading.ns = monotonic_ns();
  reading.ticks = __builtin_ia32_rdtsc();
  reading.exact = reading.ticks - before < 200;
  return reading;
}

// Where the measurement begins: the process's first clock. Not exact: no interpolation, ever.
const Reading& first_reading() noexcept {
  static const Reading reading = [] {
    Reading first;
    for (int i = 0; i < 5 && !first.exact && counter_is_invariant(); ++i) first = read_both();
    return first;
  }();
  return reading;
}

std::atomic<std::uint64_t> rate_q32{0};  // ns per tick, times 2^32; 0: not known yet
#endif

}  // namespace

FastClock::FastClock() noexcept {
#if defined(__x86_64__)
  static_cast<void>(first_reading());
#endif
  refresh();
}

// Measured once a process, over 1 ms or more, so that nobody has to wait for it. Slightly too
// slow a rate is chosen (1 in 4,096): within one window the interpolated time is at most 4 ns
// behind, and never ahead of the kernel's.
void FastClock::learn_rate() noexcept {
#if defined(__x86_64__)
  const Reading& first = first_reading();
  if (!first.exact || base_ns_ - first.ns < 1'000'000) return;
  std::uint64_t rate = rate_q32.load(std::memory_order_relaxed);
  if (rate == 0) {
    const Reading last = read_both();
    if (!last.exact) return;
    // Not in integers: the nanoseconds may have more than 32 bits by now.
    rate = static_cast<std::uint64_t>(static_cast<long double>(last.ns - first.ns) * 0x1p32L /
                                      static_cast<long double>(last.ticks - first.ticks));
    rate -= rate >> 12;
    rate_q32.store(rate, std::memory_order_relaxed);
  }
  ns_per_tick_q32_ = rate;
  trusted_ticks_ = (std::uint64_t{16'000} << 32) / rate;
#endif
}

TimePoint FastClock::refresh() noexcept {
  const std::int64_t kernel_ns = monotonic_ns();
#if defined(__x86_64__)
  base_ticks_ = __builtin_ia32_rdtsc();  // after the clock: interpolation may lag, never lead
#endif
  if (kernel_ns > base_ns_) base_ns_ = kernel_ns;
  if (trusted_ticks_ == 0) learn_rate();
  return TimePoint(Duration(base_ns_));
}

}  // namespace asyncio::detail
