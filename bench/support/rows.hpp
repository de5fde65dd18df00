// rows.hpp: what the three programs of this folder share: a stopwatch, a counter of allocations,
// and a list of rows that Google Benchmark runs. The same row name in limit/, peers/ and workloads/
// is the same work; tools/bench puts them side by side.
//
//   void yield_1(Watch& watch, long operations) {
//     prepare();
//     watch.start();
//     for (long i = 0; i < operations; ++i) one_operation();
//     watch.stop();
//   }
//   const Register yield_1_row("yield_1", 1'000'000, yield_1);
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <map>
#include <string>

namespace bench {

// Seconds of one POSIX clock, read directly so that all sides pay the same for it.
double seconds_of(clockid_t clock) noexcept;

// Resident memory of this process, in bytes.
std::size_t resident_bytes();

// Calls of operator new on this thread since it started. Frames that a pool cuts from memory it
// already holds are not allocations.
std::uint64_t allocations() noexcept;

// Tells the compiler that memory may have been read and written here.
inline void clobber() { asm volatile("" ::: "memory"); }

// Tells the compiler that the value is used.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

// Prints why a row cannot be trusted and ends the program with status 1.
[[noreturn]] void fail(const char* what);

// Measures the part of a workload between start() and stop(): wall time, the CPU time of the whole
// process, and allocations of the calling thread. May be started again; the parts add up.
class Watch {
 public:
  void start();
  void stop();
  // Something else that the workload found out, e.g. bytes per task; printed under this name.
  void note(const std::string& name, double value) { notes_[name] = value; }

  double wall_seconds() const { return wall_; }
  double cpu_seconds() const { return cpu_; }
  std::uint64_t allocations() const { return allocations_; }
  const std::map<std::string, double>& notes() const { return notes_; }

 private:
  double wall_ = 0, cpu_ = 0;
  double wall_start_ = 0, cpu_start_ = 0;
  std::uint64_t allocations_ = 0, allocations_start_ = 0;
  std::map<std::string, double> notes_;
};

// Does that many operations between watch.start() and watch.stop().
using Workload = void (*)(Watch& watch, long operations);

// Puts a row on the list; `fresh` runs it exactly once in its process, for rows that look at memory
// or take seconds.
struct Register {
  enum Often { repeated, fresh };
  Register(const char* name, long operations, Workload workload, Often often = repeated);
};

}  // namespace bench
