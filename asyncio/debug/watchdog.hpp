// watchdog.hpp: Watchdog, which tells of a loop that does not go on: a blocking call, an endless
// loop, a step that takes too long. From outside, `asyncio pstree` shows the same.
//
//   asyncio::Watchdog watchdog(5s);   // in the coroutine that is run()
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "asyncio/base/clock.hpp"

namespace asyncio {

// Watches the running loop from a thread of its own, in real time, until it is destroyed. Each time
// the loop stays in one pass for `limit` or longer, it reports once, with the task whose step it is
// and the stack of that task.
//
// Threads:  made and destroyed on the loop's thread; `report` is called on the watchdog's, while
// the
//           loop hangs: it must not wait for the loop.
// Lifetime: shorter than the loop's.
class Watchdog {
 public:
  using Report = std::function<void(const std::string&)>;

  // Without `report`, a warning goes to the log. Throws ValueError for a limit that is not
  // positive, RuntimeError outside of a loop.
  explicit Watchdog(Duration limit, Report report = {});
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace asyncio
