// rate_limiter: at most so many requests a second, with bursts (a token bucket). Waiters are served
// in the order they came, because Lock is fair; a waiter that is cancelled gives its place away.
//
//   rate_limiter [REQUESTS [PER_SECOND [BURST]]]     (default 20 10 5)
//   rate_limiter --self-test                         checks that the rate holds
#include <fmt/core.h>
#include <algorithm>
#include <asyncio/asyncio.hpp>
#include <cstdlib>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

// [limiter]
class RateLimiter {
 public:
  RateLimiter(double per_second, double burst)
      : per_second_(per_second), burst_(burst), tokens_(burst) {}

  asyncio::Coro<> acquire() {
    auto turn = co_await lock_.scoped();
    refill();
    if (tokens_ < 1) {
      co_await asyncio::sleep(Seconds((1 - tokens_) / per_second_));
      refill();
    }
    tokens_ -= 1;
  }

 private:
  void refill() {
    const auto now = asyncio::get_running_loop().time();
    tokens_ = std::min(burst_, tokens_ + Seconds(now - last_).count() * per_second_);
    last_ = now;
  }

  double per_second_, burst_, tokens_;
  asyncio::TimePoint last_ = asyncio::get_running_loop().time();
  asyncio::Lock lock_;
};
// [/limiter]

asyncio::Coro<> request(RateLimiter& limiter, int i, asyncio::TimePoint start, bool quiet) {
  co_await limiter.acquire();
  const Seconds at = asyncio::get_running_loop().time() - start;
  if (!quiet) fmt::print("{:6.3f} s: request {}\n", at.count(), i);
}

asyncio::Coro<double> run_requests(int count, double per_second, double burst, bool quiet) {
  const auto start = asyncio::get_running_loop().time();
  RateLimiter limiter(per_second, burst);
  std::vector<asyncio::Coro<>> requests;
  for (int i = 0; i < count; ++i) requests.push_back(request(limiter, i, start, quiet));
  co_await asyncio::gather(std::move(requests));
  co_return Seconds(asyncio::get_running_loop().time() - start).count();
}

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "--self-test") {
    // 5 at once, then 15 at 100 a second: not sooner than 0.15 s.
    const double seconds = asyncio::run(run_requests(20, 100, 5, true));
    const bool good = seconds > 0.145;
    fmt::print("20 requests at 100/s after a burst of 5: {}\n",
               good ? "the rate holds" : "TOO FAST");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  const int count = argc > 1 ? std::atoi(argv[1]) : 20;
  const double per_second = argc > 2 ? std::atof(argv[2]) : 10;
  const double burst = argc > 3 ? std::atof(argv[3]) : 5;
  asyncio::run(run_requests(count, per_second, burst, false));
}
