// requests.hpp: what the HTTP clients of the benchmarks share: how long they go on, and what they
// print at the end, the CPU time of this process for a request in microseconds, and the rate.
//
//   while (requests.go_on()) { ...one request...; requests.check(answer == "Hello, world!"); }
//   requests.print();
#pragma once

#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace bench {

class Requests {
 public:
  explicit Requests(double duration) : duration_(duration), start_(seconds(CLOCK_MONOTONIC)) {}

  // False once the time is over; the first fifth of a second is a warm-up.
  bool go_on() {
    const double now = seconds(CLOCK_MONOTONIC);
    if (!is_warm_ && now > start_ + 0.2) {
      is_warm_ = true;
      start_ = now;
      cpu_ = seconds(CLOCK_PROCESS_CPUTIME_ID);
      done_ = 0;
    }
    return !is_warm_ || now < start_ + duration_;
  }
  void check(bool is_right) {
    if (!is_right) {
      std::fprintf(stderr, "another answer came\n");
      std::exit(1);
    }
    ++done_;
  }
  void print() const {
    const double wall = seconds(CLOCK_MONOTONIC) - start_;
    const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_;
    std::printf("%.4f %.1f\n", cpu * 1e6 / static_cast<double>(done_),
                static_cast<double>(done_) / wall);
  }

 private:
  static double seconds(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
  }

  double duration_;
  double start_;
  double cpu_ = 0;
  long done_ = 0;
  bool is_warm_ = false;
};

}  // namespace bench
