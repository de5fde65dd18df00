// as_completed.hpp: as_completed.
// Source: docs.python.org/3/library/asyncio-task.html#asyncio.as_completed
#pragma once
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "asyncio/combinators/wait.hpp"
#include "asyncio/core/wait_queue.hpp"

namespace asyncio {

struct AsCompletedOptions {
  std::optional<Duration> timeout = {};  // for all of them together; none: for ever
};

namespace detail {

// Which children are done, in order of completion, and who waits for the next one.
//
// Invariant: each waiter that was woken has an event in the queue that is his: events_ from
// taken_ on are at least as many as those waiters.
class Completions : private ChildOwner, private Deadline::Owner {
 public:
  static constexpr std::size_t kTimeout = static_cast<std::size_t>(-1);

  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;

  // Takes one of the results to come; false where all are taken.
  bool claim() noexcept {
    if (unclaimed_ == 0) return false;
    --unclaimed_;
    return true;
  }
  void unclaim() noexcept { ++unclaimed_; }

  // There is an event that is promised to no other waiter.
  bool is_ready() const noexcept {
    return events_.size() - taken_ > waiters_.live_count() - waiters_.waiting_count();
  }
  // The next event: the number of a child. Throws TimeoutError.
  std::size_t take();
  void wake_next() noexcept { waiters_.wake_one(); }
  WaitQueue& waiters() noexcept { return waiters_; }

  void add_reference() noexcept { ++references_; }
  void drop_reference() noexcept {
    if (--references_ == 0) delete this;
  }

 protected:
  Completions() noexcept : deadline_(*this) { show_awaiters(waiters_.nodes()); }
  virtual ~Completions() = default;
  void begin(const std::vector<FutureBase*>& children, const AsCompletedOptions& options);

 private:
  void child_done(ChildWatch& watch) override;
  void deadline_reached() override;

  std::size_t size_ = 0;
  std::size_t unclaimed_ = 0;
  std::size_t taken_ = 0;
  std::vector<std::size_t> events_;  // numbers of children, or kTimeout
  std::unique_ptr<ChildWatch[]> watches_;
  WaitQueue waiters_;
  Deadline deadline_;
  std::uint32_t references_ = 1;
};

template <class Handle>
class TypedCompletions final : public Completions {
 public:
  TypedCompletions(std::vector<Handle> children, const AsCompletedOptions& options)
      : handles(std::move(children)) {
    std::vector<FutureBase*> futures;
    for (const Handle& handle : handles) futures.push_back(&base_of(handle));
    begin(futures, options);
  }
  std::vector<Handle> handles;  // an element is moved out when its turn comes
};

// The wait for one event.
class CompletionAwaiter {
 protected:
  explicit CompletionAwaiter(Completions& completions) noexcept : completions_(&completions) {}

  void suspend(CoroPromiseBase& promise) { waiter_.suspend(completions_->waiters(), promise); }
  // Throws CancelledError or TimeoutError.
  std::size_t resume();

  Completions* completions_;
  WaitNode waiter_;
};

}  // namespace detail

// The results of several awaitables in the order they become ready, in two styles:
//
//   for (auto& next : completed) use(co_await next);             results; failures are thrown
//   while (auto task = co_await completed.next()) use(*task);    the tasks themselves, done
//
// Order:        by completion; among those done in one pass, as their callbacks ran. An awaiter
//               that had to wait resumes two passes after the completion.
// Cancellation: the awaiter gets CancelledError; the children go on, and nothing is lost.
// Threads:      the loop's thread only.
// Lifetime:     move-only; what it gave may be kept beyond it.
template <class T, class Handle = Task<T>>
class AsCompleted {
  using State = detail::TypedCompletions<Handle>;
  using Ptr = detail::StatePtr<State>;

