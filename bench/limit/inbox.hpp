// inbox.hpp: work posted to a loop by other threads: a lock-free stack, and a flag that says
// whether the loop is asleep, so that only the first post to a sleeping loop pays for a system
// call.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace limit {

struct Post {
  Post* next = nullptr;
  void (*run)(Post*) = nullptr;
};

class Inbox {
 public:
  Inbox() : wake_fd_(eventfd(0, EFD_CLOEXEC)) {
    if (wake_fd_ < 0) std::abort();
  }
  ~Inbox() { close(wake_fd_); }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // Any thread. seq_cst on both variables, here and in run(): either the poster sees that the loop
  // sleeps, or the loop sees the post.
  void post(Post* post) {
    Post* head = stack_.load(std::memory_order_relaxed);
    do {
      post->next = head;
    } while (!stack_.compare_exchange_weak(head, post, std::memory_order_seq_cst,
                                           std::memory_order_relaxed));
    if (head == nullptr && asleep_.load() && asleep_.exchange(false)) {
      const std::uint64_t one = 1;
      if (write(wake_fd_, &one, sizeof one) != sizeof one) std::abort();
    }
  }

  // The loop's thread: runs posts in order until one calls stop().
  void run() {
    while (!stopped_) {
      Post* batch = stack_.exchange(nullptr);
      if (batch == nullptr) {
        sleep();
        continue;
      }
      for (Post* post = reversed(batch); post != nullptr;) {
        Post* next = post->next;
        post->run(post);
        post = next;
      }
    }
  }
  void stop() { stopped_ = true; }

 private:
  static Post* reversed(Post* list) {
    Post* result = nullptr;
    while (list != nullptr) {
      Post* next = list->next;
      list->next = result;
      result = list;
      list = next;
    }
    return result;
  }

  void sleep() {
    asleep_.store(true);
    if (stack_.load() == nullptr) {
      std::uint64_t wakes = 0;
      if (read(wake_fd_, &wakes, sizeof wakes) != sizeof wakes) std::abort();
    }
    asleep_.store(false);
  }

  std::atomic<Post*> stack_{nullptr};
  std::atomic<bool> asleep_{false};
  bool stopped_ = false;
  int wake_fd_;
};

}  // namespace limit
