// real_time_limit.hpp: ends a test that does not end by itself.
#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "asyncio/core/tasks.hpp"

namespace asyncio::testing::internal {

// Cancels the task once the limit, in real time, is over. The loop is asked first; one that does
// not answer for as long again hangs in a callback, and only abort() ends that. All tests of a
// process share one thread for it.
class RealTimeLimit {
 public:
  // 0: no limit.
  RealTimeLimit(Loop& loop, const AnyTask& task, std::chrono::seconds limit);
  RealTimeLimit(const RealTimeLimit&) = delete;
  RealTimeLimit& operator=(const RealTimeLimit&) = delete;
  ~RealTimeLimit();

  // On the loop's thread.
  bool has_expired() const noexcept;
  // The tasks that were there then, and what they wait for.
  const std::string& pending() const noexcept;

  struct Watched;

 private:
  std::shared_ptr<Watched> watched_;
};

}  // namespace asyncio::testing::internal