 public:
  // Awaits whichever is done next.
  //
  // Order:        as AsCompleted.
  // Cancellation: as AsCompleted.
  // Threads:      the loop's thread only.
  // Lifetime:     free: a shared handle.
  class Next {
   public:
    class Awaiter : private detail::CompletionAwaiter {
     public:
      explicit Awaiter(Ptr state) : CompletionAwaiter(*state), state_(std::move(state)) {}
      bool await_ready() const noexcept { return state_->is_ready(); }
      template <class Promise>
      void await_suspend(std::coroutine_handle<Promise> handle) {
        suspend(handle.promise());
      }
      T await_resume() {
        const Handle child = std::move(state_->handles[resume()]);
        auto& result = static_cast<typename Handle::State&>(detail::base_of(child));
        result.throw_unless_result();
        if constexpr (!std::is_void_v<T>) return detail::take_child_value(result);
      }

     private:
      Ptr state_;
    };

    explicit Next(Ptr state) noexcept : state_(std::move(state)) {}
    Awaiter operator co_await() const { return Awaiter(state_); }

   private:
    Ptr state_;
  };

  class Iterator {
   public:
    using difference_type = std::ptrdiff_t;
    using value_type = Next;
    using iterator_concept = std::input_iterator_tag;

    explicit Iterator(Ptr state) : state_(std::move(state)), next_(state_) { ++*this; }
    Next& operator*() const noexcept { return next_; }
    Iterator& operator++() noexcept {
      at_end_ = !state_->claim();
      return *this;
    }
    void operator++(int) noexcept { ++*this; }
    bool operator==(std::default_sentinel_t) const noexcept { return at_end_; }

   private:
    Ptr state_;
    mutable Next next_;
    bool at_end_ = false;
  };

  class NextHandleAwaiter : private detail::CompletionAwaiter {
   public:
    explicit NextHandleAwaiter(Ptr state) : CompletionAwaiter(*state), state_(std::move(state)) {}
    bool await_ready() noexcept {
      is_claimed_ = state_->claim();
      return !is_claimed_ || state_->is_ready();
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle) {
      suspend(handle.promise());
    }
    std::optional<Handle> await_resume() {
      if (!is_claimed_) return std::nullopt;
      try {
        return std::move(state_->handles[resume()]);
      } catch (const CancelledError&) {
        state_->unclaim();  // C++: the next call finds what this one did not wait for
        throw;
      }
    }

   private:
    Ptr state_;
    bool is_claimed_ = false;
  };

  explicit AsCompleted(Ptr state) noexcept : state_(std::move(state)) {}
  AsCompleted(AsCompleted&&) noexcept = default;
  AsCompleted& operator=(AsCompleted&&) noexcept = default;
  ~AsCompleted() = default;

  // Each step of the iterator stands for one result, whether it is awaited or not.
  Iterator begin() { return Iterator(state_); }
  std::default_sentinel_t end() const noexcept { return {}; }
  // The task or future that is done next, the one that was given where one was given; nullopt
  // after the last. Throws TimeoutError for each that was not done in time.
  NextHandleAwaiter next() { return NextHandleAwaiter(state_); }

 private:
  Ptr state_;
};

// Runs the awaitables at the same time; see AsCompleted. Coroutines become tasks at once. When the
// timeout is over, whoever waits for the rest gets TimeoutError, but nothing is cancelled.
// Duplicates count once.
template <detail::Child A>
AsCompleted<await_result_t<A>, detail::child_handle_t<A>> as_completed(
    std::vector<A> awaitables, AsCompletedOptions options = {}) {
  using Handle = detail::child_handle_t<A>;
  std::vector<Handle> handles;
  handles.reserve(awaitables.size());
  for (A& awaitable : awaitables) handles.push_back(detail::child_handle(std::move(awaitable)));
  using State = detail::TypedCompletions<Handle>;
  return AsCompleted<await_result_t<A>, Handle>(
      detail::StatePtr<State>(new State(detail::without_duplicates(std::move(handles)), options)));
}

}  // namespace asyncio
