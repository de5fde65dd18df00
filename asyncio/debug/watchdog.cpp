#include "asyncio/debug/watchdog.hpp"

#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "asyncio/base/logging.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/core/instrument.hpp"
#include "asyncio/debug/inspect.hpp"

namespace asyncio {
namespace {

std::string seconds(Duration time) {
  const std::int64_t hundredths = time.count() / 10'000'000;
  std::string fraction = std::to_string(hundredths % 100);
  fraction.insert(0, 2 - fraction.size(), '0');
  return std::to_string(hundredths / 100) + "." + fraction;
}

std::string report_of(const debug::SeenLoop& loop, Duration time) {
  std::string text = "Loop " + std::to_string(loop.id) + " in thread " +
                     std::to_string(loop.thread) + " has not gone on for " + seconds(time) +
                     " seconds";
  for (const debug::SeenTask& task : loop.tasks) {
    if (task.state != debug::SeenTask::State::running) continue;
    text += "\n  in a step of task '" + task.name + "' (most recent call last):";
    for (const debug::SeenFrame& frame : task.stack)
      text += "\n    File \"" + frame.file + "\", line " + std::to_string(frame.line) + ", in " +
              frame.function;
    return text;
  }
  return text + "\n  in a callback";
}

}  // namespace

// The loop is looked at as from outside, so that it need not know of the watchdog.
struct Watchdog::State {
  State(Duration wanted, Report told, std::uint64_t loop)
      : limit(wanted), report(std::move(told)), loop_id(loop), thread([this] { watch(); }) {}

  void watch();
  debug::SeenLoop look(debug::Memory& memory) const;

  const Duration limit;
  const Report report;
  const std::uint64_t loop_id;
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  std::thread thread;  // last: it uses the others
};

debug::SeenLoop Watchdog::State::look(debug::Memory& memory) const {
  memory.refresh();
  const auto registry = reinterpret_cast<debug::Address>(&detail::registry());
  for (debug::SeenLoop& loop : inspect(memory, {registry}).loops)
    if (loop.id == loop_id) return std::move(loop);
  return {};
}

void Watchdog::State::watch() {
  debug::ProcessMemory memory(getpid());
  std::uint64_t passes = 0;
  TimePoint since = Clock::now();
  bool reported = false;
  std::unique_lock held(mutex);
  while (!changed.wait_for(held, limit / 4, [this] { return stopping; })) {
    const debug::SeenLoop loop = look(memory);
    const TimePoint now = Clock::now();
    if (loop.passes != passes || loop.asleep || !loop.running) {
      passes = loop.passes;
      since = now;
      reported = false;
    } else if (now - since >= limit && !std::exchange(reported, true)) {
      report(report_of(loop, now - since));
    }
  }
}

Watchdog::Watchdog(Duration limit, Report report) {
  if (limit <= Duration::zero()) throw ValueError("Watchdog: the limit must be positive");
  if (!report) report = [](const std::string& text) { logging::log(LogLevel::warning, text); };
  const std::uint64_t loop = get_running_loop().scheduler().shown.id;
  state_ = std::make_unique<State>(limit, std::move(report), loop);
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard held(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_one();
  state_->thread.join();
}

}  // namespace asyncio
