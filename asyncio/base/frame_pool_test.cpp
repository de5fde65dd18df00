// tsan
#include "asyncio/base/frame_pool.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace asyncio::detail {
namespace {

TEST(FramePool, blocks_are_aligned_for_every_type_and_do_not_overlap) {
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  for (std::size_t size = 1; size <= FramePool::kMaxPooled + 200; size += 7) {
    auto* block = static_cast<unsigned char*>(FramePool::allocate(size));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 16, 0U);
    std::memset(block, static_cast<int>(size & 0xFF), size);
    blocks.emplace_back(block, size);
  }

  for (auto [block, size] : blocks) {
    EXPECT_EQ(block[0], size & 0xFF);
    EXPECT_EQ(block[size - 1], size & 0xFF);
    FramePool::release(block, size);
  }
}

#if !ASYNCIO_POOL_PASSTHROUGH
TEST(FramePool, a_released_block_is_the_next_of_its_class) {
  void* block = FramePool::allocate(100);
  FramePool::release(block, 100);

  void* again = FramePool::allocate(97);  // the same 16-byte class

  EXPECT_EQ(again, block);
  FramePool::release(again, 97);
}

TEST(FramePool, blocks_of_tasks_serve_tasks_only_also_where_another_thread_has_freed_them) {
  constexpr auto kTasks = FramePool::Lists::tasks;
  void* block = FramePool::allocate(1000, kTasks);
  FramePool::release(block, 1000, kTasks);

  void* other = FramePool::allocate(1000);
  void* again = FramePool::allocate(1000, kTasks);

  EXPECT_NE(other, block);
  EXPECT_EQ(again, block);
  std::thread([&] { FramePool::release(block, 1000, kTasks); }).join();
  void* const third = FramePool::allocate(1000);
  void* const fourth = FramePool::allocate(1000, kTasks);
  EXPECT_NE(third, block);
  EXPECT_EQ(fourth, block);
  for (void* common : {other, third}) FramePool::release(common, 1000);
  FramePool::release(fourth, 1000, kTasks);
}

// Otherwise a producer thread would carve new memory for ever while a consumer hoards it.
TEST(FramePool, blocks_freed_by_another_thread_come_home) {
  constexpr std::size_t kSize = 480;
  constexpr int kBlocks = 1000;
  std::vector<void*> blocks;
  for (int i = 0; i < kBlocks; ++i) blocks.push_back(FramePool::allocate(kSize));
  const std::set<void*> mine(blocks.begin(), blocks.end());

  std::thread([&] {
    for (void* block : blocks) FramePool::release(block, kSize);
  }).join();

  for (int i = 0; i < kBlocks; ++i) {
    void* block = FramePool::allocate(kSize);
    EXPECT_EQ(mine.count(block), 1U);
    FramePool::release(block, kSize);
  }
}

TEST(FramePool, the_pool_of_an_ended_thread_is_taken_over) {
  void* left_behind = nullptr;
  std::thread([&] { left_behind = FramePool::allocate(64); }).join();

  std::thread([&] {
    FramePool::release(left_behind, 64);
    void* again = FramePool::allocate(64);
    EXPECT_EQ(again, left_behind);
    FramePool::release(again, 64);
  }).join();
}
#endif

TEST(FramePool, four_threads_may_free_each_others_blocks) {
  constexpr int kThreads = 4;
  std::vector<std::vector<void*>> blocks(kThreads);
  std::vector<std::thread> threads;
  for (auto& mine : blocks)
    threads.emplace_back([&mine] {
      for (int i = 0; i < 5000; ++i) mine.push_back(FramePool::allocate(48));
    });
  for (auto& thread : threads) thread.join();
  threads.clear();

  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (void* block : blocks[static_cast<std::size_t>((t + 1) % kThreads)])
        FramePool::release(block, 48);
      for (int i = 0; i < 5000; ++i) FramePool::release(FramePool::allocate(48), 48);
    });
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace asyncio::detail
