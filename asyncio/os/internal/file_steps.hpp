// file_steps.hpp: how reading and writing go on from one system call to the next, and what comes of
// an open. The same for threads and for a backend that makes the calls.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "asyncio/os/internal/file_ops.hpp"

namespace asyncio::detail {

// Reads up to `size` bytes: place() and room() say what the next read(2) is for, while
// wants_more().
class ReadSteps {
 public:
  ReadSteps(OpenFilePtr file, std::size_t size, bool fully);
  const OpenFile& file() const noexcept { return *file_; }
  bool wants_more() const noexcept { return wants_more_; }
  char* place() noexcept { return data_.data() + got_; }
  std::size_t room() const noexcept;
  void take(std::int64_t result);  // of read(2), or -errno; throws OSError
  std::string finish();

 private:
  void make_room();

  OpenFilePtr file_;
  std::string data_;
  std::size_t size_;
  std::size_t got_ = 0;
  bool fully_;
  bool wants_more_;
};

class WriteSteps {
 public:
  // Throws OSError where going back over `unread` bytes fails.
  WriteSteps(OpenFilePtr file, std::string data, std::size_t unread);
  const OpenFile& file() const noexcept { return *file_; }
  bool wants_more() const noexcept { return written_ < data_.size(); }
  char* place() noexcept { return data_.data() + written_; }
  std::size_t room() const noexcept { return data_.size() - written_; }
  void take(std::int64_t result);  // of write(2), or -errno; throws OSError
  std::size_t finish() const noexcept { return written_; }

 private:
  OpenFilePtr file_;
  std::string data_;
  std::size_t written_ = 0;
};

// What open(2) gave, taken over; throws OSError where it is a directory.
OpenFilePtr make_open_file(OwnedFd fd, std::string path, int flags);
void check_path(const std::string& path);  // throws ValueError for a null byte
[[noreturn]] void throw_rename_error(int error, const std::string& from, const std::string& to);

}  // namespace asyncio::detail
