#include "asyncio/base/assert.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace asyncio::detail {
namespace {
std::atomic<void (*)()> assertion_hook{nullptr};
}  // namespace

void set_assertion_hook(void (*hook)()) noexcept { assertion_hook.store(hook); }

void assertion_failed(const char* condition, const char* message, const char* file,
                      int line) noexcept {
  std::fprintf(stderr, "asyncio: bug: %s\n  condition: %s\n  place: %s:%d\n", message, condition,
               file, line);
  // exchange: a second failure inside the hook must not call it again.
  if (auto* hook = assertion_hook.exchange(nullptr)) hook();
  std::abort();
}

}  // namespace asyncio::detail
