// sequencer.hpp: Sequencer forces the order of what several tasks do. After trio's class.
//
//   testing::Sequencer order;
//   create_task([&]() -> Coro<> { auto turn = co_await order(1); second(); });
//   create_task([&]() -> Coro<> { auto turn = co_await order(0); first(); });
#pragma once
#include <map>
#include <set>
#include <string>
#include <utility>

#include "asyncio/core/coroutines.hpp"
#include "asyncio/sync/locks.hpp"

namespace asyncio::testing {

// Order:        turn n begins when turn n - 1 has ended; turn 0 at once.
// Cancellation: a cancelled wait gives its turn up, and the later ones wait for ever.
// Threads:      the loop's thread only.
// Lifetime:     outlives its turns.
class Sequencer {
 public:
  // Ends with its scope.
  class [[nodiscard]] Turn {
   public:
    explicit Turn(Event& next) noexcept : next_(&next) {}
    Turn(Turn&& other) noexcept : next_(std::exchange(other.next_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (next_ != nullptr) next_->set();
    }

   private:
    Event* next_;
  };

  Sequencer() { begins_[0].set(); }
  // Throws RuntimeError where a position is asked for twice.
  Coro<Turn> operator()(int position) {
    if (!taken_.insert(position).second)
      throw RuntimeError("Sequencer: position " + std::to_string(position) + " is taken already");
    co_await begins_[position].wait();
    co_return Turn(begins_[position + 1]);
  }

 private:
  std::map<int, Event> begins_;  // by position
  std::set<int> taken_;
};

}  // namespace asyncio::testing
