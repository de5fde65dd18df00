#include "asyncio/testing/allocations.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

#include "asyncio/io/simulated.hpp"

namespace asyncio::testing {
namespace {

// How many allocations of this thread succeed before one fails; negative: all do.
thread_local constinit long tls_allocations_left = -1;

[[maybe_unused]] bool may_allocate() noexcept {
  if (tls_allocations_left < 0 || asyncio::detail::tls_simulating != 0) [[likely]]
    return true;
  return tls_allocations_left-- != 0;  // then negative: the ones after it succeed
}

class ArmedScope {
 public:
  explicit ArmedScope(long allowed) noexcept { tls_allocations_left = allowed; }
  ArmedScope(const ArmedScope&) = delete;
  ArmedScope& operator=(const ArmedScope&) = delete;
  ~ArmedScope() { tls_allocations_left = -1; }
};

// Armed while the body runs, and so while anything of its world does.
Coro<> starve(CoroFunction test, long allowed, bool& is_reached) {
  const ArmedScope armed(allowed);
  struct Look {
    bool& is_reached;
    ~Look() { is_reached = tls_allocations_left < 0; }
  } look{is_reached};
  co_await test();
}

[[noreturn]] void complain(long number, const std::string& what) {
  throw RuntimeError("fail_each_allocation: with allocation " + std::to_string(number) +
                     " failing, " + what);
}

}  // namespace

AllocationReport fail_each_allocation(CoroFunction test, TestOptions options) {
  AllocationReport report;
  for (long number = 1;; ++number) {
    bool is_reached = false;
    const RunResult result = run(starve(test, number - 1, is_reached), options);
    if (!is_reached) {
      if (!result.ok()) complain(number, "which it did not need, " + result.message());
      return report;
    }
    ++report.failures;
    if (result.error) ++report.errors;
    for (const std::string& file : result.files) complain(number, "it left " + file + " open");
    if (describe(result.error).find("of real time") != std::string::npos)
      complain(number, describe(result.error));
  }
}

}  // namespace asyncio::testing

// ---- operator new and its family, for programs that use the above. The array forms of the
// standard library end here, too. ThreadSanitizer brings its own.

#if defined(__SANITIZE_THREAD__)
#define ASYNCIO_OWN_OPERATOR_NEW 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ASYNCIO_OWN_OPERATOR_NEW 0
#endif
#endif
#ifndef ASYNCIO_OWN_OPERATOR_NEW
#define ASYNCIO_OWN_OPERATOR_NEW 1
#endif

#if ASYNCIO_OWN_OPERATOR_NEW

namespace {

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  if (!asyncio::testing::may_allocate()) return nullptr;
  if (size == 0) size = 1;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(size);
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* memory = allocate(size, 1)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  if (void* memory = allocate(size, static_cast<std::size_t>(alignment))) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 1); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
#endif
