#include "asyncio/testing/run.hpp"

#include <fcntl.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "asyncio/core/runners.hpp"
#include "asyncio/core/sleep.hpp"
#include "asyncio/io/simulated.hpp"
#include "asyncio/testing/clock.hpp"
#include "asyncio/testing/internal/arrivals.hpp"
#include "asyncio/testing/internal/real_time_limit.hpp"
#include "asyncio/testing/internal/seeds.hpp"
#include "asyncio/testing/internal/shuffle.hpp"

namespace asyncio::testing {
namespace {

using asyncio::detail::SimulatedNetwork;

thread_local std::uint64_t tls_seed = 0;

std::vector<std::string> names_of_other_tasks() {
  std::vector<std::string> names;
  for (const AnyTask& task : all_tasks())
    if (!(task == *current_task())) names.push_back(task.repr());
  return names;
}

// The time limit in loop time.
class TimeLimit {
 public:
  TimeLimit(Loop& loop, const AnyTask& task, Duration limit) {
    if (limit == Duration::max()) return;
    timer_ = loop.call_later(limit, [this, task] {
      expired_ = true;
      task.cancel("the time limit of the test is over");
    });
  }
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
  ~TimeLimit() { timer_.cancel(); }
  bool has_expired() const noexcept { return expired_; }

 private:
  TimerHandle timer_;
  bool expired_ = false;
};

Coro<> run_limited(Coro<> body, TestOptions options) {
  Loop& loop = get_running_loop();
  const TimeLimit limit(loop, *current_task(), options.timeout);
  const internal::RealTimeLimit real_limit(loop, *current_task(), options.real_timeout);
  try {
    co_await std::move(body);
  } catch (const CancelledError&) {
    if (!limit.has_expired() && !real_limit.has_expired()) throw;
  }
  if (limit.has_expired())
    throw TimeoutError("the test did not end within " +
                       std::to_string(std::chrono::duration<double>(options.timeout).count()) +
                       " s of loop time");
  if (real_limit.has_expired())
    throw TimeoutError("the test did not end within " +
                       std::to_string(options.real_timeout.count()) + " s of real time" +
                       real_limit.pending());
}

// Sockets close in their turn, and what was written last may be under way.
Coro<> settle(SimulatedNetwork& network) {
  for (int i = 0; i < 1000 && network.open_sockets() > 0; ++i) {
    co_await all_tasks_blocked();
    if (network.is_quiet()) co_return;
    co_await sleep(std::chrono::milliseconds(1));
  }
}

Coro<RunResult> run_body(Coro<> body, TestOptions options) {
  RunResult result;
  try {
    co_await run_limited(std::move(body), options);
  } catch (const std::exception&) {
    result.error = std::current_exception();
  }
  if (!options.finds_leaks) co_return result;
  result.leftover = names_of_other_tasks();
  auto* const network = asyncio::detail::simulated_network_of(get_running_loop().backend());
  if (network == nullptr || !result.ok()) co_return result;
  co_await settle(*network);
  result.sockets = network->describe_sockets();
  co_return result;
}

std::map<int, std::string> open_files() {
  std::map<int, std::string> files;
  std::error_code ignored;
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd", ignored))
    files[std::atoi(each.path().filename().c_str())] =
        std::filesystem::read_symlink(each.path(), ignored).string();
  return files;
}

// The descriptor that read the directory is closed by the time it is asked for.
std::vector<std::string> opened_since(const std::map<int, std::string>& before) {
  std::vector<std::string> opened;
  for (const auto& [fd, target] : open_files())
    if (!before.contains(fd) && ::fcntl(fd, F_GETFD) >= 0)
      opened.push_back(std::to_string(fd) + " (" + target + ")");
  return opened;
}

std::unique_ptr<Loop> make_loop(const std::shared_ptr<SimulatedNetwork>& network,
                                asyncio::detail::ArrivalOrder* arrivals) {
  LoopOptions options;
  options.poll_interval = 1;
  if (network) {
    options.time_source = network;
    options.make_backend = [network] { return network->make_backend(); };
  } else {
    options.time_source = std::make_shared<VirtualClock>();
  }
  auto loop = std::make_unique<Loop>(std::move(options));
  loop->scheduler().arrivals = arrivals;
  return loop;
}

// Seed 0 is calm.
std::function<void()> shuffler(std::uint64_t seed, bool wanted) {
  if (seed == 0 || !wanted) return {};
  return
      [random = asyncio::detail::Random(seed)]() mutable { internal::shuffle_ready_tasks(random); };
}

}  // namespace

RunResult run(Coro<> body) { return run(std::move(body), TestOptions{}); }

RunResult run(Coro<> body, TestOptions options) {
  const std::uint64_t seed = options.seed.value_or(internal::seed_of_process());
  std::map<int, std::string> files;
  if (options.finds_leaks) files = open_files();
  std::shared_ptr<SimulatedNetwork> network;
  if (options.simulated_network)
    network = std::make_shared<SimulatedNetwork>(asyncio::detail::SimulationOptions{
        .seed = seed,
        .cuts_streams = seed != 0,
        .shuffles_ready = seed != 0,
        .before_pass =
            shuffler(seed, options.shuffles_tasks.value_or(internal::shuffles_by_default()))});
  internal::ShuffledArrivals arrivals(seed);
  const std::uint64_t outer_seed = std::exchange(tls_seed, seed);
  RunResult result;
  {
    Runner runner({.loop_factory = [network, order = seed != 0 ? &arrivals : nullptr] {
      return make_loop(network, order);
    }});
    try {
      result = runner.run(run_body(std::move(body), options));
    } catch (...) {
      result.error = std::current_exception();
    }
    runner.close();
  }
  tls_seed = outer_seed;
  result.seed = seed;
  if (network) result.trace_hash = network->trace_hash();
  if (options.finds_leaks) result.files = opened_since(files);
  return result;
}

std::uint64_t seed() noexcept { return tls_seed; }

std::vector<std::string> RunResult::problems() const {
  std::vector<std::string> all;
  if (error) all.push_back("the test threw " + describe(error));
  for (const std::string& task : leftover)
    all.push_back("the test left a task behind: " + task +
                  "\n  cure: await it, or cancel() and await it");
  for (const std::string& socket : sockets)
    all.push_back("the test left a " + socket + " open\n  cure: close() the server or the writer");
  for (const std::string& file : files)
    all.push_back("the test left file descriptor " + file + " open\n  cure: close() it");
  return all;
}

std::string RunResult::message() const {
  std::string text;
  for (const std::string& problem : problems()) text += problem + "\n";
  return text + "seed: " + std::to_string(seed);
}

}  // namespace asyncio::testing
