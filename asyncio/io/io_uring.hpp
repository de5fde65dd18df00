// io_uring.hpp: how the backend on io_uring(7) is made. Who uses the library says
// LoopOptions{.backend = Backend::io_uring} instead.
#pragma once
#include <memory>

#include "asyncio/io/backend.hpp"

struct io_uring_params;

namespace asyncio::detail {

// Each feature is used where it is wanted here and the kernel has it; without it another way leads
// to the same results. Tests switch them off one by one.
struct IoUringOptions {
  unsigned entries = 256;       // of the submission queue
  unsigned completions = 4096;  // the kernel keeps what comes on top of them
  unsigned buffers = 512;       // lent to the kernel for receiving; a power of two; 0: none
  unsigned buffer_size = 8192;
  bool deferred_work = true;      // completions are made inside wait() only (Linux 6.1)
  bool receive_multishot = true;  // needs deferred work, and buffers
  bool accept_multishot = true;   // needs deferred work
  int (*setup)(unsigned, io_uring_params*) = nullptr;  // asked first; negative: refuses
};

// Throws OSError where the kernel does not let this process have a ring (EPERM, ENOMEM), or is
// older than 5.13 (ENOSYS). Threads: may be made in one thread and used in another; where it
// changes threads later, the next wait() moves to a new ring.
std::unique_ptr<IoBackend> make_io_uring_backend(IoUringOptions options = {});

// How many receive buffers hold bytes that wait for the owner of their fd; 0 of any other backend.
// For tests: none where all fds are closed.
unsigned filled_buffers(const IoBackend& backend) noexcept;

}  // namespace asyncio::detail
