// How does the cost of one operation grow with the number of tasks, timers and waiters? Prints two
// tables in Markdown, nanoseconds of CPU time and bytes of memory per element; `bench_growth N`
// stops at N elements, `bench_growth CASE N` runs one case alone.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "asyncio/asyncio.hpp"

using namespace std::chrono_literals;

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

asyncio::Coro<long> answer(long value) { co_return value; }
asyncio::Coro<long> answer_after(asyncio::Duration delay, long value) {
  co_await asyncio::sleep(delay);
  co_return value;
}
asyncio::Coro<> wait_for_it(asyncio::Event& event) { co_await event.wait(); }
asyncio::Coro<> take_turn(asyncio::Lock& lock) { auto held = co_await lock.scoped(); }

std::vector<asyncio::Task<>> waiters_of(asyncio::Event& event, long count) {
  std::vector<asyncio::Task<>> tasks;
  for (long i = 0; i < count; ++i) tasks.push_back(asyncio::create_task(wait_for_it(event)));
  return tasks;
}

asyncio::Coro<> tasks_of_a_group(long count) {
  co_await asyncio::with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) -> asyncio::Coro<> {
    for (long i = 0; i < count; ++i) static_cast<void>(group.create_task(answer(i)));
    co_return;
  });
}

asyncio::Coro<> cancelled_group(long count) {
  asyncio::Event never;
  try {
    co_await asyncio::with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) -> asyncio::Coro<> {
      for (long i = 0; i < count; ++i) static_cast<void>(group.create_task(wait_for_it(never)));
      co_await asyncio::sleep(0s);
      throw asyncio::ValueError("enough");
    });
  } catch (const asyncio::ExceptionGroup&) {
    co_return;
  }
}

asyncio::Coro<> gathered(long count) {
  std::vector<asyncio::Coro<long>> children;
  for (long i = 0; i < count; ++i) children.push_back(answer(i));
  static_cast<void>(co_await asyncio::gather(std::move(children)));
}

asyncio::Coro<> waiters_of_an_event(long count) {
  asyncio::Event event;
  auto tasks = waiters_of(event, count);
  co_await asyncio::sleep(0s);
  event.set();
  for (auto& task : tasks) co_await task;
}

// Each leaves from the middle of the line.
asyncio::Coro<> waiters_cancelled_in_random_order(long count) {
  asyncio::Event never;
  auto tasks = waiters_of(never, count);
  co_await asyncio::sleep(0s);
  std::shuffle(tasks.begin(), tasks.end(), std::mt19937(1));
  for (auto& task : tasks) task.cancel();
  static_cast<void>(co_await asyncio::wait(tasks));
}

asyncio::Coro<> contenders_of_a_lock(long count) {
  asyncio::Lock lock;
  std::vector<asyncio::Task<>> tasks;
  for (long i = 0; i < count; ++i) tasks.push_back(asyncio::create_task(take_turn(lock)));
  for (auto& task : tasks) co_await task;
}

asyncio::Coro<> parties_of_a_barrier(long count) {
  asyncio::Barrier barrier(static_cast<int>(count));
  std::vector<asyncio::Task<int>> tasks;
  for (long i = 0; i < count; ++i) tasks.push_back(asyncio::create_task(barrier.wait()));
  for (auto& task : tasks) co_await task;
}

asyncio::Coro<> items_of_a_queue(long count) {
  asyncio::Queue<long> queue;
  for (long i = 0; i < count; ++i) queue.put_nowait(i);
  while (!queue.empty()) co_await queue.get();
}

// All wait before there is anything to get.
asyncio::Coro<> getters_of_a_queue(long count) {
  asyncio::Queue<long> queue;
  std::vector<asyncio::Task<long>> tasks;
  for (long i = 0; i < count; ++i) tasks.push_back(asyncio::create_task(queue.get()));
  co_await asyncio::sleep(0s);
  for (long i = 0; i < count; ++i) queue.put_nowait(i);
  for (auto& task : tasks) co_await task;
}

asyncio::Coro<> await_the_next(asyncio::Task<> next) { co_await next; }

// The last one waits for the one before it, and so on.
asyncio::Task<> chain_to(asyncio::Event& event, long count) {
  auto task = asyncio::create_task(wait_for_it(event));
  for (long i = 1; i < count; ++i) task = asyncio::create_task(await_the_next(std::move(task)));
  return task;
}

asyncio::Coro<> chain_of_tasks(long count) {
  asyncio::Event event;
  auto task = chain_to(event, count);
  co_await asyncio::sleep(0s);
  event.set();
  co_await task;
}

asyncio::Coro<> chain_cancelled(long count) {
  asyncio::Event never;
  auto task = chain_to(never, count);
  co_await asyncio::sleep(0s);
  task.cancel();
  static_cast<void>(co_await asyncio::wait(std::vector{task}));
}

// In the order in which they end, which is not that in which they were made.
asyncio::Coro<> tasks_as_they_complete(long count) {
  std::mt19937 random(1);
  std::vector<asyncio::Coro<long>> children;
  for (long i = 0; i < count; ++i)
    children.push_back(answer_after(std::chrono::nanoseconds(random() % 1'000'000), i));
  for (auto& next : asyncio::as_completed(std::move(children))) co_await std::move(next);
}

