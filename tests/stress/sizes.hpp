// sizes.hpp: how often a stress test repeats: `full` times, or a share of it under a sanitizer.
#pragma once

namespace asyncio::stress {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kShare = 50;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr int kShare = 50;
#else
inline constexpr int kShare = 1;
#endif
#else
inline constexpr int kShare = 1;
#endif

constexpr int times(int full) { return full / kShare; }

}  // namespace asyncio::stress
