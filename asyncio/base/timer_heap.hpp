// timer_heap.hpp: pending timers by deadline; an intrusive 4-ary heap.
// Schedule-then-cancel is the common case (timeouts), so a timer knows its place and leaves it at
// once. What was pushed since the loop was last idle, or a newcomer due, stands behind the heap in
// no order: a timer that goes before that costs 20 instructions where the heap takes 140.
// Equal deadlines come out in insertion order.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
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
  std::int64_t next_deadline() noexcept {
    order_newcomers();
    return entries_.front().when;
  }
  std::int64_t deadline(const TimerSlot& slot) const noexcept { return entries_[slot.index].when; }

  // Throws std::bad_alloc; `slot` is unchanged then.
  void push(std::int64_t when, TimerSlot& slot) {
    entries_.emplace_back(when, &slot);
    if (when < earliest_newcomer_) earliest_newcomer_ = when;
    slot.sequence = next_sequence_++;
    slot.index = static_cast<std::uint32_t>(entries_.size() - 1);
  }
  void remove(TimerSlot& slot) noexcept;
  // The earliest timer, removed.
  TimerSlot& pop() noexcept;

  // Takes out whatever is due at `now` and calls due(slot) for each, in order. due() must not
  // touch the heap.
  template <class F>
  void pop_due(std::int64_t now, F due) {
    if (earliest_newcomer_ > now && (ordered_ == 0 || entries_.front().when > now)) return;
    const bool many_new = entries_.size() - ordered_ >= kWorthSorting;
    if (many_new && much_is_due(now)) return pop_sorted(now, due);
    for (std::size_t popped = 0; !empty() && next_deadline() <= now; ++popped) {
      if (popped == kWorthSorting && much_is_due(now)) return pop_sorted(now, due);
      due(pop());
    }
  }

 private:
  template <class>
  friend struct Shape;
  struct Entry {
    // Made in its place: copied there in one piece, just after it was written in two, it would have
    // to wait for both (2 ns).
    Entry(std::int64_t at, TimerSlot* of) noexcept : when(at), slot(of) {}
    std::int64_t when;
    TimerSlot* slot;
  };
  // So many due at once, or new at once, are worth the question whether to sort.
  static constexpr std::size_t kWorthSorting = 64;

  // Sequence numbers may wrap: the difference decides, and no two billion timers are ever queued.
  static bool before(const Entry& a, const Entry& b) noexcept {
    if (a.when != b.when) return a.when < b.when;
    return static_cast<std::int32_t>(a.slot->sequence - b.slot->sequence) < 0;
  }
  void order_newcomers() noexcept;
  void order_all() noexcept;
  void remove_ordered(std::size_t index) noexcept;
  bool much_is_due(std::int64_t now) const noexcept;
  std::size_t sort_due(std::int64_t now) noexcept;
  void close_ranks() noexcept;
  template <class F>
  void pop_sorted(std::int64_t now, F& due);
  void sift_up(std::size_t index, Entry moving) noexcept;
  void sift_down(std::size_t index, Entry moving) noexcept;
  void place(std::size_t index, Entry entry) noexcept {
    entries_[index] = entry;
    entry.slot->index = static_cast<std::uint32_t>(index);
  }

  // Invariant: the first ordered_ entries are a heap, and each slot knows its entry's index.
  std::vector<Entry> entries_;
  std::size_t ordered_ = 0;
  // No newcomer's deadline is before this; it may be too early, where one was removed.
  std::int64_t earliest_newcomer_ = std::numeric_limits<std::int64_t>::max();
  std::uint32_t next_sequence_ = 0;
};

inline void TimerHeap::remove(TimerSlot& slot) noexcept {
  const std::size_t index = slot.index;
  slot.index = TimerSlot::kNotQueued;
  if (index < ordered_) {
    remove_ordered(index);
    return;
  }
  if (index + 1 != entries_.size()) place(index, entries_.back());
  entries_.pop_back();
}

// Popping a million timers one by one writes into a million elements twenty times over, a cache
// miss each: 390 ns a timer. Sorting what is due moves entries only.
template <class F>
void TimerHeap::pop_sorted(std::int64_t now, F& due) {
  constexpr std::size_t kAhead = 8;  // elements lie anywhere: ask for them some steps before
  const std::size_t end = entries_.size();
  const std::size_t first = sort_due(now);
  for (std::size_t i = first; i < end; ++i) {
    if (i + kAhead < end) __builtin_prefetch(entries_[i + kAhead].slot, 1);
    TimerSlot& slot = *entries_[i].slot;
    slot.index = TimerSlot::kNotQueued;
    due(slot);
  }
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(first), entries_.end());
  close_ranks();
}

}  // namespace asyncio::detail
