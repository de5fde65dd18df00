// scheduler.hpp: a coroutine scheduler with nothing in it that a workload does not need: no
// cancellation, no context, no threads, no error messages. It shows what the hardware and the
// compiler allow; a library's distance from it is what its features cost.
//
// Pieces: FramePool (frames of coroutines), Fifo (what is ready), Work<T> (a lazy coroutine that
// can be awaited inline, or spawned and joined), Detached (one that nobody joins), yield(), Event,
// Mutex, Channel. Timers are in timers.hpp, posts from other threads in inbox.hpp.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <new>
#include <utility>

namespace limit {

// Coroutine frames by size class of 16 bytes, cut from blocks of 1 MiB that are never given back.
class FramePool {
 public:
  void* allocate(std::size_t size) {
    const std::size_t size_class = class_of(size);
    if (size_class > kClasses) return ::operator new(size);
    if (Free* frame = free_[size_class]) [[likely]] {
      free_[size_class] = frame->next;
      return frame;
    }
    return cut(size_class);
  }

  void release(void* memory, std::size_t size) noexcept {
    const std::size_t size_class = class_of(size);
    if (size_class > kClasses) return ::operator delete(memory);
    free_[size_class] = new (memory) Free{free_[size_class]};
  }

 private:
  struct Free {
    Free* next;
  };
  static constexpr std::size_t kClasses = 64, kStep = 16, kBlock = std::size_t{1} << 20;

  static std::size_t class_of(std::size_t size) { return (size + kStep - 1) / kStep; }

  [[gnu::noinline]] void* cut(std::size_t size_class) {
    const std::size_t size = size_class * kStep;
    if (static_cast<std::size_t>(end_ - at_) < size) {
      at_ = static_cast<char*>(std::aligned_alloc(4096, kBlock));
      if (at_ == nullptr) throw std::bad_alloc();
      end_ = at_ + kBlock;
    }
    return std::exchange(at_, at_ + size);
  }

  Free* free_[kClasses + 1] = {};
  char *at_ = nullptr, *end_ = nullptr;
};

inline thread_local constinit FramePool frames;

struct PooledFrame {
  static void* operator new(std::size_t size) { return frames.allocate(size); }
  static void operator delete(void* memory, std::size_t size) { frames.release(memory, size); }
};

// Somebody who waits; lives in the frame that waits.
struct Waiter {
  Waiter* next = nullptr;
  std::coroutine_handle<> handle;
};

// An intrusive first-in-first-out list.
class Fifo {
 public:
  bool empty() const { return head_ == nullptr; }
  void push(Waiter* waiter) {
    waiter->next = nullptr;
    *tail_ = waiter;
    tail_ = &waiter->next;
  }
  Waiter* pop() {
    Waiter* first = head_;
    head_ = first->next;
    if (head_ == nullptr) tail_ = &head_;
    return first;
  }

 private:
  Waiter* head_ = nullptr;
  Waiter** tail_ = &head_;
};

inline Fifo ready;

inline void run_ready() {
  while (!ready.empty()) ready.pop()->handle.resume();
}

// What every awaiter that always suspends has in common.
struct Suspending : Waiter {
  bool await_ready() const noexcept { return false; }
  void await_resume() const noexcept {}
};

struct Yield : Suspending {
  void await_suspend(std::coroutine_handle<> self) noexcept {
    handle = self;
    ready.push(this);
  }
};
inline Yield yield() { return {}; }

// ---- coroutines ---------------------------------------------------------------------------------

// Waits in its own promise until run_ready() starts it, if it is spawned.
struct WorkPromise : PooledFrame, Waiter {
  std::coroutine_handle<> parent;  // whoever awaits it inline
  Waiter* joiner = nullptr;        // whoever joins it after spawn()
  bool spawned = false, done = false;
  std::exception_ptr error;

  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
      WorkPromise& promise = self.promise();
      if (!promise.spawned) return promise.parent;
      promise.done = true;
      if (promise.joiner != nullptr) ready.push(promise.joiner);
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() { error = std::current_exception(); }
};

template <class T>
class [[nodiscard]] Work {
 public:
  struct promise_type : WorkPromise {
    T value;
    Work get_return_object() { return Work(Handle::from_promise(*this)); }
    void return_value(T result) { value = std::move(result); }
    T take() {
      if (error) [[unlikely]]
        std::rethrow_exception(error);
      return std::move(value);
    }
  };
  using Handle = std::coroutine_handle<promise_type>;

