// signals.cpp: Loop::add_signal_handler. The handler that the kernel calls sets a bit and wakes the
// loop; user code runs in the loop. Source: signal(7), docs of loop.add_signal_handler.
#include <pthread.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <thread>

#include "asyncio/core/services.hpp"

namespace asyncio {
namespace detail {
namespace {

constexpr int kSignals = 64;

// Which loop gets which signal. Written under no lock: a signal belongs to one loop at a time.
std::array<std::atomic<Scheduler*>, kSignals + 1> owners{};
std::array<struct sigaction, kSignals + 1> previous{};
// Handlers that run now, in any thread: one may still look at the owner that was just taken away.
std::atomic<int> running{0};

void on_signal(int number) {
  const int saved = errno;
  running.fetch_add(1);  // seq_cst, with the store and the load of uninstall_signal()
  if (Scheduler* owner = owners[static_cast<std::size_t>(number)].load())
    owner->raise_signal(number);
  running.fetch_sub(1);
  errno = saved;
}

void deliver(Scheduler& scheduler, std::uint64_t arrived) {
  if (scheduler.loop == nullptr) return;
  auto& callbacks = scheduler.loop->services().signal_callbacks;
  for (int number = 1; number <= kSignals; ++number) {
    if ((arrived >> (number - 1) & 1) == 0) continue;
    auto found = callbacks.find(number);
    if (found != callbacks.end()) scheduler.loop->call_soon(found->second);
  }
}

// Python's signal.valid_signals(): not the two that the C library keeps for itself.
void check_signal(int number) {
  const bool reserved = number >= 32 && number < SIGRTMIN;
  if (number < 1 || number > kSignals || reserved)
    throw ValueError("invalid signal number " + std::to_string(number));
}

}  // namespace

void install_signal(Scheduler& scheduler, int number) {
  const auto index = static_cast<std::size_t>(number);
  Scheduler* const owner = owners[index].load();
  if (owner == &scheduler) return;
  if (owner != nullptr)
    throw RuntimeError("sig " + std::to_string(number) +
                       " is handled by another event loop\n  instead: remove_signal_handler "
                       "there first");
  scheduler.set_signal_delivery(&deliver);
  owners[index].store(&scheduler);
  struct sigaction action{};
  action.sa_handler = &on_signal;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  if (sigaction(number, &action, &previous[index]) != 0) {
    owners[index].store(nullptr);
    if (errno == EINVAL) throw RuntimeError("sig " + std::to_string(number) + " cannot be caught");
    throw_os_error(errno, "sigaction");
  }
}

bool uninstall_signal(Scheduler& scheduler, int number) noexcept {
  const auto index = static_cast<std::size_t>(number);
  if (owners[index].load() != &scheduler) return false;
  sigaction(number, &previous[index], nullptr);
  owners[index].store(nullptr);
  // Not in a handler ourselves, so those that are left run in other threads, and end by themselves.
  while (running.load() != 0) std::this_thread::yield();
  return true;
}

void uninstall_all_signals(Scheduler& scheduler) noexcept {
  for (int number = 1; number <= kSignals; ++number) uninstall_signal(scheduler, number);
}

}  // namespace detail

void Loop::add_signal_handler(int signal, std::function<void()> callback) {
  detail::check_signal(signal);
  check_open();
  detail::install_signal(*state_, signal);
  services_->signal_callbacks[signal] = std::move(callback);
}

bool Loop::remove_signal_handler(int signal) {
  detail::check_signal(signal);
  if (services_->signal_callbacks.erase(signal) == 0) return false;
  detail::uninstall_signal(*state_, signal);
  return true;
}

}  // namespace asyncio
