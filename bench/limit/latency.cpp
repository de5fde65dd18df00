// How late are a timer and a post of another thread by hand: epoll_pwait2() until the deadline, and
// an eventfd?
#include "bench/support/latency.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <mutex>

namespace {
using bench::Latencies;
using bench::Register;
using bench::Watch;

// The kernel may wake a sleeper 50 us late, to wake it with others, unless it is told not to.
void timer_idle(Watch& watch, long operations) {
  ::prctl(PR_SET_TIMERSLACK, 1);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  Latencies late;
  watch.start();
  for (long i = 0; i < operations; ++i) {
    const auto due = bench::now() + bench::kInterval;
    for (auto left = due - bench::now(); left.count() > 0; left = due - bench::now()) {
      const timespec timeout{0, left.count()};
      epoll_event event{};
      ::epoll_pwait2(epoll, &event, 1, &timeout, nullptr);
    }
    late.add(bench::now() - due);
  }
  watch.stop();
  late.note(watch);
  ::close(epoll);
}
const Register timer_idle_row("latency_timer", 2'000, timer_idle, Register::fresh);

void post_idle(Watch& watch, long operations) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  const int bell = ::eventfd(0, EFD_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, bell, &event);
  std::mutex lock;
  std::function<void()> posted;
  std::thread loop([&] {
    for (long ran = 0; ran < operations; ++ran) {
      std::uint64_t rings = 0;
      ::epoll_wait(epoll, &event, 1, -1);
      if (::read(bell, &rings, sizeof rings) != sizeof rings) bench::fail("no ring");
      const std::lock_guard held(lock);
      posted();
    }
  });
  watch.start();
  Latencies late = bench::post_from_another_thread(operations, [&](auto work) {
    const std::lock_guard held(lock);
    posted = std::move(work);
    const std::uint64_t ring = 1;
    if (::write(bell, &ring, sizeof ring) != sizeof ring) bench::fail("the bell is broken");
  });
  watch.stop();
  loop.join();
  late.note(watch);
  ::close(bell);
  ::close(epoll);
}
const Register post_idle_row("latency_post", 2'000, post_idle, Register::fresh);

}  // namespace
