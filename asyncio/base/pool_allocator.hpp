// pool_allocator.hpp: the frame pool for std::allocate_shared and containers.
#pragma once
#include <cstddef>

#include "asyncio/base/frame_pool.hpp"

namespace asyncio::detail {

template <class T>
struct PoolAllocator {
  using value_type = T;
  PoolAllocator() noexcept = default;
  template <class U>
  explicit(false) PoolAllocator(const PoolAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) {
    static_assert(alignof(T) <= FramePool::kGrain);
    return static_cast<T*>(FramePool::allocate(count * sizeof(T)));
  }
  void deallocate(T* block, std::size_t count) noexcept {
    FramePool::release(block, count * sizeof(T));
  }
  friend bool operator==(PoolAllocator, PoolAllocator) noexcept { return true; }
};

}  // namespace asyncio::detail
