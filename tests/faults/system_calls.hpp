// system_calls.hpp: the n-th system call of a kind fails, of those that the library makes beside
// its backend: for processes, pipes, folders and c-ares. The linker sends them here (-Wl,--wrap).
#pragma once
#include <vector>

#include "asyncio/testing/faults.hpp"

namespace asyncio::fault_test {

// Named as the functions of libc; "pidfd_open" and "pidfd_send_signal" are syscall(2)s.
const std::vector<testing::FaultOperation>& system_calls();

// While it stands, the fault's call fails, on whichever thread it comes. One at a time.
class SystemFault {
 public:
  explicit SystemFault(const testing::Fault& fault);
  SystemFault(const SystemFault&) = delete;
  SystemFault& operator=(const SystemFault&) = delete;
  ~SystemFault();
  bool injected() const;
};

}  // namespace asyncio::fault_test