asyncio::Coro<> timers_cancelled_in_random_order(long count) {
  asyncio::Loop& loop = asyncio::get_running_loop();
  std::mt19937 random(1);
  std::vector<asyncio::TimerHandle> timers;
  for (long i = 0; i < count; ++i)
    timers.push_back(loop.call_later(1h + std::chrono::microseconds(random()), [] {}));
  co_await asyncio::sleep(1us);  // the loop was idle: all stand in order
  std::shuffle(timers.begin(), timers.end(), random);
  for (auto& timer : timers) timer.cancel();
}

asyncio::Coro<> timers_that_fire(long count) {
  asyncio::Loop& loop = asyncio::get_running_loop();
  std::mt19937 random(1);
  asyncio::Event all;
  long left = count;
  const auto now = loop.time();
  for (long i = 0; i < count; ++i)
    loop.call_at(now + std::chrono::nanoseconds(random() % 1'000'000), [&] {
      if (--left == 0) all.set();
    });
  co_await all.wait();
}

using Case = asyncio::Coro<> (*)(long count);
struct Row {
  const char* name;
  Case run;
};
constexpr Row kRows[] = {
    {"tasks of a TaskGroup", tasks_of_a_group},
    {"tasks cancelled with their TaskGroup", cancelled_group},
    {"children of a gather", gathered},
    {"waiters of an Event", waiters_of_an_event},
    {"waiters of an Event, cancelled in random order", waiters_cancelled_in_random_order},
    {"contenders of a Lock", contenders_of_a_lock},
    {"parties of a Barrier", parties_of_a_barrier},
    {"items of a Queue", items_of_a_queue},
    {"getters of a Queue", getters_of_a_queue},
    {"tasks of which each awaits the next", chain_of_tasks},
    {"the same, cancelled at its end", chain_cancelled},
    {"tasks as they complete", tasks_as_they_complete},
    {"timers cancelled in random order", timers_cancelled_in_random_order},
    {"timers that fire", timers_that_fire},
};

// Small counts are repeated until the whole is worth timing; the first round warms the pool up.
double nanoseconds_once(Case run, long count) {
  const long rounds = std::max(1L, 20'000 / count);
  double spent = 0;
  asyncio::run([](Case body, long n, long times, double& seconds) -> asyncio::Coro<> {
    co_await body(n);
    const double before = cpu_seconds();
    for (long i = 0; i < times; ++i) co_await body(n);
    seconds = cpu_seconds() - before;
  }(run, count, rounds, spent));
  return spent * 1e9 / static_cast<double>(count * rounds);
}

// The best of three, since other programs empty the caches.
double nanoseconds_each(Case run, long count) {
  double best = nanoseconds_once(run, count);
  for (int i = 0; i < 2; ++i) best = std::min(best, nanoseconds_once(run, count));
  return best;
}

double peak_bytes() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return 1024.0 * static_cast<double>(used.ru_maxrss);
}

// The most memory that one run takes, after it has run with a few elements: what a process needs
// once does not count.
double bytes_each(Case run, long count) {
  asyncio::run(run(10));
  const double before = peak_bytes();
  asyncio::run(run(count));
  return (peak_bytes() - before) / static_cast<double>(count);
}

// Each figure in a process of its own. Otherwise a row whose elements end in random order would
// leave the pool's blocks in that order to the next, which then waits for memory.
double in_child(double (*measure)(Case, long), Case run, long count) {
  int ends[2];
  double figure = 0;
  if (pipe(ends) != 0) return figure;
  if (const pid_t child = fork(); child == 0) {
    figure = measure(run, count);
    const bool told = write(ends[1], &figure, sizeof(figure)) == sizeof(figure);
    _exit(told ? 0 : 1);
  } else if (child > 0) {
    if (read(ends[0], &figure, sizeof(figure)) != sizeof(figure)) figure = 0;
    waitpid(child, nullptr, 0);
  }
  close(ends[0]);
  close(ends[1]);
  return figure;
}

void print_table(const char* unit, double (*measure)(Case, long), long least, long most) {
  std::printf("| %s |", unit);
  for (long count = least; count <= most; count *= 10) std::printf(" %ld |", count);
  std::printf("\n|---|");
  for (long count = least; count <= most; count *= 10) std::printf("---:|");
  for (const Row& row : kRows) {
    std::printf("\n| %s |", row.name);
    for (long count = least; count <= most; count *= 10) {
      std::fflush(stdout);
      std::printf(" %.0f |", in_child(measure, row.run, count));
    }
  }
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  const long most = argc == 2 ? std::atol(argv[1]) : 1'000'000;
  if (argc == 3) {
    for (const Row& row : kRows)
      if (std::strcmp(row.name, argv[1]) == 0)
        std::printf("%.1f\n", nanoseconds_each(row.run, std::atol(argv[2])));
    return 0;
  }
  print_table("bytes", bytes_each, 10'000, most);
  std::printf("\n");
  print_table("nanoseconds", nanoseconds_each, 1, most);
  return 0;
}
