#include "asyncio/base/timer_heap.hpp"

#include <algorithm>

namespace asyncio::detail {

TimerSlot& TimerHeap::pop() noexcept {
  TimerSlot& first = *entries_.front().slot;
  remove(first);
  return first;
}

void TimerHeap::sift_up(std::size_t index, Entry moving) noexcept {
  while (index > 0) {
    const std::size_t parent = (index - 1) / 4;
    if (!before(moving, entries_[parent])) break;
    place(index, entries_[parent]);
    index = parent;
  }
  place(index, moving);
}

void TimerHeap::sift_down(std::size_t index, Entry moving) noexcept {
  const std::size_t size = entries_.size();
  for (;;) {
    const std::size_t first_child = 4 * index + 1;
    if (first_child >= size) break;
    const std::size_t end = std::min(first_child + 4, size);
    std::size_t smallest = first_child;
    for (std::size_t child = first_child + 1; child < end; ++child)
      if (before(entries_[child], entries_[smallest])) smallest = child;
    if (!before(entries_[smallest], moving)) break;
    place(index, entries_[smallest]);
    index = smallest;
  }
  place(index, moving);
}

}  // namespace asyncio::detail
