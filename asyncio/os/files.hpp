// files.hpp: files and folders as coroutines: open_file, read_file, write_file, and what Python's
// module os has for paths. The system calls are made by io_uring where the loop runs on it, else by
// threads of the loop's default executor, so that a slow disk does not stop the loop. What Python
// calls open() blocks; this is its counterpart.
//
//   auto file = co_await asyncio::open_file("notes.txt", "a");
//   co_await file.write("one more line\n");
//   co_await file.close();
//
// Watching a folder for changes is in watch.hpp.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "asyncio/core/coroutines.hpp"

namespace asyncio {

namespace detail {
class FileState;
}

// An open file; a shared handle. Bytes, as Python's binary mode; nothing is translated. Writes are
// not buffered: what write() returned for is with the system; fsync() for the disk.
//
// Order:        operations on a file are done one after the other, in the order of the calls.
// Cancellation: one that has begun goes on without its task, and the next waits for it. A read that
//               was cancelled loses nothing: the next gets the bytes. A write that was cancelled
//               may have been done; its error is thrown by the next write, fsync or close.
// Threads:      its loop's thread only.
// Lifetime:     free. Dropping the last handle closes the file, without telling errors of it:
//               co_await close(), or use with(file, body).
class File {
 public:
  File() noexcept = default;  // empty: to be assigned
  explicit File(std::shared_ptr<detail::FileState> state) noexcept : state_(std::move(state)) {}

  // Exactly n bytes, fewer at the end of the file only; all that is left where n < 0.
  Coro<std::string> read(std::ptrdiff_t n = -1) const;
  // A line with its "\n"; without it at the end of the file, empty after that.
  Coro<std::string> readline() const;
  // async for line in file: while (auto line = co_await file.next()).
  Coro<std::optional<std::string>> next() const;
  // All of it, or throws: OSError for a full disk. Gives the number of bytes. Copies the data.
  Coro<std::size_t> write(std::string_view data) const;
  // whence: SEEK_SET, SEEK_CUR, SEEK_END. Gives the new position.
  Coro<std::int64_t> seek(std::int64_t offset, int whence = 0) const;
  Coro<std::int64_t> tell() const;
  // To the size, or to the position. Gives the new size.
  Coro<std::int64_t> truncate(std::optional<std::int64_t> size = {}) const;
  Coro<> flush() const;  // nothing to do but to tell the error of a write that was cancelled
  Coro<> fsync() const;
  Coro<> close() const;  // waits for what is under way; twice is once
  bool closed() const noexcept;
  int fileno() const;  // throws ValueError where it is closed
  const std::string& name() const;

  // async with file: closes it at the end.
  Coro<> aenter() const;
  Coro<bool> aexit(std::exception_ptr error) const;
  std::string repr() const;

 private:
  detail::FileState& state() const;
  std::shared_ptr<detail::FileState> state_;
};

// Modes are Python's: r, w, a, x, with + to read and write; b changes nothing. Throws
// FileNotFoundError and its like, ValueError("invalid mode: ...").
// Cancellation: the file is closed as soon as it is open.
Coro<File> open_file(std::string path, std::string mode = "r");
Coro<std::string> read_file(std::string path);
// Replaces what the file had. Throws where not all of it could be written.
Coro<> write_file(std::string path, std::string_view data);

// What stat(2) says.
struct FileStatus {
  std::uint64_t size = 0;  // bytes
  unsigned mode = 0;       // type and permissions, as st_mode
  std::chrono::system_clock::time_point modified, accessed, changed;
  std::uint64_t inode = 0, device = 0, links = 0;
  unsigned uid = 0, gid = 0;
  bool is_file() const noexcept;
  bool is_directory() const noexcept;
  bool is_symlink() const noexcept;  // lstat() only
};

// Named as in Python's module os. Throw FileNotFoundError and its like, with the path.
namespace os {
Coro<FileStatus> stat(std::string path);
Coro<FileStatus> lstat(std::string path);
Coro<bool> exists(std::string path);
Coro<> rename(std::string from, std::string to);  // replaces `to`, atomically
Coro<> remove(std::string path);
Coro<> mkdir(std::string path, unsigned mode = 0777);
Coro<> makedirs(std::string path, bool exist_ok = false);
Coro<> rmdir(std::string path);
Coro<std::vector<std::string>> listdir(std::string path = ".");  // C++: sorted
}  // namespace os

}  // namespace asyncio
