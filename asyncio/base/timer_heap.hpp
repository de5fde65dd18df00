// timer_heap.hpp: pending timers by deadline; an intrusive 4-ary heap.
// Schedule-then-cancel is the common case (timeouts), so a timer knows its place in the heap and
// leaves it at once. Equal deadlines come out in insertion order.
#pragma once
#include <cstdint>
#include <vector>

#include "asyncio/base/shape.hpp"

namespace asyncio::detail {

// What the heap keeps in an element: where it stands, and when it came.
struct TimerSlot {
  static constexpr std::uint32_t kNotQueued = ~std::uint32_t{0};

  std::uint32_t index = kNotQueued;
  std::uint32_t sequence = 0;

  bool is_queued() const noexcept { return index != kNotQueued; }
};

class TimerHeap {
 public:
  bool empty() const noexcept { return entries_.empty(); }
  std::size_t size() const noexcept { return entries_.size(); }

  // Nanoseconds on the loop's clock; the heap must not be empty.
  std::int64_t next_deadline() const noexcept { return entries_.front().when; }
  std::int64_t deadline(const TimerSlot& slot) const noexcept { return entries_[slot.index].when; }

  // Throws std::bad_alloc; `slot` is unchanged then.
  void push(std::int64_t when, TimerSlot& slot);
  void remove(TimerSlot& slot) noexcept;
  // The earliest timer, removed.
  TimerSlot& pop() noexcept;

 private:
  template <class>
  friend struct Shape;
  struct Entry {
    std::int64_t when;
    TimerSlot* slot;
  };

  // Sequence numbers may wrap: the difference decides, and no two billion timers are ever queued.
  static bool before(const Entry& a, const Entry& b) noexcept {
    if (a.when != b.when) return a.when < b.when;
    return static_cast<std::int32_t>(a.slot->sequence - b.slot->sequence) < 0;
  }
  void sift_up(std::size_t index, Entry moving) noexcept;
  void sift_down(std::size_t index, Entry moving) noexcept;
  void place(std::size_t index, Entry entry) noexcept {
    entries_[index] = entry;
    entry.slot->index = static_cast<std::uint32_t>(index);
  }

  std::vector<Entry> entries_;
  std::uint32_t next_sequence_ = 0;
};

inline void TimerHeap::push(std::int64_t when, TimerSlot& slot) {
  entries_.push_back({when, &slot});
  slot.sequence = next_sequence_++;
  const std::size_t last = entries_.size() - 1;
  // A later deadline than the parent's stays at the end: most timeouts do.
  if (last == 0 || entries_[(last - 1) / 4].when <= when) [[likely]]
    slot.index = static_cast<std::uint32_t>(last);
  else
    sift_up(last, entries_[last]);
}

inline void TimerHeap::remove(TimerSlot& slot) noexcept {
  const std::size_t index = slot.index;
  slot.index = TimerSlot::kNotQueued;
  const Entry last = entries_.back();
  entries_.pop_back();
  if (index == entries_.size()) return;
  if (index > 0 && before(last, entries_[(index - 1) / 4]))
    sift_up(index, last);
  else
    sift_down(index, last);
}

}  // namespace asyncio::detail
