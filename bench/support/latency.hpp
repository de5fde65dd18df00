// latency.hpp: how late something came, thousands of times: the median, the 99.9th percentile and
// the worst, which a row reports beside its time.
//
//   Latencies late;
//   const auto due = now() + kInterval;  ...wait until due...;  late.add(now() - due);
//   late.note(watch);
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

#include "bench/support/rows.hpp"

namespace bench {

using Clock = std::chrono::steady_clock;
inline Clock::time_point now() { return Clock::now(); }

constexpr std::chrono::microseconds kInterval{250};  // Between two timers, or two posts.
constexpr std::chrono::microseconds kStep{10};       // What a busy task computes before it yields.
constexpr int kBusyTasks = 10;

class Latencies {
 public:
  void add(Clock::duration late) {
    late_.push_back(std::chrono::duration<double, std::nano>(late).count());
  }
  long count() const { return static_cast<long>(late_.size()); }
  void note(Watch& watch) {
    if (late_.empty()) fail("nothing came");
    std::sort(late_.begin(), late_.end());
    watch.note("p50", late_[late_.size() / 2]);
    watch.note("p999", late_[late_.size() - 1 - late_.size() / 1000]);
    watch.note("max", late_.back());
  }

 private:
  std::vector<double> late_;
};

// Keeps this thread busy for one step of a task.
inline void compute() {
  const auto end = now() + kStep;
  while (now() < end) clobber();
}

// A thread that posts every so often, `count` times, one after the other: `post` must have what it
// is given run on the loop, which says how late that was.
template <class Post>
Latencies post_from_another_thread(long count, Post post) {
  Latencies late;
  std::atomic<bool> arrived = false;
  std::thread poster([&] {
    for (long i = 0; i < count; ++i) {
      std::this_thread::sleep_for(kInterval);
      const auto sent = now();
      arrived = false;
      post([&, sent] {
        late.add(now() - sent);
        arrived = true;
        arrived.notify_one();
      });
      arrived.wait(false);
    }
  });
  poster.join();
  return late;
}

}  // namespace bench
