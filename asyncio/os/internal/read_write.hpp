// read_write.hpp: read(2) and write(2) by what they return. Writing is without the signals that may
// come of it: SIGPIPE where nobody reads any more, SIGXFSZ where a file would grow over
// RLIMIT_FSIZE; the error alone is told.
#pragma once
#include <sys/types.h>

#include <cstddef>

namespace asyncio::detail {

// The number of bytes (0: the end), or -errno. They begin again after a signal.
ssize_t read_fd(int fd, char* data, std::size_t size) noexcept;
ssize_t write_fd(int fd, const char* data, std::size_t size) noexcept;

}  // namespace asyncio::detail
