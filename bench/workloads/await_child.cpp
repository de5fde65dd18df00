// What does awaiting a coroutine that does not suspend cost? And: does the stack stay where it is
// when ten million of them come in a row?
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
void await_child(Watch& watch, long operations) { asyncio::run(await_children(watch, operations)); }
const Register await_child_row("await_child", 1'000'000, await_child);

// The frame addresses of the first and the last child's resumer say how far the stack has grown.
[[gnu::noinline]] std::uintptr_t stack_address() {
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}
asyncio::Coro<std::uintptr_t> where() { co_return stack_address(); }

asyncio::Coro<> await_and_look_at_the_stack(Watch& watch, long operations) {
  const std::uintptr_t first = co_await where();
  co_await await_children(watch, operations);
  const std::uintptr_t last = co_await where();
  watch.note("stack_growth", static_cast<double>(first) - static_cast<double>(last));
}
void ready_awaits(Watch& watch, long operations) {
  asyncio::run(await_and_look_at_the_stack(watch, operations));
}
const Register ready_awaits_row("ready_awaits_10m", 10'000'000, ready_awaits, Register::fresh);

}  // namespace