  Work(Work&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Work& operator=(Work&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Work() {
    if (frame_) frame_.destroy();
  }

  // co_await std::move(work): runs it here and now.
  auto operator co_await() && {
    struct Inline {
      Handle child;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> self) noexcept {
        child.promise().parent = self;
        return child;
      }
      T await_resume() { return child.promise().take(); }
    };
    return Inline{frame_};
  }

  // Queues it; run_ready() gets there.
  void spawn() {
    WorkPromise& promise = frame_.promise();
    promise.spawned = true;
    promise.handle = frame_;
    ready.push(&promise);
  }

  // co_await work.join(): waits for the end of what spawn() started.
  auto join() {
    struct Join : Waiter {
      Handle child;
      explicit Join(Handle frame) : child(frame) {}
      bool await_ready() const noexcept { return child.promise().done; }
      void await_suspend(std::coroutine_handle<> self) noexcept {
        handle = self;
        child.promise().joiner = this;
      }
      T await_resume() { return child.promise().take(); }
    };
    return Join(frame_);
  }

 private:
  explicit Work(Handle frame) : frame_(frame) {}
  Handle frame_;
};

// Spawned by being called; its frame goes when it ends.
struct Detached {
  struct promise_type : PooledFrame, Waiter {
    Detached get_return_object() {
      handle = std::coroutine_handle<promise_type>::from_promise(*this);
      ready.push(this);
      return {};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() { std::terminate(); }
  };
};

// Spawns the coroutine and runs until nothing is ready.
template <class T>
T run(Work<T> work) {
  work.spawn();
  run_ready();
  return work.join().await_resume();
}

// ---- synchronisation ----------------------------------------------------------------------------

class Event {
 public:
  auto operator co_await() {
    struct Wait : Suspending {
      Event& event;
      explicit Wait(Event& waited) : event(waited) {}
      bool await_ready() const noexcept { return event.set_; }
      void await_suspend(std::coroutine_handle<> self) noexcept {
        handle = self;
        event.waiters_.push(this);
      }
    };
    return Wait(*this);
  }
  void set() {
    set_ = true;
    while (!waiters_.empty()) ready.push(waiters_.pop());
  }

 private:
  bool set_ = false;
  Fifo waiters_;
};

class Mutex {
 public:
  auto lock() {
    struct Wait : Suspending {
      Mutex& mutex;
      explicit Wait(Mutex& wanted) : mutex(wanted) {}
      bool await_ready() const noexcept { return !std::exchange(mutex.locked_, true); }
      void await_suspend(std::coroutine_handle<> self) noexcept {
        handle = self;
        mutex.waiters_.push(this);
      }
    };
    return Wait(*this);
  }
  void unlock() {
    if (waiters_.empty()) {
      locked_ = false;
    } else {
      ready.push(waiters_.pop());  // the mutex changes hands without ever being free
    }
  }

 private:
  bool locked_ = false;
  Fifo waiters_;
};

// One place for one value, one reader and one writer.
template <class T>
class Channel {
 public:
  auto get() {
    struct Get : Waiter {
      Channel& channel;
      explicit Get(Channel& from) : channel(from) {}
      bool await_ready() const noexcept { return channel.full_; }
      void await_suspend(std::coroutine_handle<> self) noexcept {
        handle = self;
        channel.reader_ = this;
      }
      T await_resume() {
        channel.full_ = false;
        T value = std::move(channel.value_);
        if (Waiter* writer = std::exchange(channel.writer_, nullptr)) ready.push(writer);
        return value;
      }
    };
    return Get(*this);
  }
  auto put(T value) {
    struct Put : Waiter {
      Channel& channel;
      T value;
      Put(Channel& to, T what) : channel(to), value(std::move(what)) {}
      bool await_ready() const noexcept { return !channel.full_; }
      void await_suspend(std::coroutine_handle<> self) noexcept {
        handle = self;
        channel.writer_ = this;
      }
      void await_resume() {
        channel.full_ = true;
        channel.value_ = std::move(value);
        if (Waiter* reader = std::exchange(channel.reader_, nullptr)) ready.push(reader);
      }
    };
    return Put(*this, std::move(value));
  }

 private:
  bool full_ = false;
  T value_{};
  Waiter *reader_ = nullptr, *writer_ = nullptr;
};

}  // namespace limit
