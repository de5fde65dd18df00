// timers.hpp: deadlines for the limit scheduler: a 4-ary heap of (deadline, timer) pairs, where
// each timer knows its place, so that taking one out needs no search.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/limit/scheduler.hpp"

namespace limit {

inline std::uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

struct Timer {
  std::uint64_t deadline_ns;
  std::size_t place = 0;  // index in the heap while it is there
};

class TimerHeap {
 public:
  void add(Timer* timer) {
    heap_.push_back({timer->deadline_ns, timer});
    sift_up(heap_.size() - 1);
  }

  void remove(Timer* timer) {
    const std::size_t hole = timer->place;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (hole == heap_.size()) return;
    put(hole, last);
    if (hole != 0 && heap_[parent(hole)].deadline_ns > last.deadline_ns) {
      sift_up(hole);
    } else {
      sift_down(hole);
    }
  }

  // Takes out what is due, the earliest first, and hands each to `fire`.
  template <class Fire>
  void expire(std::uint64_t now, Fire fire) {
    while (!heap_.empty() && heap_[0].deadline_ns <= now) {
      Timer* timer = heap_[0].timer;
      remove(timer);
      fire(timer);
    }
  }

 private:
  struct Entry {
    std::uint64_t deadline_ns;
    Timer* timer;
  };
  static std::size_t parent(std::size_t i) { return (i - 1) / 4; }

  void put(std::size_t i, Entry entry) {
    heap_[i] = entry;
    entry.timer->place = i;
  }
  void sift_up(std::size_t i) {
    const Entry moving = heap_[i];
    while (i != 0 && heap_[parent(i)].deadline_ns > moving.deadline_ns) {
      put(i, heap_[parent(i)]);
      i = parent(i);
    }
    put(i, moving);
  }
  void sift_down(std::size_t i) {
    const Entry moving = heap_[i];
    for (;;) {
      const std::size_t first = 4 * i + 1;
      if (first >= heap_.size()) break;
      const std::size_t end = std::min(first + 4, heap_.size());
      std::size_t least = first;
      for (std::size_t child = first + 1; child < end; ++child) {
        if (heap_[child].deadline_ns < heap_[least].deadline_ns) least = child;
      }
      if (heap_[least].deadline_ns >= moving.deadline_ns) break;
      put(i, heap_[least]);
      i = least;
    }
    put(i, moving);
  }

  std::vector<Entry> heap_;
};

// co_await Sleep(heap, deadline): whoever expires the heap makes this ready.
struct Sleep : Timer, Suspending {
  TimerHeap& heap;
  Sleep(TimerHeap& where, std::uint64_t deadline) : Timer{deadline}, heap(where) {}
  void await_suspend(std::coroutine_handle<> self) {
    handle = self;
    heap.add(this);
  }
};

}  // namespace limit
