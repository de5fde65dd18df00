#include "asyncio/base/frame_pool.hpp"

#include <algorithm>
#include <cstdlib>
#include <mutex>

namespace asyncio::detail {

constinit thread_local FramePool* tls_frame_pool = nullptr;

namespace {

// Pools of ended threads. Their blocks may still be in use elsewhere, so they are not freed but
// given to the next thread that starts.
std::mutex& orphan_mutex() {
  static std::mutex* mutex = new std::mutex;  // never destroyed: threads may outlive statics
  return *mutex;
}
FramePool* orphans = nullptr;

struct ReturnedBlock : FramePool::FreeBlock {
  std::size_t size_class;
};

}  // namespace

// Gives the pool away when the thread ends.
struct PoolHolder {
  PoolHolder() {
    {
      std::lock_guard lock(orphan_mutex());
      pool = orphans;
      if (pool != nullptr) orphans = pool->next_orphan_;
    }
    if (pool == nullptr) pool = new FramePool;
    tls_frame_pool = pool;
  }
  ~PoolHolder() {
    pool->send_collected();
    tls_frame_pool = nullptr;
    std::lock_guard lock(orphan_mutex());
    pool->next_orphan_ = orphans;
    orphans = pool;
  }
  PoolHolder(const PoolHolder&) = delete;
  PoolHolder& operator=(const PoolHolder&) = delete;

  // What is allocated by destructors of other thread_locals, after this holder is gone.
  static FramePool& last_resort() {
    static FramePool* shared = new FramePool;
    return *shared;
  }

  FramePool* pool;
};

namespace {
thread_local PoolHolder* holder_alive = nullptr;
thread_local bool holder_ended = false;

struct HolderGuard {
  PoolHolder holder;
  HolderGuard() { holder_alive = &holder; }
  HolderGuard(const HolderGuard&) = delete;
  HolderGuard& operator=(const HolderGuard&) = delete;
  ~HolderGuard() {
    holder_alive = nullptr;
    holder_ended = true;
  }
};

// False while the thread is ending: then nothing of the pool may be used.
[[maybe_unused]] bool have_pool() {
  if (holder_ended) return false;
  thread_local HolderGuard guard;
  return holder_alive != nullptr;
}

}  // namespace

void* FramePool::allocate_slow(std::size_t size, [[maybe_unused]] Lists lists) {
#if ASYNCIO_POOL_PASSTHROUGH
  return ::operator new(size);
#else
  if (size > kMaxPooled) return ::operator new(size);
  const std::size_t size_class = class_of(size, lists);
  if (!have_pool()) {  // rare: under a lock, from a pool that is never given away
    std::lock_guard lock(orphan_mutex());
    return PoolHolder::last_resort().carve(size_class);
  }
  FramePool& pool = *tls_frame_pool;
  if (pool.free_[size_class] == nullptr) pool.take_returned_blocks();
  if (FreeBlock* block = pool.free_[size_class]) {
    pool.free_[size_class] = block->next;
    return block;
  }
  return pool.carve(size_class);
#endif
}

void FramePool::release_slow(void* block, std::size_t size, [[maybe_unused]] Lists lists) noexcept {
#if ASYNCIO_POOL_PASSTHROUGH
  ::operator delete(block, size);
#else
  if (size > kMaxPooled) {
    ::operator delete(block);
    return;
  }
  if (FramePool* pool = tls_frame_pool; pool != nullptr) {
    pool->collect(block, class_of(size, lists));
    return;
  }
  auto* freed = static_cast<ReturnedBlock*>(block);  // the thread is ending
  freed->size_class = std::max<std::size_t>(class_of(size, lists), 1);
  chunk_of(block)->owner->receive(freed, freed);
#endif
}

void* FramePool::carve(std::size_t size_class) {
  const std::size_t bytes = std::max<std::size_t>(size_class % kClasses, 1) * kGrain;
  if (static_cast<std::size_t>(end_ - next_) < bytes) {
    void* memory = std::aligned_alloc(kChunkSize, kChunkSize);
    if (memory == nullptr) throw std::bad_alloc();
    ++system_allocations_;
    auto* chunk = static_cast<Chunk*>(memory);
    chunk->owner = this;
    chunk->next = chunks_;
    chunks_ = chunk;
    next_ = static_cast<char*>(memory) + ((sizeof(Chunk) + kGrain - 1) / kGrain) * kGrain;
    end_ = static_cast<char*>(memory) + kChunkSize;
  }
  void* block = next_;
  next_ += bytes;
  return block;
}

void FramePool::take_returned_blocks() noexcept {
  // acquire: pairs with the release in receive(), so the links are visible.
  FreeBlock* block = returned_.exchange(nullptr, std::memory_order_acquire);
  while (block != nullptr) {
    FreeBlock* next = block->next;
    const std::size_t size_class = static_cast<ReturnedBlock*>(block)->size_class;
    block->next = free_[size_class];
    free_[size_class] = block;
    block = next;
  }
}

void FramePool::collect(void* block, std::size_t size_class) noexcept {
  FramePool* const owner = chunk_of(block)->owner;
  if (collected_ == kBatch || owner != collected_for_) send_collected();
  auto* freed = static_cast<ReturnedBlock*>(block);
  freed->size_class = std::max<std::size_t>(size_class, 1);
  freed->next = first_collected_;
  if (first_collected_ == nullptr) last_collected_ = freed;
  first_collected_ = freed;
  collected_for_ = owner;
  ++collected_;
}

void FramePool::send_collected() noexcept {
  if (collected_ > 0) collected_for_->receive(first_collected_, last_collected_);
  first_collected_ = nullptr;
  collected_ = 0;
}

// Any thread: a chain of blocks of this pool.
void FramePool::receive(FreeBlock* first, FreeBlock* last) noexcept {
  FreeBlock* head = returned_.load(std::memory_order_relaxed);
  do {
    last->next = head;
    // release: pairs with the acquire in take_returned_blocks.
  } while (!returned_.compare_exchange_weak(head, first, std::memory_order_release,
                                            std::memory_order_relaxed));
}

std::uint64_t FramePool::system_allocations() noexcept {
  return tls_frame_pool == nullptr ? 0 : tls_frame_pool->system_allocations_;
}

}  // namespace asyncio::detail
