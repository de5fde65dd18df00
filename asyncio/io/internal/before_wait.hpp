// before_wait.hpp: the fds whose watchers want to be called when the loop waits next.
#pragma once
#include <cstddef>
#include <new>
#include <vector>

#include "asyncio/io/backend.hpp"

namespace asyncio::detail {

class BeforeWait {
 public:
  bool add(int fd) noexcept {
    try {
      fds_.push_back(fd);
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }

  // watcher_of(fd) is null where nobody watches. True where something became ready.
  template <class F>
  bool call(F watcher_of) noexcept {
    bool is_busy = false;
    for (std::size_t i = 0; i < fds_.size(); ++i)  // by index: more may be added meanwhile
      if (FdWatcher* const watcher = watcher_of(fds_[i]))
        if (watcher->before_wait()) is_busy = true;
    fds_.clear();
    return is_busy;
  }

 private:
  std::vector<int> fds_;
};

}  // namespace asyncio::detail
