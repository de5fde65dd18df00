// intrusive_list.hpp: a doubly linked circular list whose links live in the elements.
// Nothing is allocated; removal is O(1) from whichever list holds the element.
#pragma once

namespace asyncio::detail {

// The links of one element. An element is in at most one list at a time.
struct Link {
  Link* next = nullptr;  // null while in no list
  Link* prev = nullptr;

  Link() noexcept = default;
  Link(const Link&) noexcept {}  // a copy starts in no list
  Link& operator=(const Link&) noexcept { return *this; }
  ~Link() = default;

  bool is_linked() const noexcept { return next != nullptr; }

  void unlink() noexcept {
    next->prev = prev;
    prev->next = next;
    next = nullptr;  // prev is of no interest then
  }
};

// T derives from Link (or from a class that does), unambiguously.
template <class T>
class IntrusiveList {
 public:
  IntrusiveList() noexcept { head_.next = head_.prev = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() = default;

  bool empty() const noexcept { return head_.next == &head_; }

  T& front() noexcept { return static_cast<T&>(*head_.next); }
  T& back() noexcept { return static_cast<T&>(*head_.prev); }

  void push_back(T& element) noexcept { insert_before(head_, element); }

  void push_front(T& element) noexcept { insert_before(*head_.next, element); }

  T& pop_front() noexcept {
    Link* first = head_.next;
    head_.next = first->next;
    first->next->prev = &head_;
    first->next = nullptr;
    return static_cast<T&>(*first);
  }

  // Moves everything from `other` behind what is here.
  void splice_back(IntrusiveList& other) noexcept {
    if (other.empty()) return;
    Link* first = other.head_.next;
    Link* last = other.head_.prev;
    first->prev = head_.prev;
    head_.prev->next = first;
    last->next = &head_;
    head_.prev = last;
    other.head_.next = other.head_.prev = &other.head_;
  }

  // Moves everything from `other` before what is here.
  void splice_front(IntrusiveList& other) noexcept {
    if (other.empty()) return;
    other.splice_back(*this);
    splice_back(other);
  }

  // The element after `element`, or null at the end.
  T* after(T& element) noexcept {
    Link* next = static_cast<Link&>(element).next;
    return next == &head_ ? nullptr : &static_cast<T&>(*next);
  }

  // Takes out the only element of a list that has one.
  T& pop_only() noexcept {
    T& element = front();
    head_.next = head_.prev = &head_;
    static_cast<Link&>(element).next = nullptr;
    return element;
  }

  // The element, where there is exactly one; null otherwise.
  T* only() noexcept { return head_.next == head_.prev && !empty() ? &front() : nullptr; }

  // The first element, or null.
  T* first() noexcept { return empty() ? nullptr : &front(); }

  static void remove(T& element) noexcept { static_cast<Link&>(element).unlink(); }

 private:
  static void insert_before(Link& place, Link& element) noexcept {
    element.next = &place;
    element.prev = place.prev;
    place.prev->next = &element;
    place.prev = &element;
  }

  Link head_;
};

}  // namespace asyncio::detail
