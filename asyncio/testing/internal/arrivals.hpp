// arrivals.hpp: what threads have posted to a loop, in any order that was not promised.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "asyncio/base/random.hpp"
#include "asyncio/core/scheduler.hpp"

namespace asyncio::testing::internal {

// The posts of each thread keep their order, those of different threads mix by chance. For that
// some must be there: while threads of an executor still work, the loop waits for them a moment.
//
// Threads:  as ArrivalOrder says.
// Lifetime: outlives the loop, and every thread that posts to it.
class ShuffledArrivals final : public detail::ArrivalOrder {
 public:
  // Real time; more than that, and what has come by then is shuffled.
  static constexpr std::chrono::milliseconds kPatience{5};

  explicit ShuffledArrivals(std::uint64_t seed) noexcept : random_(seed) {}
  ShuffledArrivals(const ShuffledArrivals&) = delete;
  ShuffledArrivals& operator=(const ShuffledArrivals&) = delete;
  ~ShuffledArrivals() = default;

  void posted(detail::CallbackBlock& block) noexcept override;
  void gather(int expected) noexcept override;
  detail::CallbackBlock* arrange(detail::CallbackBlock* oldest) noexcept override;

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::unordered_map<const detail::CallbackBlock*, std::thread::id>
      posters_;            // of those on the way
  detail::Random random_;  // the loop's thread only
};

}  // namespace asyncio::testing::internal
