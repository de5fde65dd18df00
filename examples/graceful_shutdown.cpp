// graceful_shutdown: Ctrl-C, or SIGTERM, stops taking new work, lets what has begun finish within a
// deadline, and cancels the rest. A second Ctrl-C does not wait.
//
//   graceful_shutdown               press Ctrl-C after a while
//   graceful_shutdown --self-test   sends itself the signals
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;

struct Counts {
  int begun = 0, finished = 0, abandoned = 0;
};

asyncio::Coro<> job(asyncio::Duration takes, Counts& counts) {
  ++counts.begun;
  try {
    co_await asyncio::sleep(takes);
    ++counts.finished;
  } catch (const asyncio::CancelledError&) {
    ++counts.abandoned;
    throw;
  }
}

class Workshop {
 public:
  // Takes a job every 10 ms: most are short, every fifth is long.
  asyncio::Coro<> take_orders() {
    for (int i = 1;; ++i) {
      jobs_.push_back(asyncio::create_task(job(i % 5 == 0 ? 1h : 30ms, counts_)));
      co_await asyncio::sleep(10ms);
    }
  }

  asyncio::Coro<> close(asyncio::Duration grace) {
    fmt::print("no new jobs; those that run have {} ms\n", grace / 1ms);
    auto seen = co_await asyncio::wait(jobs_, {.timeout = grace});
    for (auto& late : seen.pending) late.cancel();
    if (!seen.pending.empty()) co_await asyncio::wait(seen.pending);
    fmt::print("closed\n");
  }

  const Counts& counts() const { return counts_; }

 private:
  Counts counts_;
  std::vector<asyncio::Task<>> jobs_;
};

// [main]
// The first SIGINT cancels main: take_orders() leaves its sleep with CancelledError, close() is
// awaited to its end, and then run() throws KeyboardInterrupt. SIGTERM, by which systemd and docker
// stop programs, is led the same way; then run() throws CancelledError.
asyncio::Coro<> serve(Workshop& workshop) {
  asyncio::get_running_loop().add_signal_handler(
      SIGTERM, [self = asyncio::current_task()] { self->cancel("SIGTERM"); });
  co_await asyncio::try_finally([&] { return workshop.take_orders(); },
                                [&] { return workshop.close(100ms); });
}
// [/main]

asyncio::Coro<> serve_and_raise(Workshop& workshop, int signal) {
  asyncio::get_running_loop().call_later(105ms, [signal] { std::raise(signal); });
  co_await serve(workshop);
}

// True where it was told to stop, and every job has ended one way or the other.
bool run_until_told(asyncio::Coro<> serving, const Counts& counts) {
  bool told = false;
  try {
    asyncio::run(std::move(serving));
  } catch (const asyncio::KeyboardInterrupt&) {
    told = true;
  } catch (const asyncio::CancelledError&) {
    told = true;
  }
  fmt::print("{} begun, {} finished, {} abandoned\n", counts.begun, counts.finished,
             counts.abandoned);
  return told && counts.begun == counts.finished + counts.abandoned;
}

int main(int argc, char** argv) {
  bool good = true;
  if (argc > 1 && std::string_view(argv[1]) == "--self-test") {
    for (const int signal : {SIGINT, SIGTERM}) {
      Workshop workshop;
      const Counts& counts = workshop.counts();
      good &= run_until_told(serve_and_raise(workshop, signal), counts);
      good &= counts.abandoned > 0 && counts.finished > 0;
    }
  } else {
    Workshop workshop;
    good = run_until_told(serve(workshop), workshop.counts());
  }
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
