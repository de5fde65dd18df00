// What does handing work to an io_context on another thread cost, at full speed and when it sleeps?
#include <semaphore>
#include <thread>

#include "bench/peers/asio/common.hpp"

namespace {
using bench::Register;
using bench::Watch;

// An io_context that runs on a thread of its own until this is destroyed.
struct LoopThread {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> open = asio::make_work_guard(context);
  std::thread thread{[this] { context.run(); }};
  ~LoopThread() {
    open.reset();
    thread.join();
  }
};

void post_from_thread(Watch& watch, long operations) {
  LoopThread loop;
  long ran = 0;
  std::binary_semaphore last(0);
  watch.start();
  for (long i = 0; i < operations; ++i) asio::post(loop.context, [&] { ++ran; });
  asio::post(loop.context, [&] { last.release(); });
  last.acquire();
  watch.stop();
  if (ran != operations) bench::fail("a post was lost");
}
const Register post_row("post_from_thread", 500'000, post_from_thread);

void wake_from_thread(Watch& watch, long operations) {
  LoopThread loop;
  std::binary_semaphore arrived(0);
  watch.start();
  for (long i = 0; i < operations; ++i) {
    asio::post(loop.context, [&] { arrived.release(); });
    arrived.acquire();
  }
  watch.stop();
}
const Register wake_row("wake_from_thread", 20'000, wake_from_thread);

}  // namespace
