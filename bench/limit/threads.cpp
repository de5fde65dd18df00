// What does handing work to a loop on another thread cost, at full speed and when the loop sleeps?
#include <semaphore>
#include <thread>
#include <vector>

#include "bench/limit/inbox.hpp"
#include "bench/support/rows.hpp"

namespace {
using bench::Register;
using bench::Watch;
using limit::Inbox;
using limit::Post;

// A post that can be waited for.
struct Signal : Post {
  std::binary_semaphore arrived{0};
  Signal() : Post{nullptr, [](Post* self) { static_cast<Signal*>(self)->arrived.release(); }} {}
};

struct Stop : Post {
  Inbox& inbox;
  explicit Stop(Inbox& which)
      : Post{nullptr, [](Post* self) { static_cast<Stop*>(self)->inbox.stop(); }}, inbox(which) {}
};

// One thread posts as fast as it can; the time until the last post has run.
void post_from_thread(Watch& watch, long operations) {
  Inbox inbox;
  static long ran;
  ran = 0;
  std::vector<Post> posts(static_cast<std::size_t>(operations),
                          Post{nullptr, [](Post*) { ++ran; }});
  std::jthread loop([&] { inbox.run(); });
  Signal last;
  watch.start();
  for (Post& post : posts) inbox.post(&post);
  inbox.post(&last);
  last.arrived.acquire();
  watch.stop();
  if (ran != operations) bench::fail("a post was lost");
  Stop stop(inbox);
  inbox.post(&stop);
  loop.join();
}
const Register post_row("post_from_thread", 1'000'000, post_from_thread);

// The loop sleeps before every post: there and back, two wake-ups of threads.
void wake_from_thread(Watch& watch, long operations) {
  Inbox inbox;
  std::jthread loop([&] { inbox.run(); });
  Signal signal;
  watch.start();
  for (long i = 0; i < operations; ++i) {
    inbox.post(&signal);
    signal.arrived.acquire();
  }
  watch.stop();
  Stop stop(inbox);
  inbox.post(&stop);
  loop.join();
}
const Register wake_row("wake_from_thread", 20'000, wake_from_thread);

}  // namespace
