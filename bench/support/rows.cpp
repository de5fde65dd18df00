// The programs' main(): each row becomes one Google Benchmark, and `--once ROW N` runs N operations
// of a row and nothing else, for tools that count instructions (callgrind, perf stat).
#include "bench/support/rows.hpp"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

namespace {

constinit thread_local std::uint64_t allocation_count = 0;

void* counted_allocate(std::size_t size) {
  ++allocation_count;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

void* counted_allocate(std::size_t size, std::align_val_t alignment) {
  ++allocation_count;
  const auto align = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(align, (size + align - 1) / align * align)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return counted_allocate(size); }
void* operator new[](std::size_t size) { return counted_allocate(size); }
void* operator new(std::size_t size, std::align_val_t align) {
  return counted_allocate(size, align);
}
void* operator new[](std::size_t size, std::align_val_t align) {
  return counted_allocate(size, align);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace bench {
namespace {

struct Row {
  const char* name;
  long operations;
  Workload workload;
  Register::Often often;
};

// Filled before main() by the Register objects of the other files.
std::vector<Row>& rows() {
  static std::vector<Row> list;
  return list;
}

void run_under_google_benchmark(benchmark::State& state, const Row& row) {
  double wall = 0, cpu = 0, allocated = 0;
  for (auto _ : state) {
    Watch watch;
    row.workload(watch, row.operations);
    state.SetIterationTime(watch.wall_seconds());
    wall += watch.wall_seconds();
    cpu += watch.cpu_seconds();
    allocated += static_cast<double>(watch.allocations());
    for (const auto& [name, value] : watch.notes()) state.counters[name] = value;
  }
  const double operations =
      static_cast<double>(row.operations) * static_cast<double>(state.iterations());
  state.counters["ns"] = wall * 1e9 / operations;
  state.counters["cpu_ns"] = cpu * 1e9 / operations;
  state.counters["allocations"] = allocated / operations;
}

int run_once(const char* name, long operations) {
  for (const Row& row : rows()) {
    if (std::strcmp(row.name, name) != 0) continue;
    Watch watch;
    row.workload(watch, operations);
    return 0;
  }
  std::fprintf(stderr, "there is no row called %s here\n", name);
  return 2;
}

}  // namespace

double seconds_of(clockid_t clock) noexcept {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::size_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) fail("/proc/self/statm cannot be opened");
  long total = 0, resident = 0;
  const int fields = std::fscanf(file, "%ld %ld", &total, &resident);
  std::fclose(file);
  if (fields != 2) fail("/proc/self/statm cannot be read");
  return static_cast<std::size_t>(resident) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t allocations() noexcept { return allocation_count; }

void fail(const char* what) {
  std::fprintf(stderr, "this row measured something else than it says: %s\n", what);
  std::exit(1);
}

void Watch::start() {
  allocations_start_ = bench::allocations();
  cpu_start_ = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  wall_start_ = seconds_of(CLOCK_MONOTONIC);
}

void Watch::stop() {
  wall_ += seconds_of(CLOCK_MONOTONIC) - wall_start_;
  cpu_ += seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_start_;
  allocations_ += bench::allocations() - allocations_start_;
}

Register::Register(const char* name, long operations, Workload workload, Often often) {
  rows().push_back({name, operations, workload, often});
}

}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  if (argc == 4 && std::strcmp(argv[1], "--once") == 0) {
    return run_once(argv[2], std::atol(argv[3]));
  }
  if (argc == 2 && std::strcmp(argv[1], "--rows") == 0) {
    for (const Row& row : rows()) std::printf("%s %ld\n", row.name, row.operations);
    return 0;
  }
  for (const Row& row : rows()) {
    auto* benchmark = benchmark::RegisterBenchmark(
        row.name, [row](benchmark::State& state) { run_under_google_benchmark(state, row); });
    benchmark->UseManualTime()->Unit(benchmark::kMillisecond);
    if (row.often == Register::fresh) benchmark->Iterations(1);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
