// file_call.hpp: one system call on a file, which a backend makes while the loop goes on. A regular
// file is always "ready", so there is nothing to try first and to wait for: either the backend
// takes the whole call over (io_uring), or it offers none, and threads make them (os/files.hpp).
#pragma once
#include <cstddef>
#include <cstdint>

struct statx;

namespace asyncio::detail {

// Made by whoever wants the call, who also owns all it points to. From IoBackend::start() on it
// belongs to the backend, until one of the two functions is called: the kernel works on its memory.
class FileCall {
 public:
  enum class Kind : std::uint8_t {
    open,         // path, flags, mode: gives an fd
    read,         // fd, data, size, offset: the file's position stays
    write,        // likewise; at the end, where the file was opened with O_APPEND
    sync,         // fd
    status,       // path, flags (AT_*), status
    rename,       // path, to
    remove,       // path, flags: AT_REMOVEDIR for a folder
    make_folder,  // path, mode
    close,        // fd, which is gone whatever the result
  };
  static constexpr std::size_t kKinds = 9;

  explicit FileCall(Kind kind_of_call) noexcept : kind(kind_of_call) {}
  FileCall(const FileCall&) = delete;
  FileCall& operator=(const FileCall&) = delete;

  // Inside IoBackend::wait(), once a start(): what the call returned, or -errno. May start itself
  // again, or destroy itself.
  virtual void on_done(std::int64_t result) noexcept = 0;
  // The loop is closed; the call was made, or will never be. What an `open` gave is closed.
  virtual void on_backend_closed() noexcept = 0;

  Kind kind;
  int fd = -1;
  int flags = 0;
  unsigned mode = 0;
  char* data = nullptr;
  std::size_t size = 0;
  std::int64_t offset = 0;
  const char* path = nullptr;
  const char* to = nullptr;
  struct statx* status = nullptr;

 protected:
  ~FileCall() = default;
};

}  // namespace asyncio::detail
