// What does handing work to a loop on another thread cost, at full speed and when the loop sleeps?
#include <semaphore>
#include <thread>

#include "bench/workloads/common.hpp"

namespace {
using bench::Register;
using bench::Watch;

// A loop that runs on a thread of its own until this is destroyed.
class LoopThread {
 public:
  LoopThread() {
    std::binary_semaphore running(0);
    thread_ = std::thread([&] {
      asyncio::Loop loop;
      loop_ = &loop;
      loop.call_soon([&] { running.release(); });
      loop.run_forever();
      loop.close();
    });
    running.acquire();
  }
  ~LoopThread() {
    loop_->call_soon_threadsafe([loop = loop_] { loop->stop(); });
    thread_.join();
  }
  asyncio::Loop& loop() { return *loop_; }

 private:
  asyncio::Loop* loop_ = nullptr;
  std::thread thread_;
};

// One thread posts as fast as it can; the time until the last post has run.
void post_from_thread(Watch& watch, long operations) {
  LoopThread other;
  long ran = 0;
  std::binary_semaphore last(0);
  watch.start();
  for (long i = 0; i < operations; ++i) other.loop().call_soon_threadsafe([&ran] { ++ran; });
  other.loop().call_soon_threadsafe([&last] { last.release(); });
  last.acquire();
  watch.stop();
  if (ran != operations) bench::fail("a post was lost");
}
const Register post_row("post_from_thread", 500'000, post_from_thread);

// The loop sleeps before every post: there and back, two wake-ups of threads.
void wake_from_thread(Watch& watch, long operations) {
  LoopThread other;
  std::binary_semaphore arrived(0);
  watch.start();
  for (long i = 0; i < operations; ++i) {
    other.loop().call_soon_threadsafe([&arrived] { arrived.release(); });
    arrived.acquire();
  }
  watch.stop();
}
const Register wake_row("wake_from_thread", 20'000, wake_from_thread);

}  // namespace
