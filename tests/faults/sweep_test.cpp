// Every scenario, with every operation of the backend failing with each of its errors at call 1, 2,
// ... until a run is not reached: on the simulated network all of them, on the kernel's backends a
// part. Each run must end by itself within an hour of virtual time, leave no socket, file
// descriptor, task or ring buffer, and come to its result where the fault was harmless.
// And every scenario, cancelled at its first, second, ... suspension.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "asyncio/io/io_uring.hpp"
#include "asyncio/io/simulated.hpp"
#include "asyncio/testing/faults.hpp"
#include "scenarios.hpp"
#include "tests/support.hpp"

namespace asyncio::fault_test {

Folder::Folder() : path_(sample_file().path + ".folder") {
  std::filesystem::remove_all(path_);
  std::filesystem::create_directories(path_);
}

Folder::~Folder() { std::filesystem::remove_all(path_); }

const SampleFile& sample_file() {
  static const SampleFile file = [] {
    const std::string folder =
        ::testing::TempDir() + "asyncio_faults_" + std::to_string(::getpid());
    std::filesystem::create_directories(folder);
    SampleFile made{folder + "/sample.txt", pattern(100'000)};
    std::ofstream(made.path) << made.content;
    return made;
  }();
  return file;
}

namespace {

using asyncio::tests::open_files;
using testing::Fault;
using testing::FaultPlan;

// ---- where a scenario runs

// A clock that jumps only after the kernel has had a moment to deliver: its sockets are real.
class PatientClock final : public detail::TimeSource {
 public:
  explicit PatientClock(std::shared_ptr<FaultPlan> plan) : plan_(std::move(plan)) {}
  TimePoint now() noexcept override { return now_; }
  bool jump_to(TimePoint deadline) noexcept override {
    if (std::exchange(calls_, plan_->calls()) + kLooks < plan_->calls()) looks_ = 0;
    if (++looks_ < kLooks) {
      ::usleep(50);  // tidy: sleeps because softirqs deliver on their own
      return true;   // look again
    }
    looks_ = 0;
    if (deadline > now_) now_ = deadline;
    return true;
  }

 private:
  static constexpr int kLooks = 4;
  std::shared_ptr<FaultPlan> plan_;
  std::uint64_t calls_ = 0;
  int looks_ = 0;
  TimePoint now_{std::chrono::hours(1)};
};

enum class World { simulated, epoll, io_uring };

struct Setting {
  World world;
  std::shared_ptr<FaultPlan> plan;
  mutable const detail::IoBackend* ring = nullptr;    // while its loop lives; null in the others
  mutable int emptied_rings = 0;                      // found without sockets and without bytes
  std::shared_ptr<detail::SimulatedNetwork> network;  // null in the others

  Setting(World kind, Fault fault)
      : world(kind), plan(std::make_shared<FaultPlan>(std::move(fault))) {
    if (world == World::simulated) network = std::make_shared<detail::SimulatedNetwork>();
  }
  std::unique_ptr<Loop> make_loop() const {
    LoopOptions options;
    options.poll_interval = 1;
    options.make_backend = [this] { return testing::with_faults(make_backend(), plan); };
    if (network)
      options.time_source = network;
    else
      options.time_source = std::make_shared<PatientClock>(plan);
    return std::make_unique<Loop>(std::move(options));
  }
  std::unique_ptr<detail::IoBackend> make_backend() const {
    switch (world) {
      case World::simulated:
        return network->make_backend();
      case World::io_uring: {
        auto made =
            detail::make_io_uring_backend({.entries = 64, .completions = 128, .buffers = 16});
        ring = made.get();
        return made;
      }
      case World::epoll:
        break;
    }
    return detail::make_epoll_backend();
  }
};

// ---- one run

// What is running, for the case that it never ends.
char running_now[300];

void tell_who_hangs(int) {
  constexpr char kWords[] = "\nhangs (10 s of real time): ";
  static_cast<void>(!::write(2, kWords, sizeof kWords - 1));
  static_cast<void>(!::write(2, running_now, std::strlen(running_now)));
  ::_exit(1);
}

struct Run {
  bool injected = false;
  int emptied_rings = 0;
  std::string complaint;  // empty: all is well
};

// What goes wrong in a run: a fault, or a cancellation of the scenario at a suspension (from 1).
struct Trouble {
  Fault fault = {};
  int cancelled_at = 0;
};

class CancelAtStep final : public detail::StepObserver {
 public:
  CancelAtStep(detail::Scheduler& scheduler, Task<> task, int step)
      : scheduler_(scheduler), task_(std::move(task)), steps_left_(step) {
    scheduler_.observe(this);
  }
  CancelAtStep(const CancelAtStep&) = delete;
  CancelAtStep& operator=(const CancelAtStep&) = delete;
  ~CancelAtStep() { scheduler_.observe(nullptr); }
  void stepped(const detail::TaskBase* task) override {
    if (task != &task_.base() || task_.done() || --steps_left_ != 0) return;
    reached_ = true;
    task_.cancel();
  }
  bool reached() const noexcept { return reached_; }

 private:
  detail::Scheduler& scheduler_;
  Task<> task_;
  int steps_left_;
  bool reached_ = false;
};

// Whoever goes on beside the scenario, as asyncio.run() would end them.
Coro<> end_others() {
  for (const AnyTask& task : all_tasks())
    if (!(task == *current_task())) task.cancel();
  co_await sleep(40s);  // goodbyes and deadlines included
}

Coro<> cancelled_at(int step, Coro<> scenario, const Setting* setting, bool* reached) {
  const int files = open_files();
  Task<> task = create_task(std::move(scenario));
  {
    const CancelAtStep injector(get_running_loop().scheduler(), task, step);
    co_await wait(std::vector<Task<>>{task});
    *reached = injector.reached();
  }
  if (setting->ring != nullptr) {
    co_await end_others();
    // A server that nobody closed goes on, and what its clients said may wait in buffers.
    if (open_files() == files) {
      expect(detail::filled_buffers(*setting->ring) == 0, "no socket, and no buffer in use");
      ++setting->emptied_rings;
    }
  }
  if (!task.cancelled()) task.result();  // throws what went wrong
}

Coro<bool> within_an_hour(Coro<> scenario) {
  const auto ended = co_await move_on_after(std::chrono::hours(1), std::move(scenario));
  co_return ended.has_value();
}

std::string how_it_ended(Coro<> scenario, const Setting& setting) {
  Runner runner({.loop_factory = [&setting] { return setting.make_loop(); }});
  std::string complaint;
  try {
    const bool ended = runner.run(within_an_hour(std::move(scenario)));
    if (!ended) complaint = "hangs: an hour has passed";
  } catch (const WrongResult& wrong) {
    complaint = std::string("wrong: ") + wrong.what();
  } catch (...) {
    const bool may_fail = setting.plan->injected() && !setting.plan->is_harmless();
    if (!may_fail) complaint = "throws " + describe(std::current_exception());
  }
  runner.close();
  return complaint;
}

Run run_once(const Scenario& scenario, World world, const Trouble& trouble) {
  const Setting setting(world, trouble.fault);
  std::string what = std::string(scenario.name) + ", " + setting.plan->describe();
  if (trouble.cancelled_at != 0)
    what += ", cancelled at suspension " + std::to_string(trouble.cancelled_at);
  std::snprintf(running_now, sizeof running_now, "%s\n", what.c_str());
  std::string log;
  logging::set_sink([&log](LogLevel, std::string_view line) { log += std::string(line) + "\n"; });
  const int files = world == World::simulated ? 0 : open_files();
  ::alarm(10);
  Run run;
  try {
    run.complaint = how_it_ended(
        trouble.cancelled_at == 0
            ? scenario.run()
            : cancelled_at(trouble.cancelled_at, scenario.run(), &setting, &run.injected),
        setting);
  } catch (...) {  // the loop could not be made, or closed
    if (!setting.plan->injected()) run.complaint = describe(std::current_exception());
  }
  ::alarm(0);
  logging::set_sink({});
  run.injected = run.injected || setting.plan->injected();
  run.emptied_rings = setting.emptied_rings;
  if (log.find("destroyed") != std::string::npos) run.complaint += " leaves a task: " + log;
  if (setting.network && setting.network->open_sockets() != 0) run.complaint += " leaves a socket";
  if (world != World::simulated && open_files() != files) run.complaint += " leaves a file";
  if (!run.complaint.empty()) run.complaint = what + ": " + run.complaint;
  return run;
}

// ---- all runs

std::vector<Scenario> all_scenarios() {
  std::vector<Scenario> all;
  for (const auto& some : {stream_scenarios(), connection_scenarios(), protocol_scenarios(),
                           http_scenarios(), file_scenarios(), tls_scenarios()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

class Sweep {
 public:
  // Tries the calls 1, 1 + stride, ... of everything, in every scenario.
  Sweep(World world, int stride) : world_(world), stride_(stride) {
    std::signal(SIGALRM, tell_who_hangs);
    const int files = open_files();
    for (const Scenario& scenario : all_scenarios()) sweep(scenario);
    EXPECT_EQ(open_files(), files);
  }
  int injected() const { return injected_; }

 private:
  void sweep(const Scenario& scenario) {
    sample_file();
    note(run_once(scenario, world_, {}));
    for (const auto& operation : testing::fault_operations())
      for (const int error : operation.errors)
        for (int call = 1;; call += stride_) {
          const Run run = run_once(scenario, world_, {.fault = {operation.name, call, error}});
          note(run);
          if (!run.injected || failures_ > kEnough) break;
          ++injected_;
        }
  }
  void note(const Run& run) {
    if (run.complaint.empty() || ++failures_ > kEnough) return;
    ADD_FAILURE() << run.complaint;
  }

  static constexpr int kEnough = 40;
  World world_;
  int stride_;
  int injected_ = 0;
  int failures_ = 0;
};

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr int kStride = 5;
#else
constexpr int kStride = 1;
#endif
#else
constexpr int kStride = 1;
#endif

TEST(Faults, every_scenario_survives_every_fault_on_the_simulated_network) {
  ASSERT_GE(all_scenarios().size(), 30U);
  const Sweep sweep(World::simulated, kStride);
  std::printf("%d faults injected into %zu scenarios\n", sweep.injected(), all_scenarios().size());
  if (kStride == 1) EXPECT_GE(sweep.injected(), 20'000);
}

TEST(Faults, scenarios_survive_faults_on_epoll) {
  const Sweep sweep(World::epoll, 7 * kStride);
  std::printf("%d faults injected on epoll\n", sweep.injected());
  EXPECT_GE(sweep.injected(), 1000);
}

TEST(Faults, scenarios_survive_faults_on_io_uring) {
  try {
    detail::make_io_uring_backend();
  } catch (const OSError&) {
    GTEST_SKIP() << "the kernel forbids io_uring here";
  }
  const Sweep sweep(World::io_uring, 7 * kStride);
  std::printf("%d faults injected on io_uring\n", sweep.injected());
  EXPECT_GE(sweep.injected(), 1000);
}

// ---- cancellation

constexpr int kLeastCancellations = kStride == 1 ? 600 : 250;

struct Cancellations {
  int count = 0;
  int emptied_rings = 0;
};

// Under a sanitizer a scenario of hundreds of rounds is cancelled at each of its first suspensions,
// then at ever fewer.
Cancellations cancel_everywhere(World world) {
  std::signal(SIGALRM, tell_who_hangs);
  sample_file();
  Cancellations all;
  for (const Scenario& scenario : all_scenarios())
    for (int step = 1;; step += kStride == 1 ? 1 : 1 + step / 4) {
      const Run run = run_once(scenario, world, {.cancelled_at = step});
      EXPECT_EQ(run.complaint, "");
      if (!run.injected || ::testing::Test::HasFailure()) break;
      ++all.count;
      all.emptied_rings += run.emptied_rings;
    }
  std::printf("%d cancellations, %d empty rings\n", all.count, all.emptied_rings);
  return all;
}

TEST(Cancellation, of_every_scenario_leaves_nothing_on_the_simulated_network) {
  EXPECT_GE(cancel_everywhere(World::simulated).count, kLeastCancellations);
}

TEST(Cancellation, of_every_scenario_leaves_nothing_on_epoll) {
  EXPECT_GE(cancel_everywhere(World::epoll).count, kLeastCancellations);
}

TEST(Cancellation, of_every_scenario_leaves_nothing_on_io_uring) {
  const Cancellations done = cancel_everywhere(World::io_uring);
  EXPECT_GE(done.count, kLeastCancellations);
  EXPECT_GE(done.emptied_rings, kLeastCancellations / 5);
}

}  // namespace
}  // namespace asyncio::fault_test
