// What does looking inside cost? Off, it must be nothing: the rows with debug mode off, after it
// was on, are those of await_child and sleep_zero once more. On, it has its price.
#include "bench/workloads/common.hpp"

namespace {
using bench::Register;
using bench::Watch;

[[gnu::noinline]] asyncio::Coro<long> child(long value) { co_return value; }

asyncio::Coro<> await_children(Watch& watch, long operations) {
  long sum = 0;
  watch.start();
  for (long i = 0; i < operations; ++i) sum += co_await child(i);
  watch.stop();
  if (sum != operations * (operations - 1) / 2) bench::fail("the children's values do not add up");
}

asyncio::Coro<> yield_times(Watch& watch, long times) {
  watch.start();
  for (long i = 0; i < times; ++i) co_await asyncio::sleep(0s);
  watch.stop();
}

enum class Mode { off, measured, debug };

// Off: switched on for a step, and off again.
template <auto kBody, Mode kMode>
void watched(Watch& watch, long operations) {
  asyncio::run([](Watch& with, long times) -> asyncio::Coro<> {
    asyncio::Loop& loop = asyncio::get_running_loop();
    loop.set_debug(kMode != Mode::measured);
    loop.measure_steps(kMode != Mode::debug);
    loop.set_slow_callback_duration(1h);
    co_await asyncio::sleep(0s);
    loop.set_debug(kMode == Mode::debug);
    loop.measure_steps(kMode == Mode::measured);
    co_await asyncio::sleep(0s);
    co_await kBody(with, times);
  }(watch, operations));
}

const Register await_off_row("await_child_debug_off", 1'000'000,
                             watched<await_children, Mode::off>);
const Register await_debug_row("await_child_debug_on", 1'000'000,
                               watched<await_children, Mode::debug>);
const Register yield_off_row("yield_debug_off", 1'000'000, watched<yield_times, Mode::off>);
const Register yield_measured_row("yield_measured", 1'000'000,
                                  watched<yield_times, Mode::measured>);
const Register yield_debug_row("yield_debug_on", 100'000, watched<yield_times, Mode::debug>);

}  // namespace
