// connect.hpp: from an address to a connected socket.
#pragma once
#include <exception>
#include <string>
#include <vector>

#include "asyncio/core/events.hpp"
#include "asyncio/net/internal/sockets.hpp"
#include "asyncio/net/streams.hpp"

namespace asyncio::detail {

TimePoint deadline_after(Loop& loop, Duration timeout);  // far away: TimePoint::max()

// Fails `future` at the deadline, for a scope.
template <class T>
class DeadlineScope {
 public:
  DeadlineScope(Loop& loop, TimePoint deadline, Future<T> future, const std::string& what) {
    if (deadline == TimePoint::max()) return;
    timer_ = loop.call_at(deadline, [future, message = "timed out: " + what] {
      if (!future.done()) future.set_exception(TimeoutError(message));
    });
  }
  DeadlineScope(const DeadlineScope&) = delete;
  DeadlineScope& operator=(const DeadlineScope&) = delete;
  ~DeadlineScope() { timer_.cancel(); }

 private:
  TimerHandle timer_;
};

struct ConnectedSocket {
  FileDescriptor fd;  // still registered with the backend: the next watch() takes it over
  Address peer;
};

struct ConnectPlan {
  std::vector<Address> locals = {};  // where to connect from: the first that can be bound
  bool has_local = false;            // false: from anywhere
  bool keep_alive = false;
  TimePoint deadline = TimePoint::max();
};

// Throws OSError with Python's sentence, TimeoutError once the deadline is over. `errors`, where
// it is not null, gets what was overcome on the way.
Coro<ConnectedSocket> connect_to(Loop& loop, Address peer, ConnectPlan plan,
                                 std::vector<std::exception_ptr>* errors);
// Resolves, and tries the addresses.
Coro<ConnectedSocket> connect_by_name(Loop& loop, std::string host, int port,
                                      ConnectOptions options);
Coro<ConnectedSocket> connect_by_path(Loop& loop, std::string path, ConnectOptions options);
// Takes a connected socket of the caller's over; where it throws, it is the caller's still.
ConnectedSocket adopt_socket(Loop& loop, int fd);

}  // namespace asyncio::detail
