// ring.hpp: Ring<T>, the items of a queue: a growing circular buffer. Unlike std::deque it is
// empty without an allocation, and does not allocate again while its size goes up and down.
#pragma once
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace asyncio::detail {

template <class T>
class Ring {
 public:
  Ring() noexcept = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() {
    while (size_ > 0) drop_back();
    if (slots_ != nullptr) std::allocator<T>().deallocate(slots_, capacity_);
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T& operator[](std::size_t index) noexcept { return slots_[place(index)]; }

  void push_back(T&& value) {
    if (size_ == capacity_) grow();
    ::new (static_cast<void*>(slots_ + place(size_))) T(std::move(value));
    ++size_;
  }
  T pop_front() {
    T& first = slots_[head_];
    T value(std::move(first));
    first.~T();
    head_ = (head_ + 1) & (capacity_ - 1);
    --size_;
    return value;
  }
  T pop_back() {
    T value(std::move((*this)[size_ - 1]));
    drop_back();
    return value;
  }

 private:
  // Invariant: capacity_ is 0 or a power of two.
  std::size_t place(std::size_t index) const noexcept { return (head_ + index) & (capacity_ - 1); }
  void drop_back() noexcept {
    (*this)[size_ - 1].~T();
    --size_;
  }
  void grow() {
    const std::size_t capacity = capacity_ == 0 ? 4 : capacity_ * 2;
    T* slots = std::allocator<T>().allocate(capacity);
    for (std::size_t i = 0; i < size_; ++i) {
      T& old = (*this)[i];
      ::new (static_cast<void*>(slots + i)) T(std::move(old));
      old.~T();
    }
    if (slots_ != nullptr) std::allocator<T>().deallocate(slots_, capacity_);
    slots_ = slots;
    capacity_ = capacity;
    head_ = 0;
  }

  T* slots_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace asyncio::detail
