#include "asyncio/base/timer_heap.hpp"

#include <algorithm>

namespace asyncio::detail {

TimerSlot& TimerHeap::pop() noexcept {
  order_newcomers();
  TimerSlot& first = *entries_.front().slot;
  remove(first);
  return first;
}

// ---- the two parts

void TimerHeap::order_newcomers() noexcept {
  earliest_newcomer_ = std::numeric_limits<std::int64_t>::max();
  // One by one costs a few steps each; many at once are cheaper in one sweep over everything.
  if (entries_.size() - ordered_ > ordered_ + 16) {
    ordered_ = entries_.size();
    order_all();
    return;
  }
  while (ordered_ < entries_.size()) {
    const std::size_t index = ordered_++;
    if (index > 0) sift_up(index, entries_[index]);
  }
}

void TimerHeap::order_all() noexcept {
  if (ordered_ < 2) return;
  for (std::size_t index = (ordered_ - 2) / 4 + 1; index-- > 0;) sift_down(index, entries_[index]);
}

// The hole is filled from the end of the heap, and the heap's end by the last newcomer.
void TimerHeap::remove_ordered(std::size_t index) noexcept {
  const Entry filler = entries_[--ordered_];
  const Entry last = entries_.back();
  entries_.pop_back();
  if (ordered_ != entries_.size()) place(ordered_, last);
  if (index == ordered_) return;
  if (index > 0 && before(filler, entries_[(index - 1) / 4]))
    sift_up(index, filler);
  else
    sift_down(index, filler);
}

// ---- many due at once

// A guess from samples: whether a quarter is due.
bool TimerHeap::much_is_due(std::int64_t now) const noexcept {
  constexpr std::size_t kSamples = 64;
  const std::size_t step = entries_.size() / kSamples;
  std::size_t due = 0;
  for (std::size_t i = 0; i < kSamples; ++i) due += entries_[i * step].when <= now ? 1 : 0;
  return due >= kSamples / 4;
}

// What is due goes to the end, in order; returns where that begins.
std::size_t TimerHeap::sort_due(std::int64_t now) noexcept {
  const auto first = std::partition(entries_.begin(), entries_.end(),
                                    [now](const Entry& entry) { return entry.when > now; });
  std::sort(first, entries_.end(), before);
  return static_cast<std::size_t>(first - entries_.begin());
}

// What is left becomes a heap.
void TimerHeap::close_ranks() noexcept {
  for (std::size_t index = 0; index < entries_.size(); ++index)
    entries_[index].slot->index = static_cast<std::uint32_t>(index);
  ordered_ = entries_.size();
  earliest_newcomer_ = std::numeric_limits<std::int64_t>::max();
  order_all();
}

// ---- the heap

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
  const std::size_t size = ordered_;
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
