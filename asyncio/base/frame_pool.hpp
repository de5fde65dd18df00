// frame_pool.hpp: memory for coroutine frames, task states and callbacks.
// Size classes of 16 bytes, one pool a thread, no locks on the fast path. A block that is freed
// on another thread than the one that allocated it goes home through a lock-free stack, so a
// producer thread does not grow for ever while a consumer hoards its blocks.
// Sanitizer builds of the library pass every request to operator new, so that a use after free
// is seen (ASYNCIO_POOL_PASSTHROUGH in config.hpp).
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "asyncio/base/config.hpp"

namespace asyncio::detail {

class FramePool {
 public:
  static constexpr std::size_t kGrain = 16;
  static constexpr std::size_t kMaxPooled = 1024;
  static constexpr std::size_t kClasses = kMaxPooled / kGrain + 1;
  static constexpr std::size_t kChunkSize = std::size_t{1}
                                            << 20;  // each costs a page more: 4 bytes of 264

  // Tasks have lists of their own. In one with frames of their size the two would soon be dealt out
  // like cards, so that no two neighbours run one after the other: 12 ns instead of 6 for each of
  // 10,000 tasks that take turns.
  enum class Lists : std::size_t { common, tasks };
  static constexpr std::size_t kLists = 2;

  // Throws std::bad_alloc.
  static void* allocate(std::size_t size, Lists lists = Lists::common);
  static void release(void* block, std::size_t size, Lists lists = Lists::common) noexcept;

  // Requests that reached operator new since the thread began (chunks and large blocks).
  static std::uint64_t system_allocations() noexcept;

  // Public for the inline fast path only.
  struct FreeBlock {
    FreeBlock* next;
  };
  // Every chunk begins with this; chunks are aligned to their size, so a block finds it by masking.
  struct Chunk {
    FramePool* owner;
    Chunk* next;
  };

  FramePool() noexcept = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

 private:
  friend struct PoolHolder;

  static Chunk* chunk_of(void* block) noexcept {
    return reinterpret_cast<Chunk*>(reinterpret_cast<std::uintptr_t>(block) &
                                    ~std::uintptr_t{kChunkSize - 1});
  }
  static constexpr std::size_t class_of(std::size_t size, Lists lists) noexcept {
    return static_cast<std::size_t>(lists) * kClasses + (size + kGrain - 1) / kGrain;
  }
  static void* allocate_slow(std::size_t size, Lists lists);
  static void release_slow(void* block, std::size_t size, Lists lists) noexcept;

  void* carve(std::size_t size_class);
  void take_returned_blocks() noexcept;
  void receive(FreeBlock* first, FreeBlock* last) noexcept;
  void collect(void* block, std::size_t size_class) noexcept;
  void send_collected() noexcept;

  FreeBlock* free_[kLists * kClasses] = {};  // by class_of()
  char* next_ = nullptr;                     // the unused rest of the newest chunk
  char* end_ = nullptr;
  Chunk* chunks_ = nullptr;
  std::uint64_t system_allocations_ = 0;
  // Blocks freed by other threads: a stack; the class is written behind the link.
  std::atomic<FreeBlock*> returned_{nullptr};
  FramePool* next_orphan_ = nullptr;

  // Blocks of one other pool that this thread has freed. They go home kBatch at a time, since each
  // trip locks the bus and takes the stack's cache line from its owner: 20 ns less a block.
  static constexpr unsigned kBatch = 32;
  FramePool* collected_for_ = nullptr;
  FreeBlock* first_collected_ = nullptr;
  FreeBlock* last_collected_ = nullptr;
  unsigned collected_ = 0;
};

// Null until the thread allocates for the first time, and again while it ends.
extern constinit thread_local FramePool* tls_frame_pool __attribute__((tls_model("initial-exec")));

inline void* FramePool::allocate(std::size_t size, Lists lists) {
#if !ASYNCIO_POOL_PASSTHROUGH
  FramePool* pool = tls_frame_pool;
  if (size <= kMaxPooled && pool != nullptr) [[likely]] {
    FreeBlock*& list = pool->free_[class_of(size, lists)];
    if (FreeBlock* block = list) [[likely]] {
      list = block->next;
      return block;
    }
  }
#endif
  return allocate_slow(size, lists);
}

inline void FramePool::release(void* block, std::size_t size, Lists lists) noexcept {
#if !ASYNCIO_POOL_PASSTHROUGH
  if (size <= kMaxPooled) [[likely]] {
    FramePool* pool = tls_frame_pool;
    if (chunk_of(block)->owner == pool) [[likely]] {
      auto* freed = static_cast<FreeBlock*>(block);
      FreeBlock*& list = pool->free_[class_of(size, lists)];
      freed->next = list;
      list = freed;
      return;
    }
  }
#endif
  release_slow(block, size, lists);
}

// A base class whose objects live in the pool.
struct Pooled {
  static void* operator new(std::size_t size) { return FramePool::allocate(size); }
  static void operator delete(void* block, std::size_t size) noexcept {
    FramePool::release(block, size);
  }
};

}  // namespace asyncio::detail
