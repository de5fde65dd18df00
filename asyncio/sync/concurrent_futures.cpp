#include "asyncio/sync/concurrent_futures.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "asyncio/base/logging.hpp"

namespace asyncio {
namespace detail {

// ---- the future

struct ConcurrentBase::Sync {
  std::mutex mutex;
  std::condition_variable ended;
  std::vector<std::function<void()>> callbacks;
};

ConcurrentBase::ConcurrentBase() : sync_(std::make_unique<Sync>()) {}
ConcurrentBase::~ConcurrentBase() = default;

ConcurrentBase::State ConcurrentBase::state() const noexcept {
  return state_.load(std::memory_order_acquire);  // pairs with end(): value and error are there
}

bool ConcurrentBase::cancel() {
  {
    const std::lock_guard held(sync_->mutex);
    const State now = state();
    if (now == State::cancelled) return true;
    if (now != State::pending) return false;
  }
  return end(State::cancelled, nullptr) || state() == State::cancelled;
}

bool ConcurrentBase::start() {
  const std::lock_guard held(sync_->mutex);
  if (state() != State::pending) return false;
  state_.store(State::running, std::memory_order_release);
  return true;
}

bool ConcurrentBase::finish(std::exception_ptr error) {
  return end(State::finished, std::move(error));
}

bool ConcurrentBase::end(State final_state, std::exception_ptr error) {
  const StatePtr<ConcurrentBase> keep = StatePtr<ConcurrentBase>::share(this);
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard held(sync_->mutex);
    const State now = state();
    if (now >= State::cancelled) return false;
    if (final_state == State::cancelled && now == State::running) return false;
    error_ = std::move(error);
    state_.store(final_state, std::memory_order_release);
    callbacks.swap(sync_->callbacks);
    sync_->ended.notify_all();
  }
  for (auto& back : callbacks) {
    try {
      back();
    } catch (...) {
      logging::log(LogLevel::error, "exception calling callback of a ConcurrentFuture: " +
                                        describe(std::current_exception()));
    }
  }
  return true;
}

std::exception_ptr ConcurrentBase::wait(std::optional<Duration> timeout) {
  std::unique_lock held(sync_->mutex);
  const auto is_over = [this] { return done(); };
  // Longer than a century would overflow inside wait_for.
  constexpr Duration kLongest = std::chrono::hours(24 * 365 * 100);
  if (!timeout || *timeout >= kLongest)
    sync_->ended.wait(held, is_over);
  else if (!sync_->ended.wait_for(held, *timeout, is_over))
    throw TimeoutError();
  if (state() == State::cancelled) throw CancelledError();
  return error_;
}

void ConcurrentBase::add_callback(std::function<void()> back) {
  {
    const std::lock_guard held(sync_->mutex);
    if (!done()) {
      sync_->callbacks.push_back(std::move(back));
      return;
    }
  }
  back();
}

}  // namespace detail

// ---- the executor

struct ThreadPoolExecutor::State {
  using Job = detail::StatePtr<detail::ConcurrentBase>;

  explicit State(unsigned most) noexcept : max_threads(most) {}

  // One thread's life.
  void work() {
    std::unique_lock held(mutex);
    for (;;) {
      ++idle;
      changed.wait(held, [this] { return !jobs.empty() || shut_down; });
      --idle;
      if (jobs.empty()) return;
      Job job = std::move(jobs.front());
      jobs.pop_front();
      ++running;
      held.unlock();
      job->execute();
      job = {};
      held.lock();
      --running;
    }
  }

  const unsigned max_threads;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;
  std::vector<std::thread> threads;
  std::size_t idle = 0;     // threads that wait for a job
  std::size_t running = 0;  // jobs
  bool shut_down = false;
};

namespace {

unsigned default_threads() {
  return std::min(32U, std::max(1U, std::thread::hardware_concurrency()) + 4U);
}

}  // namespace

ThreadPoolExecutor::ThreadPoolExecutor(unsigned threads)
    : state_(std::make_shared<State>(threads == 0 ? default_threads() : threads)) {}

ThreadPoolExecutor::~ThreadPoolExecutor() { shutdown(); }

void ThreadPoolExecutor::enqueue(detail::ConcurrentBase& job) {
  const std::lock_guard held(state_->mutex);
  if (state_->shut_down) throw RuntimeError("cannot schedule new futures after shutdown");
  state_->jobs.push_back(State::Job::share(&job));
  if (state_->idle >= state_->jobs.size() || state_->threads.size() >= state_->max_threads) {
    state_->changed.notify_one();
    return;
  }
  try {
    state_->threads.emplace_back([state = state_] { state->work(); });
  } catch (...) {
    if (!state_->threads.empty()) return;  // no new thread: the ones there are will do it
    state_->jobs.pop_back();
    throw;
  }
}

void ThreadPoolExecutor::shutdown(bool wait, bool cancel_futures) {
  std::deque<State::Job> cancelled;
  std::vector<std::thread> threads;
  {
    const std::lock_guard held(state_->mutex);
    state_->shut_down = true;
    if (cancel_futures) cancelled.swap(state_->jobs);
    threads.swap(state_->threads);
  }
  state_->changed.notify_all();
  for (const State::Job& job : cancelled) job->cancel();
  for (std::thread& thread : threads) {
    // A job may drop the last handle of its own executor.
    if (wait && thread.get_id() != std::this_thread::get_id())
      thread.join();
    else
      thread.detach();
  }
}

unsigned ThreadPoolExecutor::max_threads() const noexcept { return state_->max_threads; }

unsigned ThreadPoolExecutor::threads() const noexcept {
  const std::lock_guard held(state_->mutex);
  return static_cast<unsigned>(state_->threads.size());
}

bool ThreadPoolExecutor::is_idle() const noexcept {
  const std::lock_guard held(state_->mutex);
  return state_->jobs.empty() && state_->running == 0;
}

}  // namespace asyncio
