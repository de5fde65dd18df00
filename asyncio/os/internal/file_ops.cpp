#include "asyncio/os/internal/file_ops.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "asyncio/base/errors.hpp"
#include "asyncio/os/internal/read_write.hpp"

namespace asyncio::detail {
namespace {

constexpr std::size_t kFirstRead = std::size_t{64} * 1024;
constexpr std::size_t kLargestRead = std::size_t{1} << 30;  // below what one read(2) can give

// How much is left to read, where the system knows; a byte more, to see the end.
std::size_t expected_rest(const OpenFile& file) noexcept {
  struct stat status{};
  if (!file.seekable || ::fstat(file.fd.get(), &status) != 0) return kFirstRead;
  const off_t position = ::lseek(file.fd.get(), 0, SEEK_CUR);
  if (position < 0 || status.st_size <= position) return kFirstRead;
  return static_cast<std::size_t>(status.st_size - position) + 1;
}

std::string read_fully(const OpenFile& file, std::size_t size) {
  std::string data;
  std::size_t got = 0;
  std::size_t room = std::min(size, expected_rest(file));
  while (got < size) {
    data.resize(std::max(got + room, got));
    const ssize_t count =
        read_fd(file.fd.get(), data.data() + got, std::min(data.size() - got, kLargestRead));
    if (count < 0) throw_file_error(static_cast<int>(-count), "read", file.path);
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
    room = got == data.size() ? std::min(size - got, std::max(got, kFirstRead)) : data.size() - got;
  }
  data.resize(got);
  return data;
}

std::size_t write_fully(const OpenFile& file, const std::string& data, std::size_t unread) {
  if (unread != 0 && file.seekable &&
      ::lseek(file.fd.get(), -static_cast<off_t>(unread), SEEK_CUR) < 0)
    throw_file_error(errno, "lseek", file.path);
  std::size_t written = 0;
  while (written < data.size()) {
    const ssize_t count = write_fd(file.fd.get(), data.data() + written, data.size() - written);
    if (count < 0) throw_file_error(static_cast<int>(-count), "write", file.path);
    written += static_cast<std::size_t>(count);
  }
  return written;
}

OpenFilePtr open_now(const std::string& path, int flags, unsigned mode) {
  if (path.find('\0') != std::string::npos) throw ValueError("embedded null byte");
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, static_cast<mode_t>(mode));
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) throw_os_error(errno, "open", path);
  auto file = std::make_shared<OpenFile>();
  file->fd = OwnedFd(fd);
  file->path = path;
  struct stat status{};
  if (::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) throw_os_error(EISDIR, "open", path);
  file->seekable = ::lseek(fd, 0, (flags & O_APPEND) != 0 ? SEEK_END : SEEK_CUR) >= 0;
  return file;
}

}  // namespace

void throw_file_error(int error, const char* operation, const std::string& path) {
  const std::error_code code(error, std::generic_category());
  std::rethrow_exception(
      make_os_error(error, ErrorText{"[Errno " + std::to_string(error) + "] " + code.message()},
                    operation, path));
}

Future<OpenFilePtr> open_in_thread(std::string path, int flags, unsigned mode) {
  return in_thread([path = std::move(path), flags, mode] { return open_now(path, flags, mode); });
}

Future<std::string> read_in_thread(OpenFilePtr file, std::size_t size) {
  return in_thread([file = std::move(file), size] {
    std::string data(size, '\0');
    const ssize_t count = read_fd(file->fd.get(), data.data(), size);
    if (count < 0) throw_file_error(static_cast<int>(-count), "read", file->path);
    data.resize(static_cast<std::size_t>(count));
    return data;
  });
}

Future<std::string> read_fully_in_thread(OpenFilePtr file, std::size_t size) {
  return in_thread([file = std::move(file), size] { return read_fully(*file, size); });
}

Future<std::size_t> write_in_thread(OpenFilePtr file, std::string data, std::size_t unread) {
  return in_thread([file = std::move(file), data = std::move(data), unread] {
    return write_fully(*file, data, unread);
  });
}

Future<> sync_in_thread(OpenFilePtr file) {
  return in_thread([file = std::move(file)] {
    if (::fsync(file->fd.get()) != 0) throw_file_error(errno, "fsync", file->path);
  });
}

Future<> truncate_in_thread(OpenFilePtr file, std::int64_t size) {
  return in_thread([file = std::move(file), size] {
    if (::ftruncate(file->fd.get(), size) != 0) throw_file_error(errno, "ftruncate", file->path);
  });
}

Future<> close_in_thread(OpenFilePtr file) {
  return in_thread([file = std::move(file)] {
    // Not again after EINTR: the fd is gone all the same, see close(2).
    if (::close(file->fd.release()) != 0 && errno != EINTR)
      throw_file_error(errno, "close", file->path);
  });
}

}  // namespace asyncio::detail
