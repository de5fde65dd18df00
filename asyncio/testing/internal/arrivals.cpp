#include "asyncio/testing/internal/arrivals.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "asyncio/core/events.hpp"
#include "asyncio/io/simulated.hpp"
#include "asyncio/sync/threads.hpp"

namespace asyncio::testing::internal {
namespace {

using detail::CallbackBlock;

// The allocations in here are not those of the program under test.
class Exempt {
 public:
  Exempt() noexcept { ++detail::tls_simulating; }
  Exempt(const Exempt&) = delete;
  Exempt& operator=(const Exempt&) = delete;
  ~Exempt() { --detail::tls_simulating; }
};

// The posts of one thread, in their order.
struct Queue {
  std::thread::id poster;
  std::uint64_t first;  // what it begins with, by the order of creation
  std::vector<CallbackBlock*> blocks;
};

// Those that were made on the loop's thread come first, in the order in which they were made.
std::uint64_t place_of(const CallbackBlock& block) noexcept {
  const auto* delivery = dynamic_cast<const detail::Delivery*>(&block);
  return delivery != nullptr ? delivery->number() : std::numeric_limits<std::uint64_t>::max();
}

// By chance, but no queue's own order.
std::vector<CallbackBlock*> mixed(std::vector<Queue> queues, detail::Random& random) {
  // Not in the order of arrival, which differs from run to run.
  std::stable_sort(queues.begin(), queues.end(),
                   [](const Queue& a, const Queue& b) { return a.first < b.first; });
  std::vector<CallbackBlock*> order;
  std::vector<std::size_t> taken(queues.size(), 0);
  for (std::vector<std::size_t> open;; open.clear()) {
    for (std::size_t i = 0; i < queues.size(); ++i)
      if (taken[i] < queues[i].blocks.size()) open.push_back(i);
    if (open.empty()) return order;
    const std::size_t chosen = open[static_cast<std::size_t>(random.below(open.size()))];
    order.push_back(queues[chosen].blocks[taken[chosen]++]);
  }
}

}  // namespace

void ShuffledArrivals::posted(CallbackBlock& block) noexcept {
  const std::lock_guard held(mutex_);
  try {
    posters_[&block] = std::this_thread::get_id();
  } catch (const std::bad_alloc&) {  // then it counts as one of a thread without a name
  }
  came_.notify_one();
}

void ShuffledArrivals::gather(int expected) noexcept {
  std::unique_lock held(mutex_);
  const auto wanted = static_cast<std::size_t>(std::max(expected, 0));
  came_.wait_for(held, kPatience, [&] { return posters_.size() >= wanted; });
}

CallbackBlock* ShuffledArrivals::arrange(CallbackBlock* oldest) noexcept {
  const Exempt exempt;
  try {
    std::vector<Queue> queues;
    for (CallbackBlock* block = oldest; block != nullptr; block = block->next_posted) {
      const std::lock_guard held(mutex_);
      const auto known = posters_.find(block);
      const std::thread::id poster = known != posters_.end() ? known->second : std::thread::id();
      if (known != posters_.end()) posters_.erase(known);
      auto queue = std::find_if(queues.begin(), queues.end(),
                                [&](const Queue& each) { return each.poster == poster; });
      if (queue == queues.end()) queue = queues.insert(queue, Queue{poster, place_of(*block), {}});
      queue->blocks.push_back(block);
    }
    const std::vector<CallbackBlock*> order = mixed(std::move(queues), random_);
    CallbackBlock* first = nullptr;
    for (auto block = order.rbegin(); block != order.rend(); ++block) {
      (*block)->next_posted = first;
      first = *block;
    }
    return first;
  } catch (const std::bad_alloc&) {
    return oldest;
  }
}

}  // namespace asyncio::testing::internal
