#include "asyncio/sync/threads.hpp"

#include <mutex>
#include <thread>
#include <unordered_map>

#include "asyncio/base/logging.hpp"
#include "asyncio/core/services.hpp"

namespace asyncio {
namespace detail {

// ---- deliveries

Delivery::Delivery(Loop& loop, bool expected)
    : CallbackBlock(loop.scheduler(), true), expected_(expected) {}

void Delivery::call() {
  port_->forget(*this);
  deliver();
}

struct LoopPort::Table {
  std::mutex mutex;
  std::uint64_t last_number = 0;
  std::unordered_map<std::uint64_t, Delivery*> deliveries;  // each holds one reference
};

std::shared_ptr<LoopPort> LoopPort::of(Loop& loop) {
  std::shared_ptr<LoopPortOwner>& owner = loop.services().port;
  if (!owner) {
    auto made = std::make_shared<LoopPortOwner>();
    made->port = std::make_shared<LoopPort>(loop.scheduler());
    owner = std::move(made);
  }
  return owner->port;
}

LoopPort::LoopPort(Scheduler& scheduler)
    : scheduler_(&scheduler), table_(std::make_unique<Table>()) {
  scheduler.add_reference();
}

LoopPort::~LoopPort() = default;

std::uint64_t LoopPort::add(Delivery* delivery) {
  if (delivery->expected_) ++scheduler_->outside_work;
  delivery->port_ = this;
  const std::lock_guard held(table_->mutex);
  delivery->number_ = ++table_->last_number;
  table_->deliveries.emplace(delivery->number_, delivery);
  return delivery->number_;
}

void LoopPort::withdraw(std::uint64_t number) noexcept {
  Delivery* found = nullptr;
  {
    const std::lock_guard held(table_->mutex);
    const auto entry = table_->deliveries.find(number);
    // One that is queued is left to find that there is nothing to do any more.
    if (entry == table_->deliveries.end() || entry->second->queued) return;
    found = entry->second;
    table_->deliveries.erase(entry);
  }
  release(*found);
}

void LoopPort::forget(Delivery& delivery) noexcept {
  {
    const std::lock_guard held(table_->mutex);
    table_->deliveries.erase(delivery.number_);
  }
  release(delivery);
}

void LoopPort::release(Delivery& delivery) noexcept {
  if (delivery.expected_) --scheduler_->outside_work;
  delivery.drop_reference();
}

bool LoopPort::send(std::uint64_t number) noexcept {
  const std::lock_guard held(table_->mutex);
  if (scheduler_ == nullptr) return false;
  const auto entry = table_->deliveries.find(number);
  if (entry == table_->deliveries.end() || entry->second->queued) return false;
  Delivery& delivery = *entry->second;
  delivery.add_reference();  // the loop's
  delivery.queued = true;
  scheduler_->post(delivery);
  return true;
}

void LoopPort::close() noexcept {
  Scheduler* scheduler = nullptr;
  std::unordered_map<std::uint64_t, Delivery*> left;
  {
    const std::lock_guard held(table_->mutex);
    scheduler = std::exchange(scheduler_, nullptr);
    left.swap(table_->deliveries);
  }
  for (const auto& [number, delivery] : left) {
    if (delivery->queued) delivery->drop_reference();  // posted too late: no pass will run it
    delivery->drop_reference();
  }
  scheduler->drop_reference();
}

}  // namespace detail

// ---- the default executor

void Loop::set_default_executor(std::shared_ptr<ThreadPoolExecutor> executor) {
  services_->executor = std::move(executor);
}

ThreadPoolExecutor& Loop::default_executor() {
  if (services_->executor_shut_down) throw RuntimeError("Executor shutdown has been called");
  if (!services_->executor) services_->executor = std::make_shared<ThreadPoolExecutor>();
  return *services_->executor;
}

Coro<> Loop::shutdown_default_executor(std::optional<Duration> timeout) {
  services_->executor_shut_down = true;
  const std::shared_ptr<ThreadPoolExecutor> executor = services_->executor;
  if (!executor) co_return;
  if (executor->is_idle()) {  // joining takes no time worth a thread
    executor->shutdown();
    co_return;
  }
  if (get_debug())
    logging::log(LogLevel::warning,
                 "the default executor is still busy while the loop ends; it is waited for");
  ConcurrentFuture<> joined;
  std::thread([executor, joined] {
    executor->shutdown();
    joined.state()->set_value();
  }).detach();
  Future<> ended = wrap_future(joined);
  bool timed_out = false;
  TimerHandle timer;
  if (timeout) timer = call_later(*timeout, [&timed_out, ended] { timed_out = ended.cancel(); });
  try {
    co_await ended;
    timer.cancel();
  } catch (const CancelledError&) {
    timer.cancel();
    if (!timed_out) throw;
    logging::log(LogLevel::warning,
                 "The executor did not finish joining its threads within the timeout.");
    executor->shutdown(false);
  }
}

}  // namespace asyncio
