// assert.hpp: ASYNCIO_ASSERT(condition, message) for our own bugs, in every build.
// A failed assertion prints the message, then what the hooks add (the tasks of the loop), and
// aborts. Misuse by the caller is not for here: that throws RuntimeError or ValueError.
#pragma once

namespace asyncio::detail {

[[noreturn, gnu::cold]] void assertion_failed(const char* condition, const char* message,
                                              const char* file, int line) noexcept;

// Called once by assertion_failed before it aborts; core prints all tasks with it.
void set_assertion_hook(void (*hook)()) noexcept;

}  // namespace asyncio::detail

#define ASYNCIO_ASSERT(condition, message) \
  ((condition) ? static_cast<void>(0)      \
               : ::asyncio::detail::assertion_failed(#condition, message, __FILE__, __LINE__))
